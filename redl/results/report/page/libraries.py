"""Libraries of the page: JavaScript of others that comes with redl, with licences and checksums."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import msgspec

_FOLDER = files("redl.results.report.page").joinpath("vendor")
LIST = "vendored.json"


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an npm package, at `path` there, and its licence."""

    name: str
    version: str
    licence: str
    path: str
    file: str
    sha256: str
    licence_file: str
    licence_sha256: str

    @property
    def script(self) -> str:
        """Return the JavaScript."""
        return _text(self.file, self.sha256)

    @property
    def licence_text(self) -> str:
        """Return the licence, which goes wherever the script goes."""
        return _text(self.licence_file, self.licence_sha256)


def libraries() -> list[Library]:
    """Return the libraries in the order in which a page loads them."""
    return msgspec.json.decode(_FOLDER.joinpath(LIST).read_bytes(), type=list[Library])


def _text(name: str, sha256: str) -> str:
    content = _FOLDER.joinpath(name).read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{name} is not the file whose checksum {LIST} has; install redl again")
    return content.decode()
