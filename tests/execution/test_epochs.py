"""Kept epochs: a case that was killed goes on after its last whole epoch, and nothing else is believed."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from redl.data.datasets import DataOptions, prepare_dataset
from redl.execution.epoch_folder import FOLDER, folder_of, lock_of, remove_epochs, remove_outdated
from redl.execution.epochs import open_epochs
from redl.execution.job import Job, RunOptions
from redl.execution.run import open_case
from redl.execution.stamp import stamp_of
from redl.study.case import Case, Dataset
from redl.study.profile import SMOKE, TINY
from redl.training.state_file import UnsavableError
from tests.helpers.changes import replace

PROFILE = replace(TINY, epochs=4, patience=4)


class Killed(BaseException):
    """The process is killed here."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_dataset(Dataset.RSNA, TINY, DataOptions(cache=tmp_path_factory.mktemp("cache")))


@pytest.fixture
def epochs(tmp_path):
    return tmp_path / "epochs"


@pytest.fixture(scope="module")
def run(prepared):
    """Return a function that runs a case, killed when an epoch of that number has been trained."""

    def run(epochs, *, killed_in=None, model="mlp", setting="baseline", profile=PROFILE):
        def on_epoch(epoch):
            if epoch.epoch == killed_in:
                raise Killed

        case = Case(dataset="rsna", model=model, setting=setting, seed=1, profile="tiny")
        job = Job(case=case, prepared=prepared, options=RunOptions(profile=profile), epochs=epochs)
        with open_case(job, on_epoch) as case_run:
            case_run.train()
            record = case_run.finish()
            return record, case_run.predictions()

    return run


@pytest.fixture(scope="module")
def undisturbed(run):
    return run(None)


def killed(run, epochs, epoch, **given):
    with pytest.raises(Killed):
        run(epochs, killed_in=epoch, **given)


def learned(record):
    """Return what a record says of what was learned, without times."""
    trace = [(one.train_loss, one.valid_loss, one.valid_accuracy) for one in record.training.trace]
    return record.metrics, record.divergence, record.training.best_epoch, trace


def files(folder):
    return sorted(int(path.name.split("-")[1]) for path in folder.glob("epoch-*"))


def newest(folder):
    return max(folder.glob("epoch-*"))


@pytest.mark.parametrize("epoch", [2, 3, 4])
def test_a_killed_case_goes_on_after_its_last_whole_epoch(run, undisturbed, epochs, epoch):
    killed(run, epochs, epoch)
    record, answers = run(epochs)
    assert (epoch - 1,) == record.training.resumed_after
    assert learned(undisturbed[0]) == learned(record)
    assert undisturbed[1] == answers


def test_a_case_killed_after_its_last_epoch_is_not_trained_again(run, undisturbed, epochs):
    run(epochs)
    record, answers = run(epochs)
    assert ((4,), learned(undisturbed[0])) == (record.training.resumed_after, learned(record))
    assert undisturbed[1] == answers


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["amp", "half+8bit"])
def test_a_killed_densenet_goes_on_with_the_same_answers(run, epochs, setting):
    expected, answers = run(None, model="densenet", setting=setting)
    killed(run, epochs, 3, model="densenet", setting=setting)
    record, found = run(epochs, model="densenet", setting=setting)
    assert (learned(expected), answers) == (learned(record), found)


def test_time_and_energy_are_of_each_epoch_once(run, epochs):
    killed(run, epochs, 3)
    record, _ = run(epochs)
    seconds = [one.seconds for one in record.training.trace]
    assert sorted(seconds) == seconds
    assert seconds[-1] == pytest.approx(record.training.seconds_to_stop)
    reading = record.energy.train
    assert record.training.seconds_to_stop == pytest.approx(reading.duration_s, rel=0.2)
    assert 4 * 54 == reading.images  # 4 epochs of the training part


def test_a_case_that_is_killed_twice_says_so(run, undisturbed, epochs):
    killed(run, epochs, 2)
    killed(run, epochs, 4)
    record, _ = run(epochs)
    assert ((1, 3), learned(undisturbed[0])) == (record.training.resumed_after, learned(record))


def test_an_undisturbed_case_says_nothing(undisturbed):
    assert () == undisturbed[0].training.resumed_after


def test_only_what_may_still_be_needed_stays(run, epochs):
    record, _ = run(epochs)
    assert sorted({3, best_of(record, 3), 4, best_of(record, 4)}) == files(epochs)


def best_of(record, epochs):
    """Return which of the first epochs had the lowest loss."""
    return min(record.training.trace[:epochs], key=lambda one: one.valid_loss).epoch


def damage(path, draw):
    content = bytearray(path.read_bytes())
    place = draw.randrange(len(content))
    match draw.randrange(3):
        case 0:
            content[place] ^= 1 << draw.randrange(8)
        case 1:
            del content[place:]
        case 2:
            content[place:place] = draw.randbytes(9)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "seed", [*range(5), *(pytest.param(n, marks=pytest.mark.faults) for n in range(5, 50))]
)
def test_after_a_damaged_epoch_the_one_before_is_taken(run, undisturbed, epochs, seed):
    killed(run, epochs, 4)
    damage(newest(epochs), random.Random(seed))
    record, answers = run(epochs)
    assert ((2,), learned(undisturbed[0])) == (record.training.resumed_after, learned(record))
    assert undisturbed[1] == answers
    assert any("epoch 3 was kept and cannot be gone on from: its checksum" in one for one in record.warnings)


def test_a_pipe_in_place_of_an_epoch_is_not_waited_for(run, epochs):
    killed(run, epochs, 4)
    path = newest(epochs)
    path.unlink()
    os.mkfifo(path)
    record, _ = run(epochs)
    assert (2,) == record.training.resumed_after
    assert any("epoch 3 was kept and cannot be gone on from: no file" in one for one in record.warnings)


def test_a_case_without_any_whole_epoch_begins_anew(run, undisturbed, epochs):
    killed(run, epochs, 4)
    for path in epochs.glob("epoch-*"):
        path.write_bytes(b"")
    record, _ = run(epochs)
    assert ((), learned(undisturbed[0])) == (record.training.resumed_after, learned(record))


def test_an_epoch_whose_best_weights_are_gone_is_not_gone_on_from(run, epochs):
    still = replace(PROFILE, learning_rate=0.0)
    expected, _ = run(None, profile=still)
    best = best_of(expected, 3)
    assert best < 3
    killed(run, epochs, 4, profile=still)
    for path in epochs.glob(f"epoch-{best:06}-*"):
        path.unlink()
    record, _ = run(epochs, profile=still)
    assert learned(expected) == learned(record)
    assert any("it is gone" in one for one in record.warnings)


def test_an_epoch_of_another_network_is_refused(run, epochs):
    killed(run, epochs, 3, model="mlp")
    record, _ = run(epochs, model="vit")
    assert () == record.training.resumed_after
    assert any("it is of another network" in one for one in record.warnings)


def test_drafts_of_a_killed_process_are_removed(run, epochs):
    epochs.mkdir()
    (epochs / ".epoch-000001.draft").write_bytes(bytes(10))
    run(epochs)
    assert [] == list(epochs.glob(".epoch-*"))


def test_a_full_disk_stops_no_training_and_is_said(run, undisturbed, epochs, monkeypatch):
    def full(*_):
        raise UnsavableError("no space left on device")

    monkeypatch.setattr("redl.execution.epochs.write_state", full)
    record, answers = run(epochs)
    assert (learned(undisturbed[0]), undisturbed[1]) == (learned(record), answers)
    assert "training: epoch 1 could not be kept: no space left on device" in record.warnings
    assert [] == files(epochs)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_stops_no_training(run, tmp_path):
    tmp_path.chmod(0o500)
    record, _ = run(tmp_path / "epochs")
    assert any("no epoch can be kept: Permission denied" in one for one in record.warnings)


def test_a_path_that_is_a_file_stops_no_training(run, tmp_path):
    (tmp_path / "file").touch()
    record, _ = run(tmp_path / "file" / "epochs")
    assert any("training: no epoch can be kept: Not a directory" in one for one in record.warnings)


def test_a_second_process_trains_without(run, undisturbed, epochs):
    killed(run, epochs, 3)
    before = files(epochs)
    with open_epochs(epochs):
        record, _ = run(epochs)
    assert ((), learned(undisturbed[0])) == (record.training.resumed_after, learned(record))
    assert "training: no epoch can be kept: another process trains the same case" in record.warnings
    assert before == files(epochs)


def test_a_killed_process_leaves_no_lock(epochs):
    code = (
        "import sys, os, signal\nfrom pathlib import Path\nfrom redl.execution.epochs import open_epochs\n"
        "with open_epochs(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(epochs)], check=False)
    assert (epochs / "lock").exists()
    remove_epochs(epochs)
    assert not epochs.exists()


def test_epochs_that_are_in_use_are_not_removed(run, epochs):
    killed(run, epochs, 3)
    with lock_of(epochs):
        remove_epochs(epochs)
    assert files(epochs)


def test_the_folder_of_all_cases_goes_with_the_last(tmp_path):
    one, other = (tmp_path / FOLDER / name for name in ("one", "other"))
    for folder in (one, other):
        folder.mkdir(parents=True)
    remove_epochs(one)
    assert other.is_dir()
    remove_epochs(other)
    assert not (tmp_path / FOLDER).exists()


def test_only_outdated_epochs_are_removed(tmp_path):
    for name, days in (("old", 15), ("new", 13)):
        folder = tmp_path / FOLDER / name
        folder.mkdir(parents=True)
        then = time.time() - days * 86400
        os.utime(folder, (then, then))
    remove_outdated(tmp_path)
    assert ["new"] == [path.name for path in (tmp_path / FOLDER).iterdir()]


def test_another_stamp_has_another_folder():
    case = Case(dataset="rsna", model="mlp", setting="baseline", seed=1, profile="smoke")
    one, same, other = (
        folder_of(Path("runs"), case.id, stamp_of(case, RunOptions(profile=profile), "f"))
        for profile in (SMOKE, SMOKE, replace(SMOKE, epochs=99, schedules=()))
    )
    assert one == same != other
    assert Path("runs") / FOLDER == one.parent


def test_names_of_any_length_fit(tmp_path):
    case = Case(dataset="d" * 100, model="m" * 100, setting="s" * 100, seed=1, profile="smoke")
    folder_of(tmp_path, case.id, stamp_of(case, RunOptions(profile=SMOKE), "f")).mkdir(parents=True)


def test_nothing_that_is_kept_is_ever_unpickled(run, epochs, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("pickle was used")

    monkeypatch.setattr(torch, "load", refuse)
    monkeypatch.setattr(torch, "save", refuse)
    killed(run, epochs, 3)
    assert (2,) == run(epochs)[0].training.resumed_after
