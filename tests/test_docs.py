"""The documentation: its links, options, commands and examples are those of the code."""

import argparse
import json
import re
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from redl import load_run
from redl.cli import main
from redl.cli.parser import build_parser
from redl.plugin.options import arguments
from redl.results.aggregate import aggregated
from tests.helpers.savings import run_of, save

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [  # without the log, which says what was true when it was written
    *sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")]),
    *(ROOT / folder / "README.md" for folder in ("dev", "examples", "reports")),
]
SUBCOMMANDS = argparse._SubParsersAction


class Block(NamedTuple):
    """A fenced block: where it stands, its language, and what the comment above it says to run it with."""

    place: str
    language: str
    run: str
    code: str


def blocks(language):
    """Return the fenced blocks of a language on all pages."""
    fence = re.compile(r"(?:<!-- run: (\w+) -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [
        Block(f"{name(page)}:{number}", found[2], found[1] or "", found[3])
        for page in PAGES
        for number, found in enumerate(fence.finditer(page.read_text()), 1)
        if found[2] == language
    ]


def runnable(how):
    return [pytest.param(block.code, id=block.place) for block in blocks("python") if block.run == how]


def name(page):
    return page.relative_to(ROOT).as_posix()


def code_lines(text):
    """Yield what a page sets as code: lines of blocks, and words between backquotes."""
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line.strip().removeprefix("$ ").removeprefix("- run: ").removeprefix("run: ")
        else:
            yield from re.findall(r"`([^`]+)`", line)


def commands(parser, prefix=()):
    """Yield every command below a parser, as its words and its own parser."""
    yield prefix, parser
    for action in parser._actions:
        if isinstance(action, SUBCOMMANDS):
            for word, below in action.choices.items():
                yield from commands(below, (*prefix, word))


COMMANDS = dict(commands(build_parser()))


def written_commands(page):
    """Yield the words of every call of `redl` that a page shows, without its arguments."""
    for line in code_lines(page.read_text()):
        if found := re.match(r"redl ([a-z]+(?: [a-z]+)?)", line):
            first, *rest = found[1].split()
            below = (
                (first, *rest)
                if any(len(words) == 2 and words[0] == first for words in COMMANDS)
                else (first,)
            )
            yield below


def test_the_readme_is_short():
    lines = README.read_text().splitlines()
    assert len(lines) <= 120
    assert [] == [line for line in lines if len(line) > 100]


def test_the_readme_shows_what_the_example_run_found():
    run = load_run(ROOT / "reports" / "example" / "run.json")
    verdicts = {verdict.setting: verdict for verdict in run.verdicts(margin=0.02)}
    text = README.read_text()
    for found in aggregated(run.records.values()):
        words = [f"`{found.record.case.setting}`", f"{found.accuracy.mean:.3f}"]
        if verdict := verdicts.get(found.record.case.setting):
            words.append(f"{verdict.difference:+.3f} ({verdict.low:+.3f} to {verdict.high:+.3f})")
            words.append(str(verdict.outcome))
        else:
            words += ["", ""]
        row = f"| {' | '.join([*words, f'{found.train_peak_bytes / 1e6:.0f} MB'])} |"
        assert re.sub(" +", " ", row) in text
    (sentence,) = run.tradeoff(margin=0.02).recommendations
    quoted = " ".join(line.removeprefix("> ") for line in text.splitlines() if line.startswith("> "))
    assert sentence == quoted


def test_the_readme_names_the_line_that_ci_runs():
    # .ci/run looks for it there.
    assert re.search(r"&& \.venv-tox/bin/tox$", README.read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_resolve(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[\w+\]: (\S+)", text, re.MULTILINE)
    relative = [link.partition("#")[0] for link in links if "://" not in link]
    assert [] == [link for link in relative if link and not (page.parent / link).exists()]


@pytest.mark.parametrize("page", [README, ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")], ids=name)
def test_files_that_are_named_exist(page):
    # Paths in backquotes are from the root of the checkout, and those of modules from redl/.
    named = re.findall(r"`((?:docs|dev|redl|tests|benchmarks|examples|\.ci)/[\w/.-]+)`", page.read_text())
    assert [] == [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.place)
def test_python_examples_compile(block):
    compile(block.code, block.place, "exec")


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda block: block.place)
def test_toml_examples_are_tables_of_redl(block):
    assert ["redl"] == list(tomllib.loads(block.code)["tool"])


@pytest.mark.parametrize("code", runnable("saved"))
def test_examples_with_a_saved_run_work(code, tmp_path, monkeypatch):
    run = run_of(baseline={}, amp={"memory": 300_000_000, "wh": 3.0}, eight_bit={"lost": 12})
    for file in ("run.json", "other.json"):
        (tmp_path / "reports").mkdir(exist_ok=True)
        save(tmp_path / "reports" / file, *run)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "example", "exec"), {})  # noqa: S102 - the project's own page


class Tracker(ModuleType):
    """What the examples use of MLflow and of Weights & Biases: it keeps what they log, run by run."""

    def __init__(self, name):
        super().__init__(name)
        self.logged, self._run = {}, None

    @contextmanager
    def start_run(self, *, run_name):
        self._run = self.logged.setdefault(run_name, {})
        yield self

    @contextmanager
    def init(self, *, project, name, config):
        assert "redl" == project
        with self.start_run(run_name=name):
            self.log(config)
            yield self

    def log(self, values):
        assert all(isinstance(value, int | float | str) for value in values.values())
        self._run |= values

    def log_metrics(self, values):
        assert all(isinstance(value, float) for value in values.values())
        self.log(values)

    log_params = log


@pytest.mark.parametrize("code", runnable("tracker"))
def test_trackers_get_parameters_and_figures_of_every_case(code, tmp_path, monkeypatch):
    records = run_of(baseline={}, amp={"wh": 3.0})
    save(tmp_path / "run.json", *records)
    monkeypatch.chdir(tmp_path)
    (name,) = {"mlflow", "wandb"} & set(re.findall(r"\w+", code))
    tracker = Tracker(name)
    monkeypatch.setitem(sys.modules, name, tracker)
    exec(compile(code, "example", "exec"), {})  # noqa: S102 - the project's own page
    frame = load_run("run.json").to_frame()
    assert list(frame.index) == list(tracker.logged)
    for case, found in tracker.logged.items():
        assert frame.loc[case, "setting"] == found["setting"]
        assert frame.loc[case, "test_accuracy"] == found["test_accuracy"]
        assert {"train_seconds", "train_energy_wh"} <= found.keys()


@pytest.mark.slow
@pytest.mark.parametrize("code", runnable("carbon"))
def test_examples_of_carbon_divide_by_the_images_that_were_processed(code, pytester):
    model = """
images = [0] * 10


class model:
    @staticmethod
    def predict(images):
        with open("processed.txt", "a") as file:
            file.write("0" * len(images))


"""
    pytester.makepyfile(model + code)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--benchmark-json=report.json")
    assert 0 == result.ret
    (entry,) = json.loads((pytester.path / "report.json").read_text())["benchmarks"]
    processed = len((pytester.path / "processed.txt").read_text())
    assert processed == entry["extra_info"]["carbon"]["inference"]["images"]


def test_there_are_examples_to_run():
    assert len(runnable("saved")) >= 2
    assert len(runnable("carbon")) >= 2
    assert 2 == len(runnable("tracker"))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_options_of_pytest_exist(page):
    known = {flag for flag, _ in arguments._ALL}
    written = set(re.findall(r"--redl-[a-z0-9]+(?:-[a-z0-9]+)*", page.read_text()))
    stems = {flag for flag in written if f"{flag}-..." in page.read_text()}
    assert set() == written - known - stems


def test_every_option_of_pytest_is_in_the_reference():
    page = (DOCS / "reference/options.md").read_text()
    assert [] == [flag for flag, _ in arguments._ALL if not re.search(rf"{flag}(?![\w-])", page)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_exist(page):
    assert [] == [words for words in written_commands(page) if words not in COMMANDS]


def test_the_readme_shows_commands():
    assert {("compare",), ("verdict",), ("tradeoff",)} <= set(written_commands(README))


@pytest.mark.parametrize("words", [words for words in COMMANDS if words], ids=" ".join)
def test_every_option_of_a_command_is_in_the_reference(words):
    page = (DOCS / "reference/commands.md").read_text()
    flags = [flag for action in COMMANDS[words]._actions for flag in action.option_strings]
    missing = [flag for flag in flags if not re.search(rf"{flag}(?![\w-])", page)]
    assert [] == [flag for flag in missing if flag != "-h"]


def test_the_example_of_a_tradeoff_is_what_the_command_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "120")
    path = save(
        tmp_path / "made.json",
        *run_of(
            baseline={},
            amp={"memory": 310_000_000, "seconds": 8.1, "wh": 2.9},
            eight_bit={"memory": 370_000_000, "seconds": 10.6, "wh": 4.2, "apart": True},
            half_eight_bit={"memory": 190_000_000, "seconds": 7.0, "wh": 2.4, "lost": 12},
        ),
    )
    assert 0 == main(["tradeoff", str(path), "--margin=2%", "--lambda=1,10,100", "--price-per-kwh=0.30EUR"])
    printed = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
    page = (DOCS / "explanation/tradeoff.md").read_text()
    example = page.split("\n```\n")[1]
    assert example.rstrip("\n") in printed


def test_every_field_of_a_record_is_in_the_reference():
    page = (DOCS / "reference/record.md").read_text()
    schema = json.loads((DOCS / "record-schema.json").read_text())
    fields = {field for one in schema["$defs"].values() for field in one.get("properties", {})}
    assert fields
    assert [] == [field for field in sorted(fields) if not re.search(rf"`{field}(\[\])?`", page)]


def test_the_tests_that_show_a_promise_exist():
    page = (DOCS / "explanation" / "reliability.md").read_text()
    named = re.findall(r"`((?:tests|benchmarks)/[\w/]+\.py)::(\w+)`", page)
    assert len(named) > 40
    missing = [one for one in named if f"\ndef {one[1]}(" not in (ROOT / one[0]).read_text()]
    assert [] == missing


def test_the_citation_is_of_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (version,) = re.findall(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert project["version"] == version
