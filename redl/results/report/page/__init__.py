"""One self-contained HTML page about saved runs."""

from redl.results.report.page.page import write_page

__all__ = ["write_page"]
