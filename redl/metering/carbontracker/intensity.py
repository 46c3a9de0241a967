"""The carbon intensity of electricity, from CarbonTracker's tables."""

from __future__ import annotations

import csv
from importlib import resources

from redl.errors import OptionError
from redl.record import CarbonIntensity


def world_intensity() -> CarbonIntensity:
    """Return the world's average carbon intensity."""
    from carbontracker import constants

    return CarbonIntensity(
        g_per_kwh=float(constants.WORLD_AVG_CARBON_INTENSITY),
        source="world average (IEA), as CarbonTracker gives it",
        country=None,
        year=constants.WORLD_AVG_CARBON_INTENSITY_YEAR,
    )


def country_intensity(country: str) -> CarbonIntensity:
    """Return a country's yearly average, by its ISO 3166 alpha-2 code; raise OptionError for any other."""
    table = resources.files("carbontracker") / "data" / "carbon-intensities.csv"
    with table.open(encoding="utf-8") as lines:
        rows = {row["alpha-2"]: row for row in csv.DictReader(lines)}
    if country not in rows:
        raise OptionError(
            f"--redl-country {country}: not in CarbonTracker's table; give two capitals, e.g. DK, or use "
            "--redl-carbon-intensity"
        )
    return CarbonIntensity(
        g_per_kwh=float(rows[country]["Carbon intensity of electricity (gCO2eq/kWh)"]),
        source="the country's yearly average, as CarbonTracker gives it",
        country=country,
        year=int(rows[country]["Year"]),
    )
