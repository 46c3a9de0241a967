"""The page: every figure on it is that of its record, and the file needs nothing else."""

import math
import re
from statistics import fmean

import pytest

from redl.errors import OptionError, RecordError
from redl.record import HERE
from redl.results.report.page import write_page
from redl.results.report.page.fields import COSTS, TABLE
from redl.results.report.page.libraries import libraries
from redl.results.store import Run
from tests.helpers.changes import replace
from tests.helpers.saved import finished, run_of
from tests.results.report.page.conftest import HOSTILE
from tests.results.report.page.reading import at, data_of, read
from tests.results.report.page.replayed import replayed

DASH = "\N{EN DASH}"


def written(field, value):
    """Return a figure as the table has it, from the record's JSON."""
    return DASH if value is None else f"{value / field.per:.{field.digits}f}"


def test_every_case_has_a_row(page, later):
    assert list(later.records) == [
        row.attributes["data-case"]
        for row in page.one("table", id="table").all("tr")
        if "data-case" in row.attributes
    ]


@pytest.mark.parametrize("field", TABLE, ids=lambda field: field.path)
def test_every_figure_in_the_table_is_its_records(page, later, field):
    cells = {
        row.attributes["data-case"]: row.one("td", **{"data-field": field.path}).text.lstrip("~")
        for row in page.one("table", id="table").all("tr")
        if "data-case" in row.attributes
    }
    assert {
        name: written(field, at(record.to_json(), field.path)) for name, record in later.records.items()
    } == cells


def test_every_figure_sorts_by_its_full_value(page, later):
    row = page.one("tr", **{"data-case": "lidc-densenet-amp-seed2"})
    accuracy = row.one("td", **{"data-field": "metrics.test.accuracy"}).attributes["data-order"]
    assert later.records["lidc-densenet-amp-seed2"].metrics.test.accuracy == float(accuracy)


def test_an_estimate_is_marked(page):
    row = page.one("tr", **{"data-case": "lidc-densenet-amp-seed2"})
    assert "~" == row.one("td", **{"data-field": "energy.train.energy_wh"}).text[0]


def test_no_figure_in_the_table_is_without_its_place_in_the_record(page):
    cells = list(page.one("table", id="table").all("td"))
    assert [] == [
        cell.text for cell in cells if re.search(r"\d", cell.text) and "data-field" not in cell.attributes
    ]


def test_a_mean_is_that_of_the_seeds(page, later):
    row = page.one("tr", **{"data-setting": "8bit"})
    seeds = [record for record in later.records.values() if record.case.setting == "8bit"]
    assert (
        f"{fmean(r.metrics.test.accuracy for r in seeds):.3f}"
        == row.one("td", **{"data-figure": "accuracy"}).text
    )
    assert (
        f"{fmean(r.training.seconds_to_stop for r in seeds):.1f}"
        == row.one("td", **{"data-figure": COSTS[1].path}).text
    )
    assert (
        f"{max(r.memory.train_peak_bytes for r in seeds) / 1e6:.0f}"
        == row.one("td", **{"data-figure": COSTS[0].path}).text
    )
    assert (
        f"~{fmean(r.energy.train.energy_wh for r in seeds):.3f}"
        == row.one("td", **{"data-figure": COSTS[2].path}).text
    )


def test_costs_of_cases_that_shared_a_device_are_marked_but_memory(tmp_path):
    shared = finished(placement=replace(HERE, shared=True))
    write_page([run_of(shared)], tmp_path / "report.html")
    page = read(tmp_path / "report.html")
    mean = page.one("tr", **{"data-setting": "baseline"})
    row = page.one("tr", **{"data-case": shared.case.id})
    assert ["512", "12.3!"] == [mean.one("td", **{"data-figure": field.path}).text for field in COSTS[:2]]
    assert ["512", "12.3!"] == [row.one("td", **{"data-field": field.path}).text for field in COSTS[:2]]


def test_a_verdict_is_that_of_the_run(page, example):
    import redl

    run = redl.Run(example)
    for verdict in run.verdicts(margin=0.02):
        row = page.one("tr", **{"data-setting": verdict.setting})
        expected = f"{verdict.difference:+.3f} ({verdict.low:+.3f} to {verdict.high:+.3f})"
        assert expected == row.one("td", **{"data-figure": "difference"}).text


def test_the_recommendation_is_that_of_the_run(example, tmp_path):
    import redl

    write_page([example], tmp_path / "report.html")
    (sentence,) = redl.Run(example).tradeoff(margin=0.02).recommendations
    assert sentence == read(tmp_path / "report.html").one("p", **{"class": "sentence"}).text


def test_another_margin_is_the_one_that_is_judged_by(example, tmp_path):
    write_page([example], tmp_path / "report.html", margin=0.1)
    assert "within 10 percentage points" in read(tmp_path / "report.html").one(
        "p", **{"class": "sentence"}
    ).text or (
        "no more than 10 percentage points"
        in read(tmp_path / "report.html").one("p", **{"class": "sentence"}).text
    )


def test_a_model_without_a_baseline_says_why_there_is_no_recommendation(tmp_path):
    write_page([run_of(finished(setting="amp"))], tmp_path / "report.html")
    assert "no recommendation" in read(tmp_path / "report.html").one("p", **{"class": "sentence"}).text


def test_every_figure_of_the_data_is_its_records(page, later):
    article = next(one for one in page.one("section", id="data").all("article"))
    plain = later.records[article.attributes["data-case"]].to_json()
    shown = {
        one.attributes["data-field"]: one.text
        for one in (*article.all("td"), *article.all("dd"))
        if "data-field" in one.attributes
    }
    figures = {path: at(plain, path) for path in shown if at(plain, path) is not None}
    assert len(figures) > 15
    assert {
        path: f"{value:.4g}" if isinstance(value, float) else str(value) for path, value in figures.items()
    } == {path: shown[path] for path in figures}


def test_the_ideal_accuracy_of_phantoms_is_shown(page):
    assert "0.9999" == page.one("section", id="data").one("dd", **{"data-field": "data.ideal_accuracy"}).text


def test_a_change_is_that_of_the_runs(page, example, later):
    changes = page.one("table", id="changes")
    row = changes.one("tr", **{"data-cell": "lidc-densenet-amp", "data-figure": "peak_memory"})
    for statistic, run in (("before", example), ("after", later)):
        mean = fmean(r.memory.train_peak_bytes for r in run.records.values() if r.case.setting == "amp")
        cell = row.one("td", **{"data-statistic": statistic})
        assert (f"{mean / 1e6:.4g}", mean) == (cell.text, float(cell.attributes["data-order"]))


def test_a_step_has_the_figure_of_its_run(page, later):
    steps = page.one("table", id="steps")
    row = steps.one("tr", **{"data-cell": "lidc-densenet-amp", "data-figure": "peak_memory"})
    mean = fmean(r.memory.train_peak_bytes for r in later.records.values() if r.case.setting == "amp")
    assert f"{mean / 1e6:.4g}" == row.one("td", **{"data-label": "value"}).text
    assert "worse" == row.one("td", **{"data-label": "step"}).text


def test_provenance_counts_every_case_once(page, later):
    for row in page.one("section", id="provenance").all("tr"):
        if "data-path" in row.attributes:
            counts = [
                int(row.one("td", **{"data-label": label}).text)
                for label in ("measured", "estimated", "unavailable")
            ]
            assert len(later.records) == sum(counts)


def test_a_figure_is_shown_with_its_caption(page):
    image = page.one("section", id="figures").one("img")
    assert "Dots. A dot." == image.attributes["alt"]
    assert image.attributes["src"].startswith("data:image/svg+xml;base64,")


def test_nothing_on_the_page_has_an_address_elsewhere(page):
    addresses = [
        one.attributes.get(name) for one in page.all() for name in ("src", "href") if name in one.attributes
    ]
    assert [] == [address for address in addresses if not address.startswith(("#", "data:"))]


def test_no_element_has_a_handler_or_a_style_of_its_own(page):
    assert [] == [
        one.attributes
        for one in page.all()
        if any(name == "style" or name.startswith("on") for name in one.attributes)
    ]


def test_names_of_strangers_make_no_elements(hostile_path):
    page = read(hostile_path)
    scripts = [script.text for script in page.all("script")]
    assert len(libraries()) + 4 + 1 == len(scripts)  # the page's own, and its data
    assert HOSTILE not in scripts
    assert HOSTILE in page.one("section", id="cases").text


def test_the_licence_of_each_library_is_on_the_page(page):
    text = page.one("footer").text
    assert [] == [library.name for library in libraries() if library.licence_text.strip() not in text]


def test_the_same_runs_make_the_same_bytes(example, tmp_path):
    for name in ("a", "b"):
        write_page([example], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_cases_of_several_runs_stand_on_one_page(tmp_path):
    runs = [run_of(finished(seed=seed), name=f"{seed}.json") for seed in (1, 2)]
    write_page(runs, tmp_path / "report.html")
    assert 2 == len(data_of(read(tmp_path / "report.html"))["cases"])


def test_two_differing_records_of_one_case_are_refused(tmp_path):
    runs = [run_of(finished(accuracy=accuracy), name=f"{accuracy}.json") for accuracy in (0.8, 0.9)]
    with pytest.raises(RecordError, match=r"0\.9\.json: has another record of rsna-densenet-baseline-seed1"):
        write_page(runs, tmp_path / "report.html")


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.1, math.nan])
def test_a_margin_that_is_none_is_refused(example, tmp_path, margin):
    with pytest.raises(OptionError):
        write_page([example], tmp_path / "report.html", margin=margin)


def test_a_run_in_which_nothing_finished_has_a_page(tmp_path):
    lost = replace(finished(), metrics=None, data=None, training=None, memory=None, energy=None, recipe=None)
    write_page([Run(name="a.json", records={lost.case.id: lost})], tmp_path / "report.html")
    assert "No case got as far as its data." in read(tmp_path / "report.html").one("section", id="data").text


def test_the_page_of_the_papers_matrix_has_at_most_6_mb(tmp_path):
    run = replayed(3)
    assert 240 == len(run.records)
    write_page([run], tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size <= 6e6
