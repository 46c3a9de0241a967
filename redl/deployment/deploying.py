"""Deploying: a trained case measured in one runtime after another, each in a fresh process."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np

from redl.deployment.child import run_module
from redl.deployment.files import Files, described
from redl.deployment.instructions import lacking_instructions
from redl.deployment.measuring import Assumed, Measured, Sizes, Task
from redl.deployment.runtime import Runtime, Serving, check_installed, missing_packages
from redl.errors import ModelError
from redl.execution.job import Job
from redl.record import Predictions, Record
from redl.record.deployment import Agreement, Deployment, agreement_of
from redl.record.strict import decode
from redl.training.chance import auc_interval

_CHANCE = "the network is no better than chance, or diverged, so it would agree with anything"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """A trained case whose weights lie in the folder that its job names.

    `record` is the case's, and `answered` are its own predictions, whose subjects and labels are those of the
    test images.
    """

    job: Job
    record: Record
    answered: Predictions

    def measure(self, serving: Serving) -> Deployment:
        """Measure a runtime, after making what it needs.

        Raise OptionError if a package is not installed, ModelError if the network cannot be converted or run.
        """
        check_installed(serving.runtime)
        self._convert(serving.runtime)
        measured = self._measured(serving)
        reference = _probabilities(np.load(self._files.reference))
        answers = _probabilities(measured.logits)
        agreement, reason = self._agreement(answers, reference)
        return Deployment(
            case=self.job.case.id,
            runtime=serving.runtime,
            threads=serving.threads,
            single=measured.single,
            batches=measured.batches,
            process=measured.process,
            file=described(self._files.of(serving.runtime)),
            energy=measured.energy,
            conditions=measured.conditions,
            calibration_images=self._calibrated(serving.runtime),
            agreement=agreement,
            agreement_reason=reason,
            answers=msgspec.structs.replace(self.answered, probabilities=answers),
            reference=reference,
            warnings=tuple(_warnings(measured, serving.runtime)),
        )

    @property
    def _files(self) -> Files:
        assert self.job.exports is not None, "a case is deployed from a folder"
        return Files(folder=self.job.exports)

    @property
    def _limit_s(self) -> float:
        return self.job.options.timeout_s

    def _convert(self, runtime: Runtime) -> None:
        """Make the file of a runtime, once."""
        files, name = self._files, self.job.case.id
        wanted = files.half if runtime.needs_torch else files.onnx
        if not wanted.exists():
            files.work.mkdir(exist_ok=True)
            files.job.write_bytes(pickle.dumps(self.job))
            extra = () if missing_packages() else ("onnx",)  # at once, because torch takes seconds to import
            what = f"{name}: cannot be converted"
            try:
                run_module("conversion", files.folder, *extra, what=what, threads=1, timeout_s=self._limit_s)
            except ModelError:
                if not wanted.exists():
                    raise
        if runtime in (Runtime.ONNX_INT8, Runtime.ONNX_DYNAMIC) and not files.of(runtime).exists():
            images = (files.calibration,) if runtime is Runtime.ONNX_INT8 else ()
            run_module(
                "quantising",
                files.onnx,
                files.of(runtime),
                *images,
                what=f"{name}: cannot be quantised for {runtime}",
                threads=1,
                timeout_s=self._limit_s,
            )

    def _measured(self, serving: Serving) -> Measured:
        files, profile = self._files, self.job.options.profile.of(self.job.case.model)
        task = Task(
            runtime=serving.runtime,
            threads=serving.threads,
            folder=str(files.folder),
            file=str(files.of(serving.runtime)),
            images=str(files.images),
            sizes=Sizes(
                passes=profile.latency_passes,
                at_least_s=profile.inference_window_s,
                batch_size=profile.batch_size,
            ),
            assumed=Assumed(**asdict(self.job.options.assumptions)),
            placement=self.job.placement,
        )
        given, found = files.work / "task.json", files.work / "measured.json"
        given.write_bytes(msgspec.json.encode(task))
        found.unlink(missing_ok=True)
        what = f"{self.job.case.id}: cannot be run by {serving.runtime}"
        run_module("measuring", given, found, what=what, threads=serving.threads, timeout_s=self._limit_s)
        return decode(found.read_bytes(), Measured, serving.name)

    def _agreement(
        self, answers: tuple[float | None, ...], reference: tuple[float | None, ...]
    ) -> tuple[Agreement | None, str | None]:
        learned = self.record.divergence is not None and not self.record.divergence.kinds
        if not (learned and beats_chance(reference, self.answered)):
            return None, _CHANCE
        agreement = agreement_of(answers, reference)
        return agreement, None if agreement else "some answers of the runtime are not finite"

    def _calibrated(self, runtime: Runtime) -> int | None:
        return len(np.load(self._files.calibration)) if runtime is Runtime.ONNX_INT8 else None


def beats_chance(reference: tuple[float | None, ...], answered: Predictions) -> bool:
    """Return whether answers surely rank the test images better than chance does."""
    scores = np.array([math.nan if p is None else p for p in reference])
    subjects = np.array(answered.subjects, np.int32)
    found = auc_interval(scores, np.array(answered.labels, np.float64), subjects)
    return found is not None and found.low > 0.5


def _probabilities(logits: Path | np.ndarray | tuple[float | None, ...]) -> tuple[float | None, ...]:
    numbers = np.array(logits, np.float64)
    with np.errstate(over="ignore"):
        found = 1 / (1 + np.exp(-numbers))
    return tuple(float(p) if np.isfinite(p) else None for p in found)


def _warnings(measured: Measured, runtime: Runtime) -> Iterator[str]:
    if lacking := lacking_instructions(runtime):
        yield lacking
    if measured.process.peak_bytes is None:
        yield "process: this system does not report a process's resident peak (/proc/self/status)"
    if None in measured.logits:
        yield "answers: some are not finite"
    texts = (measured.energy.reason_unavailable, *measured.energy.warnings)
    yield from (f"energy: {text}" for text in texts if text is not None)
