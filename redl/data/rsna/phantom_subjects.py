"""Who is in a phantom of the RSNA data: each subject's label, lesions, images, machine and row of the table.

The proportions are those of the paper's cohort, 11856 images of 3199 subjects. Where no leak is asked for,
site and machine, and with them everything about a file but its pixels, are independent of the label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from numpy.random import Generator

from redl.data.dicom import Encoding, Syntax
from redl.data.rsna.cohort import MAX_AGE

Row = dict[str, object]

POSITIVE_SUBJECTS = 0.494
COLUMNS = (
    *("site_id", "patient_id", "image_id", "laterality", "view", "age", "cancer", "biopsy", "invasive"),
    *("BIRADS", "implant", "density", "machine_id", "difficult_negative_case"),
)

# Of the cohort's images, 3953 are of BI-RADS 0, 2.5 a subject; 7082 and 821 of 1 and 2, 4.9 a subject.
_BIRADS_2 = 821 / (7082 + 821)
_IMAGES_OF_POSITIVE = {2: 0.60, 3: 0.30, 4: 0.10}
_IMAGES_OF_NEGATIVE = {4: 0.62, 5: 0.15, 6: 0.13, 8: 0.08, 14: 0.02}
_IMAGES_OF_ANYONE = {2: 0.30, 3: 0.15, 4: 0.36, 5: 0.075, 6: 0.065, 8: 0.04, 14: 0.01}
_POSITIVES_OF_SITE_2 = 1342 / 3953  # every one of site 2's images in the cohort is positive


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """A machine, its site and how it stores images; `share` is that of the subjects examined on it."""

    id: int
    site: int
    share: float
    encoding: Encoding


def _machine(
    number: int, site: int, share: float, syntax: Syntax, *, inverted: bool, sigmoid: bool
) -> Machine:
    encoding = Encoding(syntax=syntax, inverted=inverted, sigmoid=sigmoid)
    return Machine(id=number, site=site, share=share, encoding=encoding)


# The real files are JPEG 2000 or JPEG lossless, one of them a machine; the others are there to be read too.
_MACHINES = (
    _machine(49, 1, 0.32, Syntax.JPEG2000, inverted=True, sigmoid=False),
    _machine(48, 1, 0.22, Syntax.JPEG_LOSSLESS, inverted=False, sigmoid=True),
    _machine(21, 1, 0.12, Syntax.UNCOMPRESSED, inverted=True, sigmoid=False),
    _machine(93, 1, 0.07, Syntax.RLE, inverted=False, sigmoid=False),
    _machine(216, 1, 0.07, Syntax.DEFLATED, inverted=False, sigmoid=False),
    _machine(29, 2, 0.20, Syntax.JPEG2000, inverted=False, sigmoid=False),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is drawn of a subject before any image.

    `age` and `birads` are as recorded, None where unknown; `lesions` is what the images show.
    """

    age: int | None
    birads: int | None
    lesions: bool
    images: int
    machine: Machine

    @property
    def in_cohort(self) -> bool:
        """Return whether the paper's cohort includes this subject."""
        return self.age is not None and self.age < MAX_AGE and self.birads is not None


def draw_subjects(
    rng: Generator,
    subjects: int,
    *,
    prevalence: float,
    label_noise: float,
    site_leak: bool,
    even_counts: bool,
) -> list[Subject]:
    """Draw `subjects` of the cohort and a few outside it, in chance order; see Phantom for the options."""

    def subject(age: int | None, birads: int | None, *, lesions: bool) -> Subject:
        recorded = birads == 0
        counts = _IMAGES_OF_POSITIVE if recorded else _IMAGES_OF_NEGATIVE
        return Subject(
            age=age,
            birads=birads,
            lesions=lesions,
            images=_pick(rng, _IMAGES_OF_ANYONE if even_counts else counts),
            machine=_draw_machine(rng, positive=recorded, site_leak=site_leak),
        )

    lesions = [number < round(prevalence * subjects) for number in range(subjects)]
    categories = _record(rng, lesions, label_noise)
    everyone = [
        subject(_draw_young(rng), birads, lesions=truth)
        for birads, truth in zip(categories, lesions, strict=True)
    ]
    for age, birads in _draw_outsiders(rng, max(3, subjects // 20)):
        everyone.append(subject(age, birads, lesions=birads == 0))
    return [everyone[place] for place in rng.permutation(len(everyone))]


def describe(rng: Generator, subject: Subject) -> Row:
    """Draw a subject's columns, those that nothing here reads as in the real table; None is an empty cell."""
    recalled = subject.birads == 0
    cancer = int(recalled and rng.random() < 0.05)
    return {
        "site_id": subject.machine.site,
        "machine_id": subject.machine.id,
        "age": subject.age,
        "BIRADS": subject.birads,
        "cancer": cancer,
        "biopsy": int(cancer or (recalled and rng.random() < 0.15)),
        "invasive": int(cancer and rng.random() < 0.7),
        "implant": int(rng.random() < 0.06),
        "density": None if rng.random() < 0.46 else str(rng.choice(["A", "B", "C", "D"])),
        "difficult_negative_case": bool(recalled and not cancer and rng.random() < 0.3),
    }


def _record(rng: Generator, lesions: list[bool], label_noise: float) -> list[int]:
    """Return the BI-RADS category recorded for each: 0 for lesions, flipped at the rate of `label_noise`."""
    positive = [truth != (rng.random() < label_noise) for truth in lesions]
    benign = round(_BIRADS_2 * positive.count(False))
    negatives = iter([2] * benign + [1] * (len(positive) - benign))
    return [0 if recorded else next(negatives) for recorded in positive]


def _draw_outsiders(rng: Generator, count: int) -> Iterator[tuple[int | None, int | None]]:
    """Draw the age and category of subjects outside the cohort, so that selecting it has something to do."""
    for number in range(count):
        match number % 3:
            case 0:
                yield int(rng.integers(MAX_AGE, 90)), int(rng.integers(3))
            case 1:
                yield _draw_young(rng), None
            case _:
                yield None, 1


def _draw_young(rng: Generator) -> int:
    return int(rng.triangular(26, 50, MAX_AGE))


def _draw_machine(rng: Generator, *, positive: bool, site_leak: bool) -> Machine:
    """Return a machine by its share; under a leak, of site 2 for a third of the positives and no one else."""
    if not site_leak:
        machines: tuple[Machine, ...] = _MACHINES
    else:
        site = 2 if positive and rng.random() < _POSITIVES_OF_SITE_2 else 1
        machines = tuple(machine for machine in _MACHINES if machine.site == site)
    return machines[_pick(rng, {number: machine.share for number, machine in enumerate(machines)})]


def _pick(rng: Generator, shares: Mapping[int, float]) -> int:
    """Return one of the keys, each as likely as its share of all."""
    total = sum(shares.values())
    return int(rng.choice(list(shares), p=[share / total for share in shares.values()]))
