"""The plan of a case: how it will run on this machine, decided before its model is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from redl.data.cache.entry import Prepared, open_prepared
from redl.errors import OptionError
from redl.execution.job import Job
from redl.record import FastPath
from redl.study.custom import Function
from redl.study.profile import Profile
from redl.training.convolution import needs_widening
from redl.training.downsampling import downsampled
from redl.training.fast_path import fast_path_of
from redl.training.loop import Part
from redl.training.networks import Network, network_of
from redl.training.precision import Precision
from redl.training.settings import TrainingSetup, setup_of, with_fused_adam


@dataclass(frozen=True, kw_only=True, slots=True)
class CasePlan:
    """How a case runs on this machine.

    `profile` has the sizes of the case's model. `widened` says whether 16-bit convolutions run through the
    float32 kernel.
    """

    job: Job
    profile: Profile
    device: torch.device
    data: Prepared
    network: Network
    fast_path: FastPath
    setup: TrainingSetup
    precision: Precision
    widened: bool

    @classmethod
    def of(cls, job: Job) -> Self:
        """Decide how a job runs; raise RedlError for a model, setting or data that cannot be used."""
        case, options = job.case, job.options
        profile = options.profile.of(case.model)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        data = open_prepared(job.prepared)
        network = network_of(
            case.model,
            options.custom_models.get(case.model),
            image_size=profile.image_size,
            reduced=profile.reduced,
        )
        fast_path = fast_path_of(network, device, images_bytes=data.images.nbytes, plain=options.plain)
        setup = _setup(job, device)
        if fast_path.fused:
            setup = with_fused_adam(setup)
        precision = Precision.of(setup, device, channels_last=fast_path.channels_last)
        return cls(
            job=job,
            profile=profile,
            device=device,
            data=data,
            network=network,
            fast_path=fast_path,
            setup=setup,
            precision=precision,
            widened=needs_widening(precision.half_dtypes, device),
        )

    @property
    def learning_rate(self) -> float:
        """Return the rate at which the setting's optimizer learns."""
        return self.setup.rate * self.profile.learning_rate

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


def _setup(job: Job, device: torch.device) -> TrainingSetup:
    """Return what the case's setting does; raise OptionError if a custom one does not say so."""
    name, half_dtype = job.case.setting, job.options.half_dtype
    custom = job.options.custom_settings.get(name)
    if custom is None:
        return setup_of(name, device, None if half_dtype is None else getattr(torch, half_dtype))
    function = custom.configure
    assert isinstance(function, Function), "a declared function is kept as its place"
    setup = function(device)
    if not isinstance(setup, TrainingSetup):
        raise OptionError(f"setting {name}: {function.name} returned no TrainingSetup; return one")
    return setup
