"""Embedded data: whole records, said once, that no script element is ended by."""

import json

from redl.record import Duplicates
from redl.results.report.page.embedded import SECTIONS, as_script, records_of
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE, broken
from tests.helpers.saved import finished


def plain(*records):
    return json.loads(as_script(records_of(records)))


def rebuilt(found, place=0):
    """Return a case's record as JSON, from what is embedded."""
    case = dict(found["cases"][place])
    for name in SECTIONS:
        if case[name] is not None:
            case[name] = found["sections"][name][case[name]]
    columns = case["training"]["trace"]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    case["training"] = case["training"] | {"trace": rows}
    del case["group"]
    return case


def test_a_record_is_embedded_whole():
    assert json.loads(json.dumps(WHOLE.to_json())) == rebuilt(plain(WHOLE))


def test_what_cases_share_is_said_once():
    found = plain(finished(seed=1), finished(seed=2))
    assert (1, [0, 0]) == (len(found["sections"]["recipe"]), [case["recipe"] for case in found["cases"]])


def test_what_differs_is_said_for_each():
    found = plain(finished(peak=1), finished(seed=2, peak=2))
    assert [1, 2] == [
        found["sections"]["memory"][case["memory"]]["train_peak_bytes"] for case in found["cases"]
    ]


def test_a_case_that_ended_early_has_no_sections():
    assert plain(broken())["cases"][0]["memory"] is None


def test_names_of_images_stay_out():
    duplicates = Duplicates(images=1, exact=1, rows=(("first.dcm", "second.dcm"),))
    record = replace(WHOLE, data=replace(WHOLE.data, duplicates=duplicates))
    assert "first.dcm" not in as_script(records_of([record]))


def test_a_script_element_is_not_ended():
    record = replace(WHOLE, warnings=("</script><script>alert(1)</script>",))
    assert "<" not in as_script(records_of([record]))
    assert record.warnings[0] == plain(record)["cases"][0]["warnings"][0]
