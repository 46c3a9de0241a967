"""Show that two checkouts train alike: the same losses and the same answers, digit for digit.

    python dev/identity.py ../before . [pytest's own arguments]

Each checkout runs every case of the tiny profile with its own code and an empty cache. The traces of
training and the predictions of all cases are then compared; metrics follow from these. A saved run (a .json)
may stand in for a checkout. The exit status is 0 if all are equal and 1 if any differs: a refactoring has to
end in 0.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SECTIONS = ("parameters", "divergence", "data")
LOSSES = ("epoch", "train_loss", "valid_loss")


def main(before: str, after: str, *arguments: str) -> int:
    """Compare two checkouts and return 0 if they trained alike."""
    old, new = (_traces(_saved(Path(place).resolve(), arguments)) for place in (before, after))
    different = sorted(case for case in old.keys() | new.keys() if old.get(case) != new.get(case))
    for case in different:
        sys.stdout.write(f"different: {case}\n")
    numbers = sum(map(_count, new.values()))
    sys.stdout.write(f"{len(new)} cases, {numbers} numbers compared, {len(different)} cases differ\n")
    return 1 if different or not new else 0


def _saved(place: Path, arguments: tuple[str, ...]) -> dict[str, Any]:
    if place.is_file():
        return dict(json.loads(place.read_text()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        command = [sys.executable, "-m", "pytest", "benchmarks/test_training.py", "--redl-profile=tiny"]
        command += [f"--redl-cache={folder}/cache", f"--benchmark-json={path}", *arguments]
        # Where a case fails the checkouts are compared all the same, so pytest's status does not count.
        subprocess.run(command, cwd=place, env=os.environ | {"PYTHONPATH": str(place)}, check=False)
        return dict(json.loads(path.read_text()))


def _traces(saved: dict[str, Any]) -> dict[str, Any]:
    """Return by case what a run learned and answered, and nothing that differs between equal runs."""
    found: dict[str, Any] = {}
    for benchmark in saved["benchmarks"]:
        record = benchmark["extra_info"]["redl"]
        case = found.setdefault(record["case"]["id"], {})
        case["trace"] = [[epoch[loss] for loss in LOSSES] for epoch in record["training"]["trace"]]
        case |= {section: record[section] for section in SECTIONS}
        if "redl_predictions" in benchmark["extra_info"]:
            case["predictions"] = benchmark["extra_info"]["redl_predictions"]
    return found


def _count(value: object) -> int:
    match value:
        case dict():
            return sum(map(_count, value.values()))
        case list():
            return sum(map(_count, value))
        case _:
            return int(isinstance(value, int | float))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
