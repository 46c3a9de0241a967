"""What the tests of deployment share: torch as it is in a fresh process, where networks are converted."""

import pytest
import torch


@pytest.fixture(scope="module", autouse=True)
def flags_of_a_fresh_process():
    """Take back what cases that this process trained have set, which torch's exporter does not bear."""
    kernels = (torch.backends.cudnn.conv, torch.backends.cudnn.rnn)
    before = [one.fp32_precision for one in kernels]
    for one in kernels:
        one.fp32_precision = "tf32"  # as it is where nobody has set it
    yield
    for one, precision in zip(kernels, before, strict=True):
        one.fp32_precision = precision
