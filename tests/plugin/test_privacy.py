"""Nothing that a run with redl's cases writes names its user, machine, folder, project or branch."""

import signal
import subprocess
import sys

import pytest

from tests.helpers.pretended import Pretended

PLANTED = {
    "folder": "planted_folder",
    "branch": "planted_branch",
    "remote": "planted_remote",
    "host": "planted_host",
    "user": "planted_user",
}


@pytest.fixture
def suite(tmp_path, monkeypatch):
    suite = Pretended(tmp_path / PLANTED["folder"])
    for name in ("USER", "LOGNAME", "HOSTNAME"):
        monkeypatch.setenv(name, PLANTED["host" if name == "HOSTNAME" else "user"])
    git = ["git", "-c", "user.name=planted_user", "-c", "user.email=planted_user@planted_host"]
    for words in (
        ["init", "-q", "-b", PLANTED["branch"]],
        ["remote", "add", "origin", f"https://example.org/{PLANTED['remote']}.git"],
        ["commit", "-q", "--allow-empty", "-m", "first"],
    ):
        subprocess.run([*git, *words], cwd=suite.folder, check=True)
    conftest = suite.folder / "conftest.py"
    conftest.write_text(
        f"import platform\nplatform.node = lambda: {PLANTED['host']!r}\n{conftest.read_text()}"
    )
    return suite


def found_in(path):
    content = path.read_bytes().decode("utf-8", "replace")
    return [planted for planted in PLANTED.values() if planted in content]


def test_no_planted_name_is_in_any_file_that_a_run_writes(suite):
    status, printed = suite.run("--junit-xml=junit.xml", "--benchmark-json=run.json", "--tb=long", "-l")
    assert 0 == status, printed
    written = [suite.folder / "junit.xml", suite.folder / "run.json", *suite.saved]
    assert 3 == len(written)
    assert {} == {path.name: found for path in written if (found := found_in(path))}
    assert 'tests="20"' in written[0].read_text()
    assert ' hostname=""' in written[0].read_text()


def test_no_planted_name_is_in_the_journal(suite):
    suite.stop(signal.SIGKILL, after=3)
    (journal,) = suite.journals
    assert [] == found_in(journal)


def test_a_run_without_cases_keeps_its_names(suite):
    (suite.folder / "test_other.py").write_text("def test_other(benchmark): benchmark(int)\n")
    words = ["test_other.py", "--junit-xml=junit.xml", "--benchmark-json=run.json"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=suite.folder, check=True, capture_output=True
    )
    assert {PLANTED["remote"], PLANTED["branch"]} <= set(found_in(suite.folder / "run.json"))
    assert [PLANTED["host"]] == found_in(suite.folder / "junit.xml")
