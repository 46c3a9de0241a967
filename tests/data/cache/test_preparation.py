"""Preparation makes every image once, resumes after a kill, and lists what cannot be read."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from redl.data.cache import preparation
from redl.data.cache.entry import Named, open_prepared
from redl.data.cache.preparation import prepare, read_through
from redl.errors import DataError
from tests.helpers.workers import broken, deadly, item, source


def items(count=12, **options):
    return [item(number, rows=number % 3 + 1, **options) for number in range(count)]


def made(journal: Path) -> list[int]:
    return sorted(int(line) for line in journal.read_text().split()) if journal.exists() else []


# The entry


def test_images_labels_and_subjects_are_the_sources_row_by_row(tmp_path):
    wanted = source(*items())
    data = open_prepared(prepare(wanted, cache=tmp_path))
    first = [number + row for number in range(12) for row in range(number % 3 + 1)]
    assert first == data.images[:, 0, 0].tolist()
    np.testing.assert_array_equal(wanted.labels, data.labels)
    np.testing.assert_array_equal(wanted.subjects, data.subjects)


def test_the_cache_contains_only_an_entry_and_its_lock(tmp_path):
    entry = prepare(source(*items()), cache=tmp_path)
    assert {entry.name, f"{entry.name}.lock"} == {path.name for path in tmp_path.iterdir()}


def test_progress_counts_every_item(tmp_path):
    shown = []
    prepare(source(*items()), cache=tmp_path, on_progress=lambda *done: shown.append(done))
    assert [(number, 12) for number in range(1, 13)] == shown


def test_one_process_and_two_make_the_same_entry(tmp_path):
    one, two = (
        prepare(source(*items()), cache=tmp_path / str(number), processes=number) for number in (1, 2)
    )
    assert open_prepared(one).fingerprint == open_prepared(two).fingerprint


def test_a_second_call_makes_nothing(tmp_path):
    journal = tmp_path / "journal"
    first = prepare(source(*items(journal=journal)), cache=tmp_path)
    journal.unlink()
    assert first == prepare(source(*items(journal=journal)), cache=tmp_path)
    assert not journal.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"image_size": 8},
        {"dataset": "lidc"},
        {"options": {"crop": False}},
        {"synthetic": False},
        {"ideal_accuracy": 0.9},
        {"raters": np.ones(12, np.uint8)},
        {"skipped": ("scan 17",)},
        {"labels": np.ones(12, np.uint8)},
        {"subjects": np.arange(12, dtype=np.int32)[::-1]},
        {"items": tuple(item(number) for number in range(1, 13))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_an_entry_is_made_from_is_in_its_name(change):
    same = [item(number) for number in range(12)]
    assert preparation._key(source(*same)) == preparation._key(source(*same))
    assert preparation._key(source(*same)) != preparation._key(source(*same, **change))


# Killed in the middle


def test_an_interrupted_run_resumes(tmp_path):
    journal = tmp_path / "journal"

    def interrupt(done, _):
        if done == 5:
            raise KeyboardInterrupt

    wanted = source(*items(200, journal=journal))
    with pytest.raises(KeyboardInterrupt):
        prepare(wanted, cache=tmp_path, on_progress=interrupt)
    before = made(journal)
    shown = []
    entry = prepare(wanted, cache=tmp_path, on_progress=lambda *done: shown.append(done))
    assert 5 <= len(before) < 50
    assert (6, 200) == shown[0]
    assert 195 == len(made(journal)) - len(before)
    uninterrupted = prepare(wanted, cache=tmp_path / "other")
    assert open_prepared(uninterrupted).fingerprint == open_prepared(entry).fingerprint


def test_a_killed_run_resumes(tmp_path):
    journal, cache = tmp_path / "journal", tmp_path / "cache"
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[3])!r})\n"
        "from redl.data.cache.preparation import prepare\n"
        "from tests.helpers.workers import item, source\n"
        "if __name__ == '__main__':\n"
        f"    wanted = [item(n, journal=Path({str(journal)!r}), slow=True) for n in range(40)]\n"
        f"    prepare(source(*wanted), cache=Path({str(cache)!r}), processes=2)\n"
    )
    run = subprocess.Popen([sys.executable, script])
    while len(made(journal)) < 8 and run.poll() is None:
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.wait()
    wanted = source(*[item(number, journal=journal) for number in range(40)])
    shown = []
    data = open_prepared(prepare(wanted, cache=cache, on_progress=lambda *done: shown.append(done)))
    assert list(range(40)) == data.images[:, 0, 0].tolist()
    assert 5 <= 40 - len(shown) < 40


@pytest.mark.slow
def test_memory_stays_flat_in_the_number_of_images(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import resource, sys\nfrom functools import partial\nfrom pathlib import Path\n"
        "import numpy as np\n"
        "from redl.data.cache.preparation import prepare\n"
        "from redl.data.source import Images, Item, Source\n"
        "if __name__ == '__main__':\n"
        "    count = int(sys.argv[1])\n"
        "    work = partial(Images, np.ones((1, 256, 256), np.uint8))\n"
        "    items = tuple(Item(name='1.png', stamp=str(n), rows=1, work=work) for n in range(count))\n"
        "    subjects = np.arange(count, dtype=np.int32)\n"
        "    source = Source(dataset='ones', image_size=256, items=items, subjects=subjects, options={},\n"
        "                    labels=(subjects % 2).astype(np.uint8), synthetic=True)\n"
        f"    prepare(source, cache=Path({str(tmp_path)!r}), processes=1)\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
    )

    def peak_mib(count):
        run = [sys.executable, script, str(count)]
        return int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)

    # 1800 images more are 113 MiB.
    assert peak_mib(2000) - peak_mib(200) < 20


# What cannot be read


def test_an_unreadable_item_is_kept_out_and_listed(tmp_path):
    wanted = source(*items(), broken(12), *[item(number) for number in range(13, 20)])
    data = open_prepared(prepare(wanted, cache=tmp_path, max_unreadable=0.1))
    assert (
        Named(name="12.dcm", reason="not a DICOM file; download it again"),
    ) == data.origin.findings.unreadable
    assert 12 not in data.subjects
    assert len(wanted.labels) - 1 == len(data.images) == len(data.labels) == len(data.raters)
    assert 1 == data.summary().unreadable


def test_an_item_that_kills_its_decoder_is_kept_out_too(tmp_path):
    wanted = source(*items(), deadly(12))
    (listed,) = open_prepared(prepare(wanted, cache=tmp_path, max_unreadable=0.1)).origin.findings.unreadable
    assert "a decoder dies of it; download it again" == listed.reason


def test_more_unreadable_items_than_allowed_are_an_error_that_names_the_first(tmp_path):
    with pytest.raises(DataError) as caught:
        prepare(source(*items(), broken(12)), cache=tmp_path)
    first = "12.dcm: not a DICOM file; download it again"
    assert f"at least 1 of 13 files cannot be read, more than 1.0%; the first is {first}" == str(caught.value)


def test_none_need_be_allowed_and_all_may_be_but_for_what_the_split_needs(tmp_path):
    with pytest.raises(DataError, match=r"more than 0\.0%"):
        prepare(source(*items(), broken(12)), cache=tmp_path, max_unreadable=0)
    few = source(item(0), *[broken(number) for number in range(1, 6)])
    with pytest.raises(DataError, match=r"too few subjects to split \(1\)"):
        prepare(few, cache=tmp_path, max_unreadable=1)


def test_an_entry_from_a_more_tolerant_run_is_refused_too(tmp_path):
    wanted = source(*items(), broken(12))
    prepare(wanted, cache=tmp_path, max_unreadable=0.1)
    with pytest.raises(DataError, match=r"more than 1\.0%; the first is 12.dcm"):
        prepare(wanted, cache=tmp_path)


def test_too_many_missing_files_are_noticed_before_anything_is_decoded(tmp_path):
    journal = tmp_path / "journal"
    missing = [broken(number, stamp="missing") for number in range(60, 64)]
    with pytest.raises(DataError, match="files cannot be read"):
        prepare(source(*items(60, journal=journal), *missing), cache=tmp_path, processes=1)
    assert len(made(journal)) < 10


def test_too_few_subjects_are_refused_before_an_image_is_made(tmp_path):
    journal = tmp_path / "journal"
    with pytest.raises(DataError, match=r"too few subjects to split \(4\)"):
        prepare(source(*items(4, journal=journal)), cache=tmp_path)
    assert not journal.exists()


def test_unreadable_items_are_found_with_no_cache():
    shown = []
    found = read_through(source(*items(), broken(12), deadly(13)), on_progress=lambda *d: shown.append(d))
    assert ["12.dcm", "13.dcm"] == [one.name for one in found.unreadable]
    assert (14, 14) == shown[-1]
