"""Laws and standards as duties of a file: one file a regime, found by name."""

from collections.abc import Iterable
from functools import cache

from mingwen.domain.errors import Misused
from mingwen.regimes._shape import Answer, Assessed, Duty, Facts, Met, Need, Regime
from mingwen.registry import members

__all__ = ["Answer", "Assessed", "Duty", "Facts", "Met", "Need", "Regime", "every", "named"]


@cache
def every() -> tuple[Regime, ...]:
    """Return all regimes, in the order of their files' names."""
    return members(__name__, Regime)


def named(names: Iterable[str]) -> tuple[Regime, ...]:
    """Return the regimes of these names, in their order, each once.

    Raises:
        Misused: there is no such regime (``regime.unknown``).
    """
    known = {r.name: r for r in every()}
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise Misused(
                "regime.unknown", f"expected a regime among {', '.join(known)}, got {name!r}", hint="for example cn,eu,us-ca"
            )
    return tuple(known[name] for name in wanted)
