"""What a reader must know of a recipe: where it is not what its name promises."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from redl.execution.plan import CasePlan
from redl.record import Pretrained
from redl.study.case import TrainedPart
from redl.training.first_pass import has_batch_norm


def recipe_warnings(plan: CasePlan, model: nn.Module, pretrained: Pretrained) -> Iterator[str]:
    """Yield a line for each, which the table shows as a note."""
    if plan.widened:
        dtype = str(*plan.precision.half_dtypes).removeprefix("torch.")
        yield (
            f"recipe: this CPU has no {dtype} instructions; convolutions ran in float32 and were rounded, so "
            "time and energy say nothing about hardware that has them"
        )
    pieces, batch, part = plan.setup.micro_batch, plan.profile.batch_size, plan.setup.trained
    # Under `head`, batch norms keep their statistics.
    if pieces is not None and pieces < batch and part is not TrainedPart.HEAD and has_batch_norm(model):
        yield (
            f"recipe: batch norm saw pieces of {pieces} images and not batches of {batch}, which is another "
            "training than the baseline's"
        )
    if pretrained.requested and not pretrained.loaded:
        name = plan.network.name
        yield f"recipe: no pretrained weights of {name} could be loaded, so it was trained from scratch"
    if part is not None and not pretrained.loaded:
        yield (
            f"recipe: {part} trains a part of the network, and no pretrained weights were loaded: what is "
            "frozen is random, so the accuracy says nothing about the technique"
        )
    if pretrained.loaded and pretrained.sha256 is None:
        yield "recipe.pretrained.sha256: the file of the loaded weights is not in the hub's cache"
