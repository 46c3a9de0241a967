"""Safekeeping: nothing that a run has found is lost, however the run ends.

Each test's findings go into the journal at once. The saved run takes their place at the end; if it cannot be
written, the journal stays. What a case has found before it ends, its own process keeps from epoch to epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from redl.errors import OptionError, RedlError
from redl.results.saving import prove_writable, replace_whole, save_numbered, why

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from redl.execution.stamp import Stamp
    from redl.plugin.resume import Decision, Earlier, TakenOver
    from redl.results.journal import Entry, Journal


class Safekeeping:
    """The files of one run: its journal, the saved run, and the earlier run that it resumes."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._folder: Path | None = None
        self._journal: Journal | None = None
        self._begun = False
        self._resume: str | None = None
        self._earlier: Earlier | None = None
        self._decision: Decision | None = None
        self._committed: dict[str, Entry] = {}
        self._saved: list[Path] = []
        self.faults: list[str] = []

    @property
    def taken(self) -> Mapping[str, TakenOver]:
        """Return the cases that were taken over, by id."""
        return {} if self._decision is None else self._decision.taken

    @property
    def words(self) -> str | None:
        """Return in one line what was resumed; None if nothing was."""
        if self._resume is not None and self._earlier is None:
            return f"--redl-resume: no earlier run in {shown(self._folder or Path())}, so none is taken over"
        if self._decision is None or self._earlier is None:
            return None
        return "\n".join([self._decision.words(self._earlier.path.name), *self._earlier.faults])

    def prove(self, resume: str | None) -> None:
        """Find the run to resume, and raise RedlError for it, or if this run could not be saved."""
        from redl.plugin.benchmarks import folder_of_runs, json_folder, replace_saving

        found = folder_of_runs(self._config)
        places = dict.fromkeys(place for place in (found, json_folder(self._config)) if place)
        for flag, folder in places:
            prove_writable(folder, flag)
        if found is not None:
            self._folder = found[1]
            replace_saving(self._config, self._save_numbered, self._save_whole, self._kept)
        if resume is not None:
            from redl.plugin.resume import NEWEST, find_earlier

            if resume == NEWEST and self._folder is None:
                raise OptionError("--redl-resume: this run is not saved; name the run to resume")
            self._resume = resume
            self._earlier = find_earlier(resume, self._folder or Path("reports") / "any")

    def begin(
        self, selection: Callable[[], dict[str, Any]], decide: Callable[[Earlier], Decision] | None = None
    ) -> None:
        """Decide what is taken over, if anything can be, and begin the journal with it, once."""
        if self._begun:
            return
        self._begun = True
        if self._earlier is not None and decide is not None:
            self._decision = decide(self._earlier)
        if self._folder is None:
            return
        from redl.execution.epoch_folder import remove_outdated
        from redl.plugin.benchmarks import header_of
        from redl.results.journal import Journal, remove_empty

        remove_empty(self._folder)
        remove_outdated(self._folder)
        try:
            self._journal = Journal.create(self._folder, header_of(self._config, selection()), self._kept())
        except OSError as error:
            raise OptionError(
                f"{shown(self._folder)}: {why(error)}; free some room, or choose another"
            ) from error
        self._remove_resumed()

    def epochs_of(self, case: str, stamp: Stamp) -> Path | None:
        """Return the folder for the epochs of a case, which a run that resumes may find there.

        None if this run is not saved.
        """
        from redl.execution.epoch_folder import folder_of, remove_epochs

        if self._folder is None:
            return None
        folder = folder_of(self._folder, case, stamp)
        if self._resume is None:
            remove_epochs(folder)
        return folder

    def commit(self, benchmark: BenchmarkFixture, case: str) -> None:
        """Write what a test found into the journal; end the run if that cannot be done."""
        from redl.plugin.benchmarks import entry_of, restore

        before = self.taken[case].entries.get(benchmark.fullname) if case in self.taken else None
        if before is not None:
            restore(benchmark, before)
            return
        entry = entry_of(benchmark, case)
        if self._journal is None or entry is None or entry == self._committed.get(entry.test):
            return
        try:
            self._journal.add(entry)
        except OSError as error:
            pytest.exit(
                f"{shown(self._journal.path.parent)}: {why(error)}; the run ends, because nothing "
                "more could be kept; free some room and run it again with --redl-resume",
                returncode=pytest.ExitCode.TESTS_FAILED,
            )
        self._committed[entry.test] = entry

    def finish(self) -> None:
        """Delete the journals whose cases are all in the saved run; keep, and name, one that is needed."""
        journal, self._journal = self._journal, None
        if journal is None:
            return
        if not (self._committed or self._kept()) or (self._saved and not self.faults):
            journal.remove()
            return
        journal.close()
        if not self.faults:  # pytest-benchmark could not even try, e.g. because another plugin failed
            from redl.results.journal import recover

            try:
                self.faults.append(f"saved from the journal: {shown(recover(journal.path).path)}")
                return
            except RedlError as error:
                self.faults.append(str(error))
        path = shown(journal.path)
        self.faults.append(f"all finished cases are in {path}; save them by `redl recover {path}`")

    def _kept(self) -> tuple[Entry, ...]:
        """Return what is kept of the run that was resumed."""
        return () if self._decision is None else self._decision.kept

    def _remove_resumed(self) -> None:
        """Delete the journal that was resumed if the new one has all of it."""
        from redl.results.journal import Journal, is_in_use

        earlier = self._earlier
        if earlier is None or not earlier.intact_journal or is_in_use(earlier.path):
            return
        if len(self._kept()) == len(earlier.entries):
            Journal.at(earlier.path).remove()

    def _save_numbered(self, name: str, content: bytes) -> None:
        assert self._folder is not None, "only a run that is saved is"
        self._save(self._folder, lambda folder: save_numbered(folder, name, content))

    def _save_whole(self, path: Path, content: bytes) -> None:
        def save(path: Path) -> Path:
            replace_whole(path, content)
            return path

        self._save(path, save)

    def _save(self, place: Path, save: Callable[[Path], Path]) -> None:
        from redl.plugin.benchmarks import benchmark_session

        try:
            path = save(place)
        except OSError as error:
            self.faults.append(f"{shown(place)}: the run cannot be saved there ({why(error)})")
            return
        self._saved.append(path)
        logger: Any = benchmark_session(self._config).logger
        logger.info(f"Saved benchmark data in: {path}")


def shown(path: Path) -> Path:
    """Return a path as the user would write it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
