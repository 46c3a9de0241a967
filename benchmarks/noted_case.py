"""A case that notes in a file how long its training and each of its evaluations took.

It is a separate module because a case's process imports it: pytest's plugins would count as the case's cost.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from redl.execution.worker import OnEpoch, Start, Steps


def start_noted(start: Start, notes: Path, on_epoch: OnEpoch) -> AbstractContextManager[Steps]:
    """Begin a case in which `fit` and `predict` each add a line, their seconds, to `notes`."""
    from redl.execution import run  # torch comes with it, which the parent must not import

    def noted(work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: object, **named: object) -> object:
            began = time.perf_counter()
            try:
                return work(*args, **named)
            finally:
                with notes.open("a") as file:
                    file.write(f"{time.perf_counter() - began}\n")

        return timed

    run.fit, run.predict = noted(run.fit), noted(run.predict)
    return start(on_epoch)
