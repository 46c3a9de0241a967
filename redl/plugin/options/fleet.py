"""Options of workers: how many cases run at once, and where."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from redl.errors import OptionError
from redl.fleet.seat import Seat, count_of, seats
from redl.metering.machine import package_version
from redl.plugin.options.values import value_or_none

_REMEDY = "give a whole number above 0, or auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetOptions:
    """The seats of workers of this machine, or the address of a Dask scheduler, and whether workers share."""

    seats: tuple[Seat, ...]
    dask: str | None
    share: bool


def fleet_options(config: pytest.Config) -> FleetOptions | None:
    """Read these options; None where cases run one at a time.

    Raise OptionError for more workers than there is room for, or options that exclude each other.
    """
    dask, share = config.getoption("redl_dask"), config.getoption("redl_share")
    asked = value_or_none(config, "workers", count_of, _REMEDY)
    if asked is None and dask is None:
        if share:
            raise OptionError("--redl-share: there are no workers that could share; add --redl-workers=N")
        return None
    if dask is None:
        assert asked is not None, "one of the two is given"
        return FleetOptions(seats=seats(asked, share=share), dask=None, share=share)
    if asked is not None:
        raise OptionError("--redl-workers and --redl-dask: cases run here or on a cluster; leave one out")
    if package_version("distributed") is None:
        raise OptionError("--redl-dask: distributed is not installed; run pip install 'redl[dask]'")
    return FleetOptions(seats=(), dask=dask, share=share)
