"""How long entries are kept: never shorter than a law wants, never longer than was set for them, and while a hold stands.

A law's period is a least: nothing goes because it ended. What lets an entry expire is a period that somebody set for its kind.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mingwen.domain.errors import Misused, Refused
from mingwen.domain.evidence import Entry, Hold, Outcome
from mingwen.domain.kinds import KINDS

MOST_DAYS: Final = 36_500
"""A hundred years; ours."""


@dataclass(frozen=True, slots=True)
class Least:
    """What a law wants kept, and how long at least."""

    kind: str
    days: int
    clause: str
    """With the grade of its source, as ``Duty.article``."""
    having: str = ""
    """The field by which the entries that it means are known; empty for all of the kind."""

    def means(self, entry: Entry) -> bool:
        """Say whether an entry is one of those."""
        return entry.kind == self.kind and (not self.having or self.having in entry.detail)


@dataclass(frozen=True, slots=True)
class Policy:
    """What was set, and what the law says."""

    periods: Mapping[str, int]
    """Days by kind."""
    leasts: tuple[Least, ...]


def policy(texts: Iterable[str], leasts: Iterable[Least]) -> Policy:
    """Read periods that somebody set: ``kind=days`` each.

    Raises:
        Misused: another form, or no such kind (``retention.period``).
        Refused: a law wants it kept for longer (``retention.least``).
    """
    out: dict[str, int] = {}
    leasts = tuple(leasts)
    for text in texts:
        kind, _, days = text.partition("=")
        if kind not in KINDS or not days.isdecimal() or not 0 < int(days[:9]) <= MOST_DAYS:
            hint = f"for example verdict.given=365; kinds: {', '.join(KINDS)}"
            raise Misused("retention.period", f"expected KIND=DAYS with 1 to {MOST_DAYS} days, got {text!r}", hint=hint)
        out[kind] = int(days)
    for least in leasts:
        if least.kind in out and out[least.kind] < least.days:
            raise Refused(
                "retention.least",
                f"expected at least {least.days} days for {least.kind}, got {out[least.kind]} ({least.clause})",
                hint="set a longer period in retention.periods, or none to keep them until you do",
            )
    return Policy(out, leasts)


def kept_until(entry: Entry, leasts: Iterable[Least]) -> tuple[datetime, str] | None:
    """Return until when the law wants an entry kept, and which clause; None where no law that is known speaks of it."""
    ends = [(entry.at + timedelta(days=least.days), least.clause) for least in leasts if least.means(entry)]
    said = entry.detail.get("keep_until")  # what was promised when it was made, whatever is configured now
    if isinstance(said, str):
        ends.append((datetime.fromisoformat(said), "as it says itself"))
    return max(ends, default=None)


def is_due(entry: Entry, rules: Policy, *, now: datetime) -> bool:
    """Say whether the period that was set for an entry ended, and every law's too."""
    days = rules.periods.get(entry.kind)
    if days is None or entry.at + timedelta(days=days) > now:
        return False
    least = kept_until(entry, rules.leasts)
    return least is None or least[0] <= now


def covering(holds: Iterable[Hold], number: int, entry: Entry) -> tuple[Hold, ...]:
    """Return the holds on an entry: on its number, or on what it is about."""
    return tuple(h for h in holds if h.subject in {str(number), entry.subject})


def require_free(number: int, entry: Entry, holds: Iterable[Hold]) -> None:
    """Go on only if no hold covers an entry.

    Raises:
        Refused: one does (``retention.held``).
    """
    if standing := covering(holds, number, entry):
        raise Refused(
            "retention.held",
            f"expected no hold on entry {number}, found {', '.join(h.id for h in standing)}",
            hint="`mingwen retention release` ends a hold when its reason is gone; there is no exception before",
        )


def require_erasable(number: int, entry: Entry, *, holds: Iterable[Hold], leasts: Iterable[Least], now: datetime) -> None:
    """Go on only if an entry may be erased, in part or whole.

    Raises:
        Refused: a hold covers it (``retention.held``), or a law wants it kept (``retention.kept``).
    """
    require_free(number, entry, holds)
    least = kept_until(entry, leasts)
    if least and least[0] > now:
        raise Refused(
            "retention.kept",
            f"expected an entry that may go, but {number} has to be kept until {least[0]:%Y-%m-%d} ({least[1]})",
            hint="ask again then",
        )


def place(hold_id: str, subject: str, *, reason: str, by: str, now: datetime) -> Outcome[Hold]:
    """Hold back every erasure of what ``subject`` names: what entries are about, or an entry's number.

    Raises:
        Misused: it names nothing, or gives no reason (``hold.empty``).
    """
    if not subject.strip() or not reason.strip():
        raise Misused(
            "hold.empty", "expected a subject and a reason, got less", hint="for example --subject 12 --reason 'case 7'"
        )
    hold = Hold(hold_id, subject, reason, by, now)
    return Outcome(hold, (Entry("hold.placed", subject, by, now, {"hold": hold_id, "reason": reason}),))


def release(hold: Hold, *, reason: str, by: str, now: datetime) -> Outcome[None]:
    """End a hold.

    Raises:
        Misused: no reason is given (``hold.empty``).
    """
    if not reason.strip():
        raise Misused("hold.empty", "expected a reason, got nothing", hint="for example --reason 'judgment of 3 May is final'")
    return Outcome(None, (Entry("hold.released", hold.subject, by, now, {"hold": hold.id, "reason": reason}),))


def erased(number: int, entry: Entry, names: Sequence[str], *, reason: str, by: str, now: datetime) -> Outcome[None]:
    """Tell that fields of an entry go: which entry by its number, not what it was about.

    Raises:
        Misused: no reason is given, or it has no such field (``erasure.empty``, ``erasure.field``).
    """
    if not reason.strip():
        raise Misused("erasure.empty", "expected a reason, got nothing", hint="for example --reason 'request of 3 May'")
    if unknown := sorted(set(names) - fields(entry)):
        message = f"expected fields of entry {number}, got {', '.join(unknown)}"
        raise Misused("erasure.field", message, hint=f"it has: {', '.join(sorted(fields(entry))) or 'none that are left'}")
    detail = {"of": entry.kind, "fields": sorted(names), "reason": reason}
    return Outcome(None, (Entry("entry.erased", str(number), by, now, detail),))


def fields(entry: Entry) -> frozenset[str]:
    """Return the names of what is there to erase."""
    values = {"subject": entry.subject, "by": entry.by, **entry.detail}
    return frozenset(name for name, value in values.items() if value not in ("", None))


def personal(entry: Entry) -> frozenset[str]:
    """Return those of them that may tell of persons; of a kind that the table does not know, all."""
    kind = KINDS.get(entry.kind)
    return kind.of_persons(fields(entry)) if kind else fields(entry)


def expired(kind: str, numbers: Sequence[int], days: int, *, by: str, now: datetime) -> Outcome[None]:
    """Tell that entries of a kind go since the period of so many days ended."""
    detail = {"count": len(numbers), "entries": ranges(numbers), "days": days}
    return Outcome(None, (Entry("entries.expired", kind, by, now, detail),))


def ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Write ascending numbers as ranges, both ends included: ``[[1, 3], [7, 7]]``."""
    out: list[list[int]] = []
    for number in numbers:
        if out and out[-1][1] == number - 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return out
