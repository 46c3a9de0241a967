"""The preflight: models and weights that no case could use are refused before the first case runs.

It runs in a process like a case's, because the parent imports neither torch nor timm.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection

from redl.errors import OptionError, RedlError
from redl.execution.job import RunOptions
from redl.execution.server import fork_server
from redl.parent import end_with_parent
from redl.study.profile import Pretraining

_MOST_BYTES = 2**16
_NEEDS_WEIGHTS = (Pretraining.REQUIRE, Pretraining.PUBLISHED)


def check(options: RunOptions, models: Sequence[str]) -> None:
    """Raise OptionError, in one line, for the first model that could not be trained as the options ask.

    No process is started unless there is doubt: custom models are built and tried, and so is every model if
    the options require pretrained weights or a batch size of 1.
    """
    every = options.profile.pretraining in _NEEDS_WEIGHTS or options.profile.batch_size == 1
    doubtful = [model for model in models if every or model in options.custom_models]
    fault = _ask(options, doubtful) if doubtful else None
    if fault is not None:
        raise OptionError(fault)


def _ask(options: RunOptions, models: Sequence[str]) -> str | None:
    """Try the models in another process; return what is wrong with the first that fails."""
    context = fork_server()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, options, models), daemon=True)
    process.start()
    theirs.close()
    try:
        fault = ours.recv_bytes(_MOST_BYTES).decode()
    except (EOFError, OSError, UnicodeDecodeError):
        return None  # it died or sent junk; the record of the case that does the same will say how
    finally:
        ours.close()
        process.kill()
        process.join()
    return fault or None


def _answer(connection: Connection, options: RunOptions, models: Sequence[str]) -> None:
    """Send what is wrong with the first model that fails, or nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which then ends this process
    end_with_parent()
    faults = (fault for model in models if (fault := _fault_of(options, model)) is not None)
    connection.send_bytes(next(faults, "").encode())


def _fault_of(options: RunOptions, model: str) -> str | None:
    from redl.training.first_pass import try_model  # torch comes with it, which the parent must not import

    profile, custom = options.profile.of(model), options.custom_models.get(model)
    try:
        try_model(model, custom, profile=profile, weights=options.weights)
    except RedlError as error:
        return str(error)
    except Exception as error:  # whatever a custom model raises
        return f"model {model}: {type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
    return None
