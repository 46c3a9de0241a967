"""The page: everything about saved runs in one HTML file that loads nothing and opens from disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from redl.results.noninferiority.margin import check_margin
from redl.results.report.page.contents import contents_of
from redl.results.report.page.embedded import as_script
from redl.results.report.page.illustrations import illustrations_of
from redl.results.report.page.libraries import libraries
from redl.results.report.page.policy import policy
from redl.results.store import Run

if TYPE_CHECKING:
    from redl.results.report.figures.drawing import DrawnFigure

MARGIN = 0.02
_PACKAGE = "redl.results.report.page"
_SCRIPTS = ("records.js", "plots.js", "cases.js", "page.js")


def write_page(
    runs: Sequence[Run],
    path: Path,
    *,
    figures: Sequence[DrawnFigure] = (),
    other: Run | None = None,
    history: Sequence[Run] = (),
    margin: float = MARGIN,
) -> None:
    """Write the page of runs to a file.

    `figures` are shown as they are, `other` is an earlier run to compare with, `history` are saved runs, the
    oldest first. Recommendations rest on accuracy and a loss of `margin` that would be acceptable.

    Raise RecordError if two runs have differing records of one case, OptionError for a margin that cannot be
    used, OSError if the file cannot be written.
    """
    check_margin(margin)
    contents = contents_of(runs, other=other, history=history, margin=margin)
    contents["illustrations"], contents["left_out"] = illustrations_of(figures)
    path.write_text(_rendered(contents), encoding="utf-8", newline="\n")


def _rendered(contents: Mapping[str, Any]) -> str:
    """Return the HTML; its policy has the hash of every script and style that stands in it."""
    vendored = libraries()
    scripts = [*(library.script for library in vendored), *map(_asset, _SCRIPTS)]
    style = _asset("page.css")
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja").render(
        **contents,
        libraries=vendored,
        policy=policy(scripts=scripts, styles=[style]),
        style=Markup(style),  # noqa: S704 - the package's own
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - the package's own, checked by checksums
        script_data=Markup(as_script(contents["data"])),  # noqa: S704 - escaped for a script element
    )


def _asset(name: str) -> str:
    return files(_PACKAGE).joinpath("template", name).read_text(encoding="utf-8")
