"""Networks: those of the study, each defined once, at its published size and reduced for a laptop.

A reduced network keeps the structure of its family but less depth and width, through timm's own arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import timm

from redl.errors import ModelError
from redl.study.case import Model
from redl.study.custom import CustomModel, Function

MLP = "mlp"  # its name beside timm's

_LEAST = 32  # pixels: five halvings leave one


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A network to build: timm's `name` with `options`, or what the custom `build` makes.

    `fixed_size`: it takes images of only one size. `pretrainable`: weights can be loaded, which is not so for
    a reduced network, or for one that is not timm's.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    build: Function | None = None
    fixed_size: bool = False
    reduced: bool = False
    pretrainable: bool = True

    def input_size(self, image_size: int, downsample: int) -> int:
        """Return the side of the images that the network is given, in pixels.

        Downsampled images go in at their small size if the network takes it; otherwise they are enlarged
        again, which keeps the loss of information and forgoes the saving.
        """
        return image_size if self.fixed_size else max(image_size // downsample, min(image_size, _LEAST))


def network_of(model: str, custom: CustomModel | None, *, image_size: int, reduced: bool) -> Network:
    """Return the network of a model of the study, or of a custom one; raise ModelError for an unknown name.

    The published EfficientNet is timm's `efficientnetv2_rw_s` stretched by two multipliers that it sets
    itself, so the reduced one is that network shrunk by them. Its batch norms forget faster, because a smoke
    run is too short for their running statistics, and the reduced ViT starts without LayerScale's factor of
    1e-5, which such a run would not overcome.
    """
    if custom is not None:
        return _custom(custom, image_size)
    small: dict[str, Any]
    size: dict[str, Any] = {"img_size": image_size}
    match Model(model), reduced:
        case Model.DENSENET, _:
            return Network(name="densenet121")
        case Model.SWIN, False:
            return Network(name="swinv2_base_window8_256", options=size, fixed_size=True)
        case Model.SWIN, True:
            depth = {"depths": (2, 2), "num_heads": (3, 6)}
            small = depth | {"patch_size": 4, "window_size": 8, "embed_dim": 48}
            return _reduced("swinv2_base_window8_256", size | small, fixed_size=True)
        case Model.VIT, False:
            return Network(name="vit_base_patch32_plus_256", options=size, fixed_size=True)
        case Model.VIT, True:
            small = {"patch_size": 4, "embed_dim": 64, "depth": 3, "num_heads": 4, "init_values": None}
            return _reduced("vit_base_patch32_plus_256", size | small, fixed_size=True)
        case Model.EFFICIENTNET, False:
            return Network(name="efficientnetv2_rw_m")
        case Model.EFFICIENTNET, True:
            small = {"channel_multiplier": 0.25, "depth_multiplier": 0.1, "bn_momentum": 0.3}
            return _reduced("efficientnetv2_rw_s", small)
        case Model.MLP, _:
            return Network(name=MLP, fixed_size=True, reduced=reduced, pretrainable=False)
    raise AssertionError(f"{model} has no branch")


def _unknown(name: str) -> ModelError:
    near = get_close_matches(name, (*Model, *timm.list_models()), n=3)
    remedy = f"did you mean {' or '.join(near)}?" if near else "see timm.list_models()"
    return ModelError(f"model {name}: timm has no network of that name; {remedy}")


def _reduced(name: str, options: dict[str, Any], *, fixed_size: bool = False) -> Network:
    return Network(name=name, options=options, fixed_size=fixed_size, reduced=True, pretrainable=False)


def _custom(custom: CustomModel, image_size: int) -> Network:
    if custom.timm is None:
        assert isinstance(custom.build, Function), "a declared function is kept as its place"
        return Network(name=custom.name, build=custom.build, fixed_size=True, pretrainable=False)
    if custom.timm not in timm.list_models():
        raise _unknown(custom.timm)
    fixed = bool(timm.get_pretrained_cfg_value(custom.timm, "fixed_input_size"))
    return Network(name=custom.timm, options={"img_size": image_size} if fixed else {}, fixed_size=fixed)
