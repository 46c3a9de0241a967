"""The course of a training: one that was interrupted and resumed ends as an undisturbed one does."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from redl.study.case import Setting
from redl.training.course import Course, Plan
from redl.training.loop import Hooks, Part, fit
from redl.training.optimizers import adam_8bit
from redl.training.precision import Precision
from redl.training.settings import TrainingSetup, setup_of
from redl.training.state_file import read_state, write_state

CPU = torch.device("cpu")
EPOCHS = 4


class Killed(BaseException):
    """The process is killed here."""


class Momentum(torch.optim.Optimizer):
    """Keep momentum in float32 whatever the weights are, which torch would cast when it is loaded."""

    def __init__(self, parameters, rate):
        super().__init__(parameters, {"rate": rate, "betas": (0.9, None), "names": ["a"]})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                held = self.state[parameter]
                before = held.get("momentum", torch.zeros_like(parameter, dtype=torch.float32))
                held["momentum"] = 0.9 * before + parameter.grad.float()
                parameter -= (group["rate"] * held["momentum"]).to(parameter.dtype)


class Attentive(nn.Module):
    """A network with a layer that LoRA adapts."""

    def __init__(self):
        super().__init__()
        self.attn = nn.ModuleDict({"qkv": nn.Linear(64, 4096)})
        self.head = nn.Linear(4096, 1)

    def forward(self, images):
        return self.head(torch.tanh(self.attn["qkv"](images.flatten(1))))


def attentive(_model):
    torch.manual_seed(0)
    return Attentive()


TECHNIQUES = (
    "lion8bit",
    "adafactor",
    "amp+sgd8bit",
    "half+adafactor",
    "head",
    "8bit+head",
    "lion8bit+head+micro4",
)
LORA = ("lora", "8bit+lora", "half+lion8bit+lora", "adafactor+lora", "sgd8bit+lora")
SETUPS = {str(setting): setup_of(setting, CPU) for setting in (*Setting, *TECHNIQUES)} | {
    "own optimizer": TrainingSetup(
        weights_dtype=torch.bfloat16, optimizer=lambda model, rate: Momentum(model.parameters(), rate)
    ),
    "several groups": TrainingSetup(
        optimizer=lambda model, rate: torch.optim.AdamW(
            [{"params": [parameter], "lr": rate} for parameter in model.parameters()], amsgrad=True
        )
    ),
    "8 bits of small tensors": TrainingSetup(optimizer=adam_8bit),
}
SETUPS |= {setting: replace(setup_of(setting, CPU), change=attentive) for setting in LORA}


def network(width=64):
    """Return a network with dropout, which draws from the random stream, and tensors for 8-bit state."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3),
        nn.Dropout(0.3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, 1),
    )


def part(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 255, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    labels = (torch.arange(count) % 2).float().unsqueeze(1)
    return Part(images=images, labels=labels, subjects=np.arange(count, dtype=np.int32))


def start(setup, *, patience=EPOCHS, channels_last=False, width=64, rate=1e-2):
    precision = Precision.of(setup, CPU, channels_last=channels_last)
    model = precision.place(setup.prepare(network(width)))
    plan = Plan(
        precision=precision,
        epochs=EPOCHS,
        patience=patience,
        batch_size=16,
        micro_batch=setup.micro_batch,
        seed=1,
    )
    return Course(model, setup.optimizer(model, rate), plan)


def worsen(model, rate):
    """Return an optimizer after whose first epoch the loss only grows."""
    return torch.optim.SGD(model.parameters(), lr=rate, maximize=True)


def train(course, keep=lambda _: None):
    hooks = Hooks(window=nullcontext, seconds=lambda: 0.0, on_epoch=lambda _: None, keep=keep)
    return fit(course, part(48), part(32, seed=1), hooks)


def interrupted(make, folder, after):
    """Train until `after` epochs are whole, keep each of them, and return the last and its best epoch's."""

    def keep(course):
        write_state(folder / f"{len(course.trace)}.safetensors", course.state())
        if len(course.trace) == after:
            raise Killed

    with make() as course, pytest.raises(Killed):
        train(course, keep)
    torch.manual_seed(99)  # as another process would have it
    state = read_state(folder / f"{after}.safetensors")
    return state, read_state(folder / f"{state['best_epoch'] or after}.safetensors")["model"]


def tensors_of(value):
    match value:
        case torch.Tensor():
            yield value
        case dict():
            for part in value.values():
                yield from tensors_of(part)
        case list() | tuple():
            for part in value:
                yield from tensors_of(part)


def bits(tensor):
    return tensor.contiguous().view(-1).view(torch.uint8)


def assert_ends_alike(make, folder, after):
    with make() as undisturbed:
        expected = train(undisturbed)
    state, best = interrupted(make, folder, after)
    with make() as course:
        course.resume(state, best)
        found = train(course)
    assert expected == found
    wanted, got = (list(tensors_of(one.state())) for one in (undisturbed, course))
    assert len(wanted) == len(got) > 0
    for one, other in zip(wanted, got, strict=True):
        assert (one.dtype, one.stride()) == (other.dtype, other.stride())
        assert torch.equal(bits(one), bits(other))


@pytest.mark.parametrize("after", [1, 2, EPOCHS])
@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_a_resumed_training_ends_with_the_same_weights_and_state(tmp_path, setup, after):
    assert_ends_alike(lambda: start(setup), tmp_path, after)


@pytest.mark.parametrize("setup", [TrainingSetup(), TrainingSetup(optimizer=adam_8bit)], ids=["32", "8"])
def test_a_resumed_training_with_channels_last_ends_with_the_same(tmp_path, setup):
    assert_ends_alike(lambda: start(setup, channels_last=True), tmp_path, 2)


def test_the_best_weights_of_an_earlier_process_come_back(tmp_path):
    setup = TrainingSetup(optimizer=worsen)
    state, best = interrupted(lambda: start(setup, rate=0.5), tmp_path, 2)
    with start(setup, rate=0.5) as course:
        course.resume(state, best)
        found = train(course)
        kept = course.model.state_dict()
    assert 1 == found.best_epoch
    assert all(torch.equal(kept[name], best[name]) for name in kept)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_patience_counts_the_epochs_of_earlier_processes(tmp_path, after):
    setup = TrainingSetup(optimizer=worsen)
    assert_ends_alike(lambda: start(setup, patience=3, rate=0.5), tmp_path, min(after, 3))


def test_a_training_whose_parameters_are_lost_does_not_go_on(tmp_path):
    setup = TrainingSetup(optimizer=lambda model, rate: torch.optim.SGD(model.parameters(), lr=float("1e38")))
    assert_ends_alike(lambda: start(setup), tmp_path, 1)


def test_a_state_of_another_network_is_refused_before_anything_changes(tmp_path):
    state, best = interrupted(lambda: start(TrainingSetup()), tmp_path, 1)
    with start(TrainingSetup(), width=32) as course:
        before = [tensor.clone() for tensor in tensors_of(course.state())]
        with pytest.raises(ValueError, match=r"`0\.weight` is missing or of another shape"):
            course.resume(state, best)
        assert all(map(torch.equal, before, tensors_of(course.state())))
