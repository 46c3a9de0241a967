"""Profiles: how large a run is, from a smoke test on a laptop to the published protocol."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum

from redl.errors import OptionError
from redl.study.case import Model

Size = str | int | float | bool | None


class Pretraining(StrEnum):
    """Whether training starts from pretrained weights.

    NO: never. TRY: if they can be loaded. REQUIRE: always. PUBLISHED: always if any were published for the
    network, as in the published protocol.
    """

    NO = "no"
    TRY = "try"
    REQUIRE = "require"
    PUBLISHED = "published"


# Fields of a profile that judge figures or choose cases, and so change no figure.
JUDGING = frozenset({"min_above_majority", "tolerance", "seeds", "scales"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """What differs for one model from the rest of its profile."""

    model: str
    epochs: int
    patience: int
    learning_rate: float
    min_above_majority: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """Sizes and tolerances of a run.

    `reduced` shrinks the networks that are too large for a laptop. `scales` are the downsampling factors
    besides 1. `images` limits the images that are taken from a data set.
    `min_above_majority` is how far test accuracy must lie above that of the majority class, `tolerance` how
    far a setting's accuracy may lie below that of its baseline; both are None in a run that is too small for
    accuracy to mean anything.
    `inference_window_s` is how long passes over the test images are repeated to measure their energy.
    `schedules` are for models that need a different one. `phantom_lesions` are the contrast, the radius over
    the rows and the texture of phantom mammograms.
    `patch_spacing_mm` is the pixel spacing of CT patches, None for that of the scan; `phantom_hu` are the
    contrast, texture and noise of phantom CTs.
    """

    name: str
    image_size: int
    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    seeds: tuple[int, ...]
    scales: tuple[int, ...]
    reduced: bool
    images: int | None = None
    pretraining: Pretraining
    phantom_subjects: int
    phantom_rows: int
    phantom_lesions: tuple[float, float, float]
    phantom_patients: int
    phantom_hu: tuple[float, float, float]
    patch_spacing_mm: float | None
    inference_rounds: int
    inference_window_s: float
    latency_passes: int
    min_above_majority: float | None
    tolerance: float | None
    schedules: tuple[Schedule, ...] = ()

    def of(self, model: str) -> Profile:
        """Return the sizes of one model."""
        found = [schedule for schedule in self.schedules if schedule.model == model]
        if not found:
            return replace(self, schedules=())
        return replace(
            self,
            schedules=(),
            epochs=found[0].epochs,
            patience=found[0].patience,
            learning_rate=found[0].learning_rate,
            min_above_majority=found[0].min_above_majority,
        )

    def overrides(self, model: str) -> dict[str, Size]:
        """Return the sizes of a model that differ from those of the profile with this name."""
        own, published = self.of(model), PROFILES[self.name].of(model)
        sizes = {field.name: getattr(own, field.name) for field in fields(own)}
        return {name: _plain(size) for name, size in sizes.items() if size != getattr(published, name)}


SMOKE = Profile(
    name="smoke",
    image_size=32,
    epochs=3,
    patience=3,
    batch_size=32,
    learning_rate=1e-3,
    seeds=(1,),
    scales=(4,),
    reduced=True,
    pretraining=Pretraining.NO,
    phantom_subjects=300,
    phantom_rows=128,
    phantom_lesions=(0.9, 0.18, 0.05),  # large, so that networks without convolutions find them too
    phantom_patients=110,
    phantom_hu=(1000, 40, 25),
    patch_spacing_mm=0.35,  # a nodule would be two pixels wide otherwise
    inference_rounds=3,
    inference_window_s=1.0,
    latency_passes=20,
    min_above_majority=0.10,
    tolerance=0.10,
    schedules=(
        # In its third epoch batch normalisation has only just settled: ten seeds spread from 0.72 to 0.97.
        Schedule(model=Model.DENSENET, epochs=6, patience=6, learning_rate=1e-3, min_above_majority=0.10),
        Schedule(model=Model.SWIN, epochs=10, patience=10, learning_rate=1e-3, min_above_majority=0.10),
        Schedule(model=Model.VIT, epochs=10, patience=10, learning_rate=1e-3, min_above_majority=0.10),
        Schedule(
            model=Model.EFFICIENTNET, epochs=10, patience=10, learning_rate=2e-3, min_above_majority=0.05
        ),
        Schedule(model=Model.MLP, epochs=15, patience=15, learning_rate=1e-3, min_above_majority=0.02),
    ),
)

# Selvan, Schoen and Dam (2023), section 3; the seeds are those of the published script.
PAPER = Profile(
    name="paper",
    image_size=256,
    epochs=50,
    patience=5,
    batch_size=32,
    learning_rate=1e-5,
    seeds=(1, 10, 100),
    scales=(2, 4, 8),
    reduced=False,
    pretraining=Pretraining.PUBLISHED,
    phantom_subjects=3199,
    phantom_rows=512,
    phantom_lesions=(0.55, 0.1, 0.08),
    phantom_patients=875,
    phantom_hu=(300, 100, 60),
    patch_spacing_mm=None,
    inference_rounds=3,
    inference_window_s=10.0,
    latency_passes=100,
    min_above_majority=0.02,
    tolerance=0.02,
)

# Takes seconds per case: shows that every path works, and learns nothing.
TINY = Profile(
    name="tiny",
    image_size=32,
    epochs=1,
    patience=1,
    batch_size=16,
    learning_rate=1e-3,
    seeds=(1,),
    scales=(4,),
    reduced=True,
    pretraining=Pretraining.NO,
    phantom_subjects=24,
    phantom_rows=128,
    phantom_lesions=(0.9, 0.18, 0.05),  # large, so that networks without convolutions find them too
    phantom_patients=10,
    phantom_hu=(1000, 40, 25),
    patch_spacing_mm=0.35,
    inference_rounds=2,
    inference_window_s=0.0,
    latency_passes=3,
    min_above_majority=None,
    tolerance=None,
)

PROFILES = {profile.name: profile for profile in (SMOKE, PAPER, TINY)}


def profile_named(name: str) -> Profile:
    """Return the profile called `name`; raise OptionError for an unknown one."""
    if name not in PROFILES:
        raise OptionError(f"unknown profile {name!r}: use one of {', '.join(PROFILES)}")
    return PROFILES[name]


def _plain(size: Size | tuple[float, ...]) -> Size:
    return " ".join(map(str, size)) if isinstance(size, tuple) else size
