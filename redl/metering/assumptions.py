"""Assumptions: values that no sensor measures, and their sources."""

from __future__ import annotations

import math
from dataclasses import dataclass

from redl.errors import OptionError
from redl.metering.carbontracker.intensity import country_intensity, world_intensity
from redl.record import CarbonIntensity, Pue


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumptions:
    """What turns the energy of a machine into that of its site, and into carbon dioxide.

    `country` is an ISO 3166 alpha-2 code whose yearly average is used, `g_per_kwh` your own carbon intensity,
    `pue` the energy of the site over that of its machines, and `cpu_tdp_w` the power in watts that the whole
    CPU is designed for. Raise OptionError, naming the option, for impossible values.
    """

    country: str | None = None
    g_per_kwh: float | None = None
    pue: float = 1.0
    cpu_tdp_w: float | None = None

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if not (math.isfinite(self.pue) and self.pue >= 1):
            raise OptionError(
                f"--redl-pue {self.pue:g}: a site draws at least what its machines draw; give 1 or more"
            )
        if self.g_per_kwh is not None and not (math.isfinite(self.g_per_kwh) and self.g_per_kwh >= 0):
            raise OptionError(
                f"--redl-carbon-intensity {self.g_per_kwh:g}: give grams of CO2eq per kWh, e.g. 120"
            )
        if self.cpu_tdp_w is not None and not (math.isfinite(self.cpu_tdp_w) and self.cpu_tdp_w > 0):
            raise OptionError(f"--redl-cpu-tdp {self.cpu_tdp_w:g}: give watts above 0, e.g. 65")
        if self.country is not None and self.g_per_kwh is not None:
            raise OptionError("--redl-country and --redl-carbon-intensity exclude each other; give one")
        if self.country is not None:
            country_intensity(self.country)

    def applied_pue(self) -> Pue:
        """Return the PUE and its source."""
        source = "default: the machine alone" if self.pue == 1 else "set by the user"
        return Pue(value=self.pue, source=source)

    def carbon_intensity(self) -> CarbonIntensity:
        """Return the carbon intensity and its source."""
        if self.g_per_kwh is not None:
            return CarbonIntensity(
                g_per_kwh=self.g_per_kwh, source="set by the user", country=None, year=None
            )
        return world_intensity() if self.country is None else country_intensity(self.country)
