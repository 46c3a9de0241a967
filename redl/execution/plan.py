"""The plan of a case: its approach and its data, decided before its model is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from redl.data.cache.entry import Prepared, open_prepared
from redl.execution.approach import Approach
from redl.execution.job import Job
from redl.training.downsampling import downsampled
from redl.training.loop import Part


@dataclass(frozen=True, kw_only=True, slots=True)
class CasePlan(Approach):
    """How a case runs on this machine, and on which data."""

    job: Job
    data: Prepared

    @classmethod
    def of(cls, job: Job) -> Self:
        """Decide how a job runs; raise RedlError for a model, setting or data that cannot be used."""
        case, data = job.case, open_prepared(job.prepared)
        return cls.decided(
            case.model,
            case.setting,
            job.options,
            images_bytes=data.images.nbytes,
            placement=job.placement,
            job=job,
            data=data,
        )

    def load_parts(self) -> tuple[Part, Part, Part]:
        """Return the parts to train, validate and test on.

        They are copied into memory, so that the disk's cache is not taken for the setting's memory.
        """
        split = self.data.split
        return self._part(split.train), self._part(split.valid), self._part(split.test)

    def _part(self, index: NDArray[np.intp]) -> Part:
        downsample = self.job.case.downsample
        images = downsampled(
            torch.from_numpy(self.data.images[index]).unsqueeze(1),
            downsample=downsample,
            input_size=self.network.input_size(self.profile.image_size, downsample),
        )
        labels = torch.from_numpy(self.data.labels[index].astype(np.float32)).unsqueeze(1)
        if self.fast_path.resident:
            images = images.to(self.device)
        return Part(images=images, labels=labels.to(self.device), subjects=self.data.subjects[index])
