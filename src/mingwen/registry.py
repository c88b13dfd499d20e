"""One file in a family's folder is one member: the only dynamic import in the house.

A family is a package whose modules each define ``MEMBER``. Files that begin with an underscore are
shapes and shared walkers. Strangers add members by an entry point in the group
``mingwen.<family>`` (for example ``mingwen.formats``) that names the member itself.
"""

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from typing import TypeVar

from mingwen.domain.errors import Misused

M = TypeVar("M")


@cache
def members(package: str, shape: type[M]) -> tuple[M, ...]:
    """Return every member of the family ``package``, in name order, those of strangers last.

    Raises:
        Misused: a module defines no ``MEMBER``, or one that is not a ``shape``.
    """
    family = importlib.import_module(package)
    names = sorted(m.name for m in pkgutil.iter_modules(family.__path__) if not m.name.startswith("_"))
    found = [(f"{package}.{n}", getattr(importlib.import_module(f"{package}.{n}"), "MEMBER", None)) for n in names]
    found += [(e.value, e.load()) for e in sorted(entry_points(group=package), key=lambda e: e.name)]
    out: list[M] = []
    for origin, member in found:
        if not isinstance(member, shape):
            raise Misused(
                "registry.no-member",
                f"expected {origin} to define MEMBER as a {shape.__name__}, found {type(member).__name__}",
                hint="define MEMBER, or begin the file's name with an underscore",
            )
        out.append(member)
    return tuple(out)
