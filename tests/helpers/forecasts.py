"""Finished records whose times are round numbers, for tests of forecasts."""

from pathlib import Path

from redl.data.datasets import DataOptions
from redl.execution.job import RunOptions
from redl.record import HERE as HERE_PLACED
from redl.record import Counts, Latency
from redl.record.budget import Pace
from redl.results.forecast.forecast import forecast
from redl.results.forecast.history import History
from redl.study.profile import SMOKE
from tests.helpers.budgets import probe
from tests.helpers.changes import replace
from tests.helpers.samples import PHASE_CONDITIONS, WHOLE, energy

HERE = {"cpu": "a processor", "usable_cores": 2, "platform": "Linux", "gpu": None, "torch": "2.9.0"}
IMAGES = Counts(train=60, valid=20, test=20)
DATA = DataOptions(cache=Path("cache"))


def options(**changes):
    """Return the options of a run of smoke cases."""
    return RunOptions(**({"profile": SMOKE} | changes))


def timed(*, seed=1, per_s=10.0, profile="smoke", wh=None, setting="baseline", model="densenet", **changes):
    """Return the record of a case that trained `per_s` images a second, each of which took `wh`."""
    reading = replace(energy(energy_wh=wh, kind="measured" if wh else "unavailable").train)
    reading = replace(reading, energy_wh_per_image=wh)
    sections = {
        "case": replace(WHOLE.case, seed=seed, profile=profile, setting=setting, model=model),
        "recipe": replace(WHOLE.recipe, image_size=SMOKE.image_size),
        "training": replace(WHOLE.training, images_per_second=per_s),
        "inference": replace(WHOLE.inference, images_per_second=100.0),
        "data": replace(WHOLE.data, images=IMAGES, options={"max_age": 55, "site": None, "crop": True}),
        "energy": replace(WHOLE.energy, train=reading, inference=reading),
        "environment": HERE,
    }
    return replace(WHOLE, **(sections | changes))


def took(process_seconds, **changes):
    """Return such a record whose process took so many seconds in all."""
    return timed(placement=replace(HERE_PLACED, process_seconds=process_seconds), **changes)


def probed(**changes):
    """Return what a probe of 100 and 25 images a second found in 9 steps, and a start of 2 s."""
    pace = Pace(
        steps=9,
        train_seconds=(0.04, 0.05, 0.04),
        infer_seconds=(0.01, 0.01, 0.02),
        latency=Latency(passes=3, median_seconds=0.02, p95_seconds=0.03),
        start_seconds=2.0,
        state_bytes=12,
        conditions=PHASE_CONDITIONS,
    )
    return replace(probe(peak_bytes=700_000_000), pace=replace(pace, **changes))


def planned(*records, cases=None, data=DATA, case_bytes=None, counted=None, measured=None, **changes):
    """Return the forecast of cases, those of the records if none are given."""
    history = History(records=tuple(one.finished() for one in records), runs=1, case_bytes=case_bytes or {})
    chosen = [one.case for one in records] if cases is None else cases
    return forecast(chosen, options(**changes), data, history, counted=counted or {}, measured=measured or {})
