"""Exit statuses: one place turns what happened into a number."""

from typing import Final

from mingwen.domain.errors import Malformed, MingwenError, Misused, Unavailable
from mingwen.domain.tiers import Tier
from mingwen.domain.verdicts import Verdict

WELL: Final = 0
"""All well: every file compliant, every file labelled."""
FINDING: Final = 1
"""A finding: non-compliant, not found, or the rules refused."""
USAGE: Final = 2
"""The command line or the configuration is wrong."""
UNREADABLE: Final = 3
"""A file could not be read, or not to its end: no format, broken, no permission, inconclusive."""
OUTSIDE: Final = 4
"""The outside failed: a full disk, an output folder, the store."""
INTERRUPTED: Final = 130

MEANING: Final = {
    WELL: "all well",
    FINDING: "a finding: not compliant, no label found, or refused by a rule",
    USAGE: "wrong usage or configuration",
    UNREADABLE: "a file that cannot be read, or not to its end",
    OUTSIDE: "the outside failed: disk, permission to write, store",
    INTERRUPTED: "interrupted",
}

_VERDICTS: Final = {Verdict.COMPLIANT: WELL, Verdict.INCONCLUSIVE: UNREADABLE}


def of_verdict(verdict: Verdict) -> int:
    """Return the status of one verified file."""
    return _VERDICTS.get(verdict, FINDING)


def of_tier(tier: Tier, *, held: bool) -> int:
    """Return the status of one file at the gate: a finding where a person has to decide, unreadable where nothing can be said."""
    if tier is Tier.UNDECIDED:
        return UNREADABLE
    return FINDING if held else WELL


def of_error(error: MingwenError) -> int:
    """Return the status of one failed file."""
    match error:
        case Misused():
            return USAGE
        case Malformed():
            return UNREADABLE
        case Unavailable():
            return UNREADABLE if error.code == "file.unreadable" else OUTSIDE
        case _:
            return FINDING
