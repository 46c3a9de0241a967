"""The page in a real browser, opened from disk."""

import base64
import json
import re
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from redl.record import Status
from redl.results.report.page import write_page
from tests.helpers.changes import replace
from tests.helpers.samples import DIVERGED, WHOLE
from tests.helpers.saved import finished, run_of
from tests.results.report.page.conftest import HOSTILE, open_page, requests_of, wait_for
from tests.results.report.page.reading import at

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
CASE = "lidc-densenet-amp-seed2"


def find(browser, selector):
    return browser.find_element(By.CSS_SELECTOR, selector)


def find_all(browser, selector):
    return browser.find_elements(By.CSS_SELECTOR, selector)


def column(browser, path):
    return browser.execute_script(
        "return [...document.querySelectorAll(`#table tbody td[data-field='${arguments[0]}']`)]"
        ".map((cell) => cell.textContent)",
        path,
    )


def choose(browser, selector, text):
    Select(find(browser, selector)).select_by_visible_text(text)


def head(browser, text):
    return next(one for one in find_all(browser, "#table thead th") if one.text.startswith(text))


def show(browser, case):
    browser.execute_script("document.querySelector(`tr[data-case='${arguments[0]}'] button`).click()", case)


def background(browser):
    return browser.execute_script("return getComputedStyle(document.body).backgroundColor")


def test_the_console_stays_empty(opened):
    show(opened, CASE)
    assert [] == opened.get_log("browser")


def test_nothing_is_requested_but_the_page_itself(opened, page_path):
    assert [page_path.as_uri()] == [url for url in requests_of(opened) if not url.startswith("data:")]


def test_the_policy_keeps_a_script_of_strangers_from_running(opened):
    opened.execute_script(
        "const script = document.createElement('script'); script.textContent = 'window.ran = true';"
        "document.body.append(script)"
    )
    assert opened.execute_script("return window.ran") is None


def test_every_plot_is_drawn(opened):
    places = find_all(opened, ".chart")
    assert len(places) == len([place for place in places if place.find_elements(By.TAG_NAME, "svg")])


def test_another_score_is_drawn_when_it_is_chosen(opened):
    choose(opened, "#score", "AUC")
    wait_for(opened, "return document.body.dataset.drawn.includes('auc')")
    assert "AUC" in find(opened, "[data-chart='memory.train_peak_bytes']").text


def sort(browser, text):
    """Click a head, and wait for the rows to have moved."""
    before = column(browser, "memory.train_peak_bytes")
    head(browser, text).click()
    WebDriverWait(browser, 10).until(lambda found: before != column(found, "memory.train_peak_bytes"))
    return [int(text) for text in column(browser, "memory.train_peak_bytes") if text != "\N{EN DASH}"]


def test_a_click_on_a_head_sorts_by_number(opened):
    found = sort(opened, "memory")
    assert sorted(found) == found


def test_a_second_click_sorts_the_other_way(opened):
    sort(opened, "memory")
    found = sort(opened, "memory")
    assert sorted(found, reverse=True) == found


def test_a_filter_keeps_the_rows_of_one_setting(opened):
    choose(opened, "#filters select[data-column='setting']", "amp")
    assert 5 * ["amp"] == column(opened, "case.setting")


def test_a_filter_for_all_brings_every_row_back(opened):
    choose(opened, "#filters select[data-column='setting']", "amp")
    choose(opened, "#filters select[data-column='setting']", "all")
    assert "Showing" not in find(opened, ".dt-info").text
    assert "of 26" in find(opened, ".dt-info").text


def test_a_search_keeps_the_rows_that_have_its_words(opened):
    find(opened, ".dt-search input").send_keys("oom")
    assert ["half"] == column(opened, "case.setting")


def test_a_chosen_case_shows_every_figure_of_its_record(opened, later):
    show(opened, CASE)
    plain = later.records[CASE].to_json()
    shown = opened.execute_script(
        "return [...document.querySelectorAll('#details [data-field]')]"
        ".map((one) => [one.dataset.field, one.textContent])"
    )
    figures = {path: text for path, text in shown if isinstance(at(plain, path), int | float)}
    assert len(figures) > 80
    assert {path: at(plain, path) for path in figures} == {
        path: json.loads(text) for path, text in figures.items()
    }


def test_a_chosen_case_shows_its_recipe_environment_trace_and_warnings(opened, later):
    show(opened, CASE)
    sections = {
        one.get_attribute("data-section"): one.text for one in find_all(opened, "#details [data-section]")
    }
    assert "densenet121" in sections["recipe"]
    assert "AMD EPYC" in sections["environment"]
    assert str(later.records[CASE].training.trace[0].valid_loss) in sections["trace"]
    assert later.records[CASE].warnings[0] in sections["warnings"]


def test_a_case_that_ended_early_shows_why(opened, later):
    case = next(name for name, record in later.records.items() if record.metrics is None)
    choose(opened, "#filters select[data-column='status']", "oom")
    show(opened, case)
    assert "oom: MemoryError: too large" in find(opened, "#details").text


def test_the_numbers_behind_the_plots_are_those_of_the_records(opened, later):
    opened.execute_script("document.querySelector('#numbers').open = true")
    seeds = [r.metrics.test.accuracy for r in later.records.values() if r.case.setting == "amp"]
    shown = find(opened, "#numbers td[data-setting='amp'][data-statistic='mean']").text
    assert f"{sum(seeds) / len(seeds):.3f}" == shown


def test_a_diverged_seed_does_not_stretch_the_losses_of_others(browser, tmp_path):
    epoch = WHOLE.training.trace[0]
    lost = (replace(epoch, train_loss=1000.0), replace(epoch, epoch=2, train_loss=None))
    diverged = finished(
        seed=2, training=replace(WHOLE.training, trace=lost), divergence=DIVERGED, status=Status.DIVERGED
    )
    write_page([run_of(finished(), diverged)], tmp_path / "report.html")
    opened = open_page(browser, tmp_path / "report.html")
    note = find(opened, "[data-note='train_loss']").text
    assert "Cut off above 0.420, where 1 of the points lie, all of diverged seeds." in note
    assert "no point: 1." in note


def test_of_very_many_seeds_some_are_drawn_and_the_page_says_so(browser, tmp_path):
    write_page([run_of(*(finished(seed=seed) for seed in range(1, 13)))], tmp_path / "report.html")
    opened = open_page(browser, tmp_path / "report.html")
    assert "10 seeds are drawn one by one" in find(opened, "#seeds").text
    marks = find_all(opened, "[data-chart='memory.train_peak_bytes'] .mark-symbol path")
    assert 10 + 1 == len(marks)  # and their mean


@pytest.mark.parametrize(("theme", "colour"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 25, 30)")])
def test_the_theme_follows_the_switch(opened, theme, colour):
    choose(opened, "#theme", theme)
    assert colour == background(opened)


def test_a_theme_is_kept_until_the_page_is_opened_again(opened, page_path):
    choose(opened, "#theme", "dark")
    assert "rgb(21, 25, 30)" == background(open_page(opened, page_path))


def test_print_is_light_whatever_the_theme(opened):
    choose(opened, "#theme", "dark")
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert "rgb(255, 255, 255)" == background(opened)
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_print_from_dark_is_that_from_light_to_the_byte(opened):
    printed = []
    for theme in ("light", "dark"):
        choose(opened, "#theme", theme)
        pdf = base64.b64decode(opened.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
        printed.append(re.sub(rb"Date \(D:[^)]*\)", b"", pdf))
    assert printed[0] == printed[1]


def test_print_has_a_row_for_every_case(opened):
    opened.execute_script("dispatchEvent(new Event('beforeprint'))")
    try:
        assert 26 == len(find_all(opened, "#table tbody tr"))
    finally:
        opened.execute_script("dispatchEvent(new Event('afterprint'))")


def test_a_case_is_chosen_from_the_keyboard(opened):
    button = find(opened, f"tr[data-case='{CASE}'] button")
    button.send_keys(Keys.ENTER)
    assert CASE == opened.switch_to.active_element.text


def test_a_column_is_sorted_from_the_keyboard(opened):
    opened.execute_script("document.querySelector('#table thead th[data-column=seed] [role=button]').focus()")
    opened.switch_to.active_element.send_keys(Keys.ENTER)
    wait_for(
        opened, "return document.querySelector('#table tbody tr:nth-child(2)').dataset.case.endsWith('seed1')"
    )
    seeds = [int(text) for text in column(opened, "case.seed")]
    assert sorted(seeds) == seeds


def test_the_first_stop_of_the_keyboard_skips_to_the_contents(opened):
    find(opened, "body").send_keys(Keys.TAB)
    assert "Skip to the contents" == opened.switch_to.active_element.text


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(browser, page_path, width):
    opened = open_page(browser, page_path, width=width)
    show(opened, CASE)
    assert width >= opened.execute_script("return document.documentElement.scrollWidth")


def test_rows_are_cards_on_a_phone(browser, page_path):
    opened = open_page(browser, page_path, width=390)
    row = opened.execute_script("return getComputedStyle(document.querySelector('#table tbody tr')).display")
    assert "grid" == row


def test_cards_are_sorted_by_a_list_of_columns(browser, page_path):
    opened = open_page(browser, page_path, width=390)
    choose(opened, "#sort", "seed, falling")
    wait_for(opened, "return document.querySelector('#table tbody tr').dataset.case.endsWith('seed5')")
    assert 5 * ["5"] == column(opened, "case.seed")[:5]


def test_names_of_strangers_stay_text(browser, hostile_path):
    opened = open_page(browser, hostile_path)
    before = len(find_all(opened, "script"))
    opened.execute_script("document.querySelector('#table button').click()")
    assert HOSTILE in find(opened, "#h-case").text
    assert before == len(find_all(opened, "script"))
    assert [] == opened.get_log("browser")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_fault(browser, page_path, theme, width):
    opened = open_page(browser, page_path, width=width)
    choose(opened, "#theme", theme)
    show(opened, CASE)
    opened.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text()})
    found = opened.execute_async_script("axe.run().then(arguments[0])")
    serious = [
        (fault["id"], [node["html"][:200] for node in fault["nodes"]][:3])
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert [] == serious
    assert len(found["passes"]) > 20
