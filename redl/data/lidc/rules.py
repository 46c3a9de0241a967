"""What is chosen when LIDC-IDRI becomes labelled images."""

from __future__ import annotations

import math
from dataclasses import dataclass

from redl.errors import OptionError

RATERS = 4  # radiologists who read each scan


@dataclass(frozen=True, kw_only=True, slots=True)
class LidcRules:
    """How patches are selected, labelled and cut; the defaults are those of the paper's text.

    A patch is positive where at least `min_raters` outlined the nodule in its slice: 2 in the text, 3 in the
    published code (`sum > 2`). Nodules of more than `max_cluster` annotations are left out, none where it is
    None. A patch is 128x128 pixels of the scan, or of `spacing_mm`; `window_hu`, a range in Hounsfield
    units, becomes 0 to 1. Raise OptionError for impossible values.

    Source: Selvan, Schoen and Dam (2023), section 3, which says [0, 1] but names no window: this one holds
    air, lung and soft tissue.
    """

    min_raters: int = 2
    max_cluster: int | None = None
    spacing_mm: float | None = None
    window_hu: tuple[float, float] = (-1000.0, 400.0)

    def __post_init__(self) -> None:
        if not 1 <= self.min_raters <= RATERS:
            raise OptionError(f"min_raters {self.min_raters}: take one of 1 to {RATERS}")
        if self.max_cluster is not None and self.max_cluster < self.min_raters:
            raise OptionError(
                f"max_cluster {self.max_cluster}: nothing could be positive; take {self.min_raters} or more"
            )
        if self.spacing_mm is not None and not 0.1 <= self.spacing_mm <= 10:
            raise OptionError(f"spacing_mm {self.spacing_mm}: take 0.1 to 10, or none for the scan's own")
        low, high = self.window_hu
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise OptionError(f"window_hu {low:g} {high:g}: take two numbers, the lower first")

    def chooses(self, cluster: int) -> bool:
        """Return whether patches of a nodule with `cluster` annotations are used."""
        return self.max_cluster is None or cluster <= self.max_cluster
