"""Charts: valid specifications of the library that the page has, without data of their own."""

import json

import altair as alt
import pytest

from redl.results.report.page.charts import specifications
from redl.results.report.page.fields import COSTS
from redl.results.report.page.libraries import libraries
from redl.results.report.page.looks import looks_of

SPECIFICATIONS = specifications(looks_of(["custom"]))


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_has_no_data(name):
    assert "values" not in json.dumps(SPECIFICATIONS[name])


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_is_valid(name):
    alt.Chart.from_dict(SPECIFICATIONS[name])


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_is_of_the_version_that_the_page_has(name):
    (vega_lite,) = [library for library in libraries() if library.name == "vega-lite"]
    assert f"/v{vega_lite.version.split('.')[0]}." in SPECIFICATIONS[name]["$schema"]


def test_every_resource_has_a_chart():
    assert {field.path for field in COSTS} <= set(SPECIFICATIONS)


def test_a_custom_setting_has_a_colour():
    assert '"custom"' in json.dumps(SPECIFICATIONS["calibration"])
