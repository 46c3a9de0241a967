"""Show redl on a GPU, in slices of at most eight minutes: `python -m benchmarks.gpu --out=DIR [SLICE ...]`.

It takes torch and timm as the machine has them, the rest from a folder of wheels, and needs no network:

    pip wheel --no-deps -w wheels . bitsandbytes 'carbontracker<2.5' ...
    python -m benchmarks.gpu --wheels=wheels --out=reports/gpu/h100

Without a GPU `--small` runs every slice in small on the CPU, so that nothing but CUDA is untried.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MOST_S = 480  # of a slice
SUBJECTS, ROWS = 400, 512  # of the phantom: 1513 mammograms
SIZES = "--redl-profile=paper --redl-pretrained=no --redl-epochs=3 --redl-learning-rate=1e-4 --redl-seeds=1"
SMALL_SIZES = "--redl-profile=tiny --redl-seeds=1"
SUITE = "benchmarks/test_training.py"
UNITS = ["tests/training", "tests/metering"]  # which know nothing of a GPU
BESIDE = ["-n8", "--benchmark-disable"]  # they measure nothing
PAPER = "(baseline or amp or 8bit or half) and not stable and not bf16"


def slices(*, small: bool) -> dict[str, list[str]]:
    """Return the arguments of pytest for each slice."""
    sizes = (SMALL_SIZES if small else SIZES).split()
    units = ["tests/training/test_precision.py"] if small else UNITS
    return {
        "tests": ["tests/cuda"],
        "loops": ["benchmarks/gpu/test_loops.py"],
        "densenet": [SUITE, *sizes, "-k", f"rsna and densenet and {PAPER}"],
        "budgets": ["benchmarks/test_budget.py", "tests/cuda/test_caps.py", *sizes, *_budgets(small=small)],
        "units": [*units, "-m", "not slow and not faults", *BESIDE],
        "models": [SUITE, *sizes, "-k", "rsna and not densenet and (baseline or half+8bit)"],
    }


def _budgets(*, small: bool) -> list[str]:
    if small:
        return ["--redl-budgets=300MB", "-k", "caps or mlp-baseline"]
    return ["--redl-budgets=4GB,8GB,16GB", "-k", "caps or ((densenet or vit) and (baseline or half+8bit))"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the slices that are named, else all of them; return 1 if one failed or ran out of time."""
    asked = _parser().parse_args(argv)
    end = time.monotonic() + asked.seconds
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        environment = os.environ | _install(asked.wheels, Path(scratch)) | {"REDL_CACHE": scratch}
        every = slices(small=asked.small)
        if not asked.small and not {"densenet", "models"}.isdisjoint(asked.slices or every):
            packed = f"--redl-prepared={_pack(environment, Path(scratch))}"
            every = {name: [*own, packed] if SUITE in own else own for name, own in every.items()}
        failed = [
            name
            for name in asked.slices or every
            if not _passes(
                name, every[name], asked.out, environment, seconds=min(MOST_S, end - time.monotonic())
            )
        ]
    sys.stdout.write(f"failed: {', '.join(failed)}\n" if failed else "every slice passed\n")
    return int(bool(failed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.split("\n\n")[0])
    parser.add_argument("slices", nargs="*", metavar="SLICE", help=f"{', '.join(slices(small=True))}; or all")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of saved runs and of what was printed"
    )
    parser.add_argument(
        "--wheels", type=Path, help="folder of wheels that the machine lacks, with redl's own"
    )
    parser.add_argument(
        "--seconds", type=float, default=7200, help="end all slices after this long, with what they have"
    )
    parser.add_argument("--small", action="store_true", help="sizes for a CPU")
    return parser


def _install(wheels: Path | None, scratch: Path) -> Mapping[str, str]:
    """Install a folder's wheels beside what the machine has; return the variables that let them be found."""
    if wheels is None:
        return {}
    site = scratch / "site"
    files = map(str, sorted(wheels.glob("*.whl")))
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--quiet"]
    command += ["--target", str(site), *files]
    subprocess.run(command, check=True)  # noqa: S603 - our own
    return {"PYTHONPATH": f"{ROOT}{os.pathsep}{site}"}


def _pack(environment: Mapping[str, str], scratch: Path) -> Path:
    """Write a phantom, prepare it and pack it, as a lab brings its data to a cluster."""
    root, packed = scratch / "phantom", scratch / "rsna.zip"
    sizes = f"--subjects {SUBJECTS} --rows {ROWS}".split()
    for task in (
        ["phantom", "--dataset", "rsna", "--root", str(root), *sizes],
        ["pack", "--dataset", "rsna", "--profile", "paper", "--root", str(root), str(packed)],
    ):
        command = [sys.executable, "-m", "redl", "data", *task]
        subprocess.run(command, check=True, env=environment, cwd=ROOT)  # noqa: S603 - our own
    return packed


def _passes(
    name: str, arguments: Sequence[str], out: Path, environment: Mapping[str, str], *, seconds: float
) -> bool:
    """Run a slice, keep its saved run and what it printed, and return whether it passed in time.

    One that takes longer is asked to end, and saves what it has.
    """
    saved = f"--benchmark-json={out.resolve() / f'{name}.json'}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", saved, *arguments]
    began = time.monotonic()
    with (out / f"{name}.txt").open("w+") as text:
        process = subprocess.Popen(  # noqa: S603 - our own
            command, stdout=text, stderr=subprocess.STDOUT, env=environment, cwd=ROOT
        )
        with process:
            try:
                process.wait(max(1.0, seconds))
            except subprocess.TimeoutExpired:
                process.terminate()
        text.seek(0)
        sys.stdout.write(text.read())
    sys.stdout.write(f"{name}: exit status {process.returncode}, {time.monotonic() - began:.0f} s\n")
    return process.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
