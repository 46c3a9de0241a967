"""What pyproject.toml says to redl: the tables below [tool.redl]."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from redl.errors import OptionError


def declared_tables(pyproject: Path) -> dict[str, Any]:
    """Return what is below [tool.redl], empty without a file or a table.

    Raise OptionError for a file that cannot be read, is no TOML, or has something else there.
    """
    try:
        if pyproject.exists() and not (pyproject.is_file() or pyproject.is_dir()):  # e.g. a pipe, which waits
            raise OptionError(f"{pyproject.name}: not a file; replace it")
        document = tomllib.loads(pyproject.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OptionError(f"{pyproject.name}: cannot be read ({error.strerror}); check the file") from None
    except RecursionError:
        raise OptionError(f"{pyproject.name}: not TOML (nested too deep); correct it") from None
    except ValueError as error:  # of TOML, and of its encoding
        raise OptionError(f"{pyproject.name}: not TOML ({error}); correct it") from None
    match document.get("tool", {}):
        case {"redl": dict(tables)}:
            return tables
        case {"redl": _}:
            raise OptionError(f"{pyproject.name}: [tool.redl] must be a table")
        case dict():
            return {}
        case _:
            raise OptionError(f"{pyproject.name}: [tool] must be a table")
