"""Machines: whether records come from one machine and its software, so that their figures can be compared.

That is a part of the fingerprint, which also covers the data and the sizes of a model, by which the cases of
one run differ, and whether the images fitted into the memory that was free on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterable

from redl.record import INCIDENTAL, Record

Machine = tuple[tuple[str, str | int | None], ...]

_NOT_OF_MACHINE = INCIDENTAL | {"fingerprint"}


def machine_of(record: Record) -> Machine:
    """Return all that a record says of its machine and software, as far as figures depend on it."""
    known = (record.environment or {}).items()
    return tuple(sorted((name, value) for name, value in known if name not in _NOT_OF_MACHINE))


def machines_of(records: Iterable[Record]) -> frozenset[Machine]:
    """Return the machines of records; those that ended early have no figures and so need none."""
    return frozenset(machine_of(record) for record in records if record.environment is not None)


def same_machine(*records: Record) -> bool:
    """Return whether records were made on one machine with one software."""
    return len(machines_of(records)) <= 1


def apart_words(records: Iterable[Record]) -> str:
    """Return by what the machines of records differ, e.g. `cpu, usable_cores`; empty if they do not."""
    machines = [dict(machine) for machine in sorted(machines_of(records), key=repr)]
    names = dict.fromkeys(name for machine in machines for name in machine)
    return ", ".join(name for name in names if len({machine.get(name) for machine in machines}) > 1)
