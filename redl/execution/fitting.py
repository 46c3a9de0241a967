"""Fitting: with which largest batch a model trains under a setting within a cap, found by trials."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from redl.execution.job import ProbeJob, RunOptions
from redl.execution.largest_batch import MOST_BATCH, Peaks, outcome, search
from redl.execution.trial import try_batch
from redl.metering.energy import SensorError
from redl.metering.gpus import visible_gpus
from redl.record.budget import Cap, Fit, Trial

_SMALLEST = 2  # which batch norm needs

OnTrial = Callable[[Trial], None]


class Fitting:
    """A search for largest batches, which learns from one cap for the next."""

    def __init__(self, options: RunOptions, *, most_batch: int = MOST_BATCH) -> None:
        self._options, self._most = options, most_batch
        self._card = _card()
        self._held = Cap.GROWTH if self._card is None else Cap.PROCESS
        self._peaks: dict[tuple[str, str], Peaks] = {}

    def fit(self, model: str, setting: str, cap_bytes: int, on_trial: OnTrial = lambda _: None) -> Fit:
        """Search for the largest batch; raise RedlError for a model or setting that cannot be used."""
        trials: list[Trial] = []
        attempt = partial(self._try, model, setting, cap_bytes)
        for trial in search(
            attempt, self._peaks_of(model, setting), cap_bytes, least=_SMALLEST, most=self._most
        ):
            on_trial(trial)
            trials.append(trial)
        largest, refused = outcome(trials)
        probes = [trial.probe for trial in trials if trial.probe is not None]
        whole = all(probe.process_bytes is not None for probe in probes)  # not in every container
        return Fit(
            model=model,
            network=probes[0].network if probes else model,
            setting=setting,
            image_size=self._options.profile.image_size,
            cap_bytes=cap_bytes,
            held=self._held if whole else Cap.GROWTH,
            emulated_on=self._card,
            smallest=_SMALLEST,
            batch_size=largest,
            refused=refused,
            trials=tuple(trials),
        )

    def bytes_at(self, model: str, setting: str, batch_size: int) -> float | None:
        """Return what a batch should take, by a line through batches that were tried; None without two."""
        return self._peaks_of(model, setting).bytes_at(batch_size)

    def _peaks_of(self, model: str, setting: str) -> Peaks:
        return self._peaks.setdefault((model, setting), Peaks(held=self._held))

    def _try(self, model: str, setting: str, cap_bytes: int, batch_size: int) -> Trial:
        return try_batch(
            ProbeJob(
                model=model,
                setting=setting,
                batch_size=batch_size,
                cap_bytes=cap_bytes,
                options=self._options,
            )
        )


def _card() -> str | None:
    """Return the name of the GPU that is used; None without one."""
    try:
        gpus = visible_gpus()
    except SensorError:
        return None
    return gpus[0].name if gpus else None
