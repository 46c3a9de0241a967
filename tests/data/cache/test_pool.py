"""A pool brings every item's images once, and outlives the death of its workers."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from redl.data.cache.pool import Died, Pool
from redl.errors import DataError
from tests.helpers.workers import broken, deadly, die, item, refuse


def work_through(*items, processes=2):
    with Pool(processes) as pool:
        return dict(pool.work_through(enumerate(items)))


def test_every_item_is_made_once_with_its_number():
    made = work_through(*[item(number, rows=number % 3 + 1) for number in range(30)])
    assert {number: number % 3 + 1 for number in range(30)} == {n: len(one.images) for n, one in made.items()}
    assert all(one.images[0, 0, 0] == number for number, one in made.items())


def test_an_item_that_is_refused_brings_its_reason():
    made = work_through(item(0), broken(1), item(2))
    assert "1.dcm: not a DICOM file; download it again" == str(made[1])
    assert isinstance(made[1], DataError)


def test_an_item_that_kills_its_worker_is_found_out_and_the_others_are_made():
    made = work_through(*[deadly(n) if n in {3, 11} else item(n) for n in range(20)])
    died = [number for number, images in made.items() if isinstance(images, DataError)]
    assert [3, 11] == sorted(died)
    assert "3.dcm: a decoder dies of it; download it again" == str(made[3])
    assert 20 == len(made)


def test_one_worker_is_enough():
    made = work_through(deadly(0), item(1), processes=1)
    assert isinstance(made[0], DataError)
    assert 1 == made[1].images[0, 0, 0]


def test_items_are_handed_out_a_few_at_a_time():
    handed_out = []

    def items():
        for number in range(100):
            handed_out.append(number)
            yield number, item(number)

    with Pool(1) as pool:
        next(pool.work_through(items()))
        assert len(handed_out) < 10


def test_a_bug_of_redl_is_not_taken_for_bad_data():
    wrong = item(0, rows=2)
    short = type(wrong)(name="0.dcm", stamp="0", rows=3, work=wrong.work)
    with pytest.raises(AssertionError, match=r"0.dcm: 2 images, not 3"):
        work_through(short)


def test_a_script_that_cannot_be_imported_is_refused_with_the_remedy(tmp_path):
    script = "from redl.data.cache.pool import Pool\nfrom tests.helpers.workers import item\n"
    script += "with Pool(1) as pool: list(pool.work_through([(0, item(0))]))\n"
    done = subprocess.run(
        [sys.executable, "-"], input=script, capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert "redl.errors.RedlError: no worker process can start: run a file that begins" in done.stderr


# Any other task


def run(*tasks):
    with Pool(2) as pool:
        return list(pool.run(tasks))


def test_each_task_is_run_once_under_its_key():
    assert [("big", 9), ("small", 3)] == sorted(
        run(("small", partial(max, 2, 3)), ("big", partial(max, 9, 8)))
    )


def test_keys_need_be_neither_unique_nor_hashable():
    assert [([], 3), ([], 4)] == sorted(run(([], partial(max, 2, 3)), ([], partial(max, 4, 3))))


def test_a_task_that_kills_its_process_is_reported_and_the_others_are_run():
    results = dict(run((1, partial(max, 2, 3)), (2, die), (3, partial(max, 4, 3))))
    assert isinstance(results.pop(2), Died)
    assert {1: 3, 3: 4} == results


def test_what_a_task_raises_is_raised():
    with pytest.raises(DataError, match=r"^a.dcm: not a DICOM file"):
        run((1, partial(refuse, "a.dcm")))


# Processes that come and go


@pytest.mark.parametrize("after_s", [0.1, 0.4, 1.5])  # from when the workers start to when they work
def test_ctrl_c_reaches_no_worker(tmp_path, after_s):
    """A terminal sends it to the whole group, at any time; only the parent answers."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import signal, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[3])!r})\n"
        "from redl.data.cache.pool import Pool\n"
        "from tests.helpers.workers import item\n"
        "if __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background\n"
        "    print('began', flush=True)\n"
        "    try:\n"
        "        with Pool(2) as pool:\n"
        "            list(pool.work_through(enumerate(item(n, slow=True) for n in range(1000))))\n"
        "    except KeyboardInterrupt:\n"
        "        print('answered')\n"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, script], **pipes, process_group=0) as run:
        run.stdout.readline()
        time.sleep(after_s)
        os.killpg(run.pid, signal.SIGINT)
        try:
            assert ("answered\n", "") == run.communicate(timeout=60)
        finally:
            run.kill()


def test_workers_leave_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import multiprocessing, os, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[3])!r})\n"
        "from redl.data.cache.pool import Pool\n"
        "from tests.helpers.workers import item\n"
        "if __name__ == '__main__':\n"
        "    with Pool(2) as pool:\n"
        "        for _ in pool.work_through(enumerate(item(n, slow=True) for n in range(1000))):\n"
        "            print(*[child.pid for child in multiprocessing.active_children()], flush=True)\n"
    )
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 2
    while (alive := [pid for pid in workers if running(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert 2 == len(workers)
    assert [] == alive


def running(pid: int) -> bool:
    try:
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return False


def test_a_closed_pool_leaves_no_process():
    work_through(item(0))
    assert [] == multiprocessing.active_children()
