"""The example in reports/: a page of the run beside it."""

from tests.results.report.page.reading import read
from tests.results.report.page.replayed import EXAMPLE


def test_the_example_has_the_scores_of_its_run(example):
    rows = read(EXAMPLE.with_name("report.html")).one("table", id="table").all("tr")
    shown = {
        row.attributes["data-case"]: row.one("td", **{"data-field": "metrics.test.accuracy"}).attributes[
            "data-order"
        ]
        for row in rows
        if "data-case" in row.attributes
    }
    assert {name: str(record.metrics.test.accuracy) for name, record in example.records.items()} == shown


def test_the_example_shows_figures(example):
    page = read(EXAMPLE.with_name("report.html"))
    assert len(list(page.one("section", id="figures").all("img"))) > 5
