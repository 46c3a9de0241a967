"""The cluster: a Dask scheduler, and those of its workers that a run may use, which must be alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dask
import msgspec
from distributed import Client, Security

from redl.errors import OptionError, RedlError
from redl.execution.stamp import Value, environment_here
from redl.fleet.dask_worker import StopPlugin, hello
from redl.fleet.messages import Hello
from redl.fleet.seat import device_words, overlap
from redl.record.placement import HERE, Placement
from redl.record.strict import decode

OPTION = "--redl-dask"

_CONNECT_S = 10.0
_FIRST_WORKER_S = 30.0
_LOOPBACK = re.compile(r"(tcp://)?(127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)(:\d+)?")
_AS_HERE = ("redl", "python")  # what a task is pickled by


class Cluster:
    """A scheduler with its workers; raise OptionError if it cannot be used, or has none that can.

    Only workers of one kind are used, because figures of different ones are not compared. Without leave to
    `share`, none of them may have a GPU or processor of another.
    """

    def __init__(self, address: str, *, share: bool) -> None:
        check_private(address, OPTION)
        _check_certificate(address)
        self._share = share
        self._hellos: dict[str, Hello] = {}
        self._environment: dict[str, Value] = {}  # of the first worker, whose like all others must be
        self._nodes: list[str] = []
        self.refused: dict[str, str] = {}
        try:
            self.client = Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            why = next(iter(str(error).splitlines()), "")
            raise OptionError(
                f"{OPTION} {address}: no scheduler answers ({why}); start `dask scheduler`"
            ) from None
        try:
            self._begin(address)
        except BaseException:
            self.client.close()
            raise

    def workers(self) -> tuple[str, ...]:
        """Return the addresses of the workers that can be used now; raise OSError without a scheduler."""
        there: Mapping[str, int] = self.client.nthreads()
        self._hellos = {address: found for address, found in self._hellos.items() if address in there}
        new = [one for one in there if one not in self._hellos and one not in self.refused]
        for address, found in self._ask(new).items():
            if fault := self._fault(found):
                self.refused[address] = fault
            else:
                assert isinstance(found, Hello), "others are a fault"
                self._hellos[address] = found
                self._environment = self._environment or found.environment
        return tuple(self._hellos)

    def environment(self) -> dict[str, Value]:
        """Return the machine and software as each of the workers sees them."""
        return self._environment

    def placement(self, address: str) -> Placement:
        """Return where and beside what a case of a worker runs."""
        own = self._hellos[address]
        beside = [one.seat for one in self._hellos.values() if one.node == own.node]
        if own.node not in self._nodes:
            self._nodes.append(own.node)
        return msgspec.structs.replace(
            HERE,
            engine="dask",
            node=f"node {self._nodes.index(own.node) + 1}",
            device=device_words(own.seat, beside),
            neighbours=len(beside) - 1,
            shared=self._share,
        )

    def _begin(self, address: str) -> None:
        where = f"{OPTION} {address}"
        try:
            self.client.wait_for_workers(1, timeout=_FIRST_WORKER_S)
        except TimeoutError:
            raise OptionError(
                f"{where}: no worker has joined it; start some by `redl workers {address}`, which an "
                "allocation of nodes does not do by itself"
            ) from None
        try:
            self.client.register_plugin(StopPlugin())
        except ImportError:
            raise OptionError(
                f"{where}: its workers have no redl; install redl[dask] where they run"
            ) from None
        self.workers()
        if self.refused:
            raise OptionError(f"{where}: {next(iter(self.refused.values()))}")

    def _ask(self, addresses: Sequence[str]) -> dict[str, Hello | Exception]:
        if not addresses:
            return {}
        found = self.client.run(hello, workers=list(addresses), on_error="return")
        return {
            address: answer if isinstance(answer, Exception) else decode(answer, Hello, "the worker's hello")
            for address, answer in found.items()
        }

    def _fault(self, found: Hello | Exception) -> str | None:
        """Return why a worker cannot be used."""
        if isinstance(found, RedlError):
            return str(found)
        if isinstance(found, Exception):
            return f"a worker cannot be used ({type(found).__name__}); install redl[dask] where it runs"
        return next(self._faults(found), None)

    def _faults(self, found: Hello) -> Iterator[str]:
        if found.threads != 1:
            yield f"a worker has {found.threads} threads, and would run as many cases; give it --nthreads 1"
        here = environment_here()
        for name in _AS_HERE:
            if found.environment.get(name) != here[name]:
                theirs = found.environment.get(name)
                yield f"a worker has {name} {theirs}, and this run {here[name]}; install the same there"
        for name in sorted(self._environment):
            if found.environment.get(name) != self._environment[name]:
                yield (
                    f"its workers differ ({name}), and cases of different ones are not compared; run each "
                    "kind by itself, then `redl merge`"
                )
        for other in self._hellos.values():
            if not self._share and other.node == found.node and overlap(other.seat, found.seat):
                yield (
                    "two of its workers have the same GPU or processors, and would disturb each other's "
                    "figures; start them by `redl workers`, or allow it by --redl-share, which marks figures"
                )


def _check_certificate(address: str) -> None:
    """Raise OptionError where an address needs a certificate, and Dask's settings name none of any use."""
    if not address.startswith("tls://"):
        return
    try:
        found = Security().get_connection_args("client").get("ssl_context")
    except OSError as error:  # ssl's own errors are some
        raise OptionError(f"{OPTION} {address}: its certificate cannot be used ({error})") from None
    if found is None:
        raise OptionError(
            f"{OPTION} {address}: no certificate; name the files by DASK_DISTRIBUTED__COMM__TLS__CA_FILE, "
            "..._TLS__CLIENT__CERT and ..._TLS__CLIENT__KEY"
        )


def check_private(address: str, option: str) -> None:
    """Raise OptionError for a scheduler that anybody in the network could make run code.

    Loopback and TLS are private; so is what Dask's own setting allows, `distributed.comm.require-encryption`
    set to false.
    """
    allowed: Any = dask.config.get("distributed.comm.require-encryption", None)
    if _LOOPBACK.fullmatch(address) or address.startswith("tls://") or allowed is False:
        return
    raise OptionError(
        f"{option} {address}: whoever reaches this scheduler can run code there; use tls://, or a tunnel to "
        "127.0.0.1, or say that the network is yours alone by "
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION=False"
    )
