"""The command `redl`: a face, like the pytest plugin, without any logic of the study.

The status is 0 where all is well, 1 where `check` found something wrong, 2 for an option or for data that
cannot be used, and 130 after Ctrl-C. What was asked for is on stdout; progress and errors are on stderr.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

from redl.cli.parser import build_parser
from redl.errors import RedlError

USER_ERROR = 2  # as argparse has it
_UNWRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE}
INTERRUPTED = 130  # as shells have it: 128 and the number of SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; `argv` defaults to the process's own."""
    again = "run it again to start over"
    try:
        arguments = build_parser().parse_args(argv)
        again = arguments.again
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except RedlError as error:
        sys.stderr.write(f"redl: error: {error}\n")
        return USER_ERROR
    except OSError as error:
        if error.errno not in _UNWRITTEN or error.filename is not None:
            raise
        _drop_output()
        sys.stderr.write(f"redl: error: the output cannot be written ({error.strerror}); make room for it\n")
        return USER_ERROR
    except KeyboardInterrupt:
        sys.stderr.write(f"redl: interrupted; {again}\n")
        return INTERRUPTED
    return status


def _drop_output() -> None:
    """Let what could not be written go nowhere; otherwise the interpreter tries again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
