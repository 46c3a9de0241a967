"""Fixtures of the page: runs, pages of them, and a browser that opens them from disk."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from selenium import webdriver

from redl.results.report.figures.drawing import DrawnFigure
from redl.results.report.page import write_page
from redl.results.store import Run, load_run
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE, broken, component, energy
from tests.results.report.page.reading import read
from tests.results.report.page.replayed import EXAMPLE

HOSTILE = "<script>alert(1)</script>"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


@pytest.fixture(scope="session")
def example():
    return load_run(EXAMPLE)


@pytest.fixture(scope="session")
def later(example):
    """Return the example's run with more memory and a case that ended early, as a later one."""
    changed = {
        name: replace(
            record, memory=replace(record.memory, train_peak_bytes=record.memory.train_peak_bytes * 2)
        )
        for name, record in example.records.items()
    }
    lost = broken(setting="half")
    lost = replace(lost, case=replace(lost.case, dataset="lidc"))
    return Run(
        name="later.json",
        records=changed | {lost.case.id: lost},
        collected=(*changed, lost.case.id),
        read_predictions=lambda: example.predictions,
    )


@pytest.fixture(scope="session")
def figure(tmp_path_factory):
    path = tmp_path_factory.mktemp("figures") / "dots.svg"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>')
    return DrawnFigure(name="dots", title="Dots", caption="A dot.", files={"svg": path})


@pytest.fixture(scope="session")
def page_path(example, later, figure, tmp_path_factory):
    """Return the page of a run, with all its sections."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page([later], path, figures=[figure], other=example, history=[example, later])
    return path


@pytest.fixture(scope="session")
def page(page_path):
    return read(page_path)


@pytest.fixture(scope="session")
def hostile_path(tmp_path_factory):
    """Return the page of a run in which every name is a script."""
    part = component("cpu", 0.5, "estimated", HOSTILE)
    record = replace(
        WHOLE,
        case=replace(WHOLE.case, dataset=HOSTILE, model=HOSTILE, setting=HOSTILE),
        warnings=(HOSTILE,),
        environment={HOSTILE: HOSTILE},
        energy=energy(part, energy_wh=0.5, kind="estimated"),
        data=replace(WHOLE.data, options={HOSTILE: HOSTILE}, remarks={HOSTILE: 1}, split=HOSTILE),
    )
    run = Run(name=HOSTILE, records={record.case.id: record})
    path = tmp_path_factory.mktemp("hostile") / "report.html"
    write_page([run], path, other=run, history=[run])
    return path


@pytest.fixture(scope="session")
def browser():
    """Return a browser that logs its console and its requests."""
    paths = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in paths:
        pytest.skip("no chromium or no chromedriver; .ci/install-browser installs them on Debian")
    options = webdriver.ChromeOptions()
    options.binary_location = paths[0]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(paths[1]))
        yield driver
        driver.quit()


@pytest.fixture
def opened(browser, page_path):
    """Return the browser with the page open at a desk's width, and logs of nothing else."""
    return open_page(browser, page_path)


def open_page(browser, path: Path, *, width=1280):
    browser.get("about:blank")
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(path.as_uri())
    wait_for(browser, "return document.body.dataset.drawn !== undefined")
    return browser


def wait_for(browser, script):
    webdriver.support.ui.WebDriverWait(browser, 30).until(lambda found: found.execute_script(script))


def requests_of(browser):
    """Return the addresses of all requests since the page was opened."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
