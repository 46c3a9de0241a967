"""Content-Security-Policy: a page runs its own scripts and styles, by their hashes, and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable


def policy(*, scripts: Iterable[str], styles: Iterable[str]) -> str:
    """Return the policy of a page with these texts of script and style elements; images are data."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_source, scripts))}",
            f"style-src {' '.join(map(_source, styles))}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
