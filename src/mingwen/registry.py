"""One file in a family's folder is one member: the only dynamic import in the house.

A family is a package whose modules each define ``MEMBER``. Files that begin with an underscore are
shapes and shared walkers. Strangers add members by an entry point in the group
``mingwen.<family>`` (for example ``mingwen.formats``) that names the member itself.
"""

import importlib
import pkgutil
import threading
from typing import TypeVar

from mingwen.domain.errors import Misused

M = TypeVar("M")

_IMPORTING = threading.RLock()
"""Two threads that import the same C library at once can see half of it."""


def forked() -> None:
    """Take a fresh lock in a child process; the thread that held the old one is not there."""
    global _IMPORTING  # noqa: PLW0603 - a lock cannot be made free again otherwise
    _IMPORTING = threading.RLock()


def members(package: str, shape: type[M]) -> tuple[M, ...]:
    """Return every member in the folder of the family ``package``, in name order.

    Raises:
        Misused: a module defines no ``MEMBER``, or one that is not a ``shape``.
    """
    with _IMPORTING:
        family = importlib.import_module(package)
        names = sorted(m.name for m in pkgutil.iter_modules(family.__path__) if not m.name.startswith("_"))
        return tuple(member(package, name, shape) for name in names)


def strangers(package: str, shape: type[M]) -> tuple[M, ...]:
    """Return the members that other packages add to the family, in the order of their entry points' names.

    Looking for them costs as much as a fifth of a whole run, so a family asks only for what its own members leave.

    Raises:
        Misused: as ``members``.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - see above

    with _IMPORTING:
        points = sorted(entry_points(group=package), key=lambda e: e.name)
        return tuple(_held(e.value, e.load(), shape) for e in points)


def member(package: str, name: str, shape: type[M]) -> M:
    """Return the one member of the family ``package`` that stands in the file ``name``, and import no other.

    Raises:
        Misused: as ``members``.
    """
    origin = f"{package}.{name}"
    with _IMPORTING:
        return _held(origin, getattr(importlib.import_module(origin), "MEMBER", None), shape)


def _held(origin: str, candidate: object, shape: type[M]) -> M:
    if isinstance(candidate, shape):
        return candidate
    raise Misused(
        "registry.no-member",
        f"expected {origin} to define MEMBER as a {shape.__name__}, found {type(candidate).__name__}",
        hint="define MEMBER, or begin the file's name with an underscore",
    )
