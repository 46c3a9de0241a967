"""Writes that are killed, what they leave in their draft, and pools of processes that are only counted."""

import hashlib
import subprocess
import sys
import time
from pathlib import Path

from redl.data.cache import draft
from redl.data.cache.pool import Died

ROOT = Path(__file__).parents[2]


def contents(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def identities(root: Path) -> dict[str, tuple[int, int]]:
    """Return what shows that an image is still the same file, by its place: its inode and time."""
    stats = {str(file.relative_to(root)): file.stat() for file in root.rglob("*.dcm")}
    return {place: (stat.st_ino, stat.st_mtime_ns) for place, stat in stats.items()}


def finished(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the identities of what the draft in `folder` has finished; what is at work comes and goes."""
    return {place: one for whole in folder.glob("*.draft/whole") for place, one in identities(whole).items()}


def kill_writing(folder: Path, imports: str, call: str, *, after: int) -> dict[str, tuple[int, int]]:
    """Make a call in a process that is killed once `after` images are finished, and return what is then."""
    script = folder / "write.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{imports}\nif __name__ == '__main__':\n    {call}\n"
    )
    with subprocess.Popen([sys.executable, script]) as run:
        until = time.monotonic() + 60
        while run.poll() is None and len(finished(folder)) < after and time.monotonic() < until:
            time.sleep(0.01)
        run.kill()
    time.sleep(1)  # its workers leave with it
    return finished(folder)


def count_pools(monkeypatch) -> list[int]:
    """Let pools run nothing on a machine of 6 processors; return the sizes of those that are started."""
    started = []

    class Counted:
        def __init__(self, processes):
            started.append(processes)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def run(self, tasks):
            return [(key, Died()) for key, _ in tasks]

    monkeypatch.setattr(draft, "Pool", Counted)
    monkeypatch.setattr(draft, "usable_processors", lambda: 6)
    return started
