"""Record an act that happened elsewhere: a flag, a ruling, a licence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.domain.errors import Misused
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.kinds import recordable
from mingwen.domain.works import Material
from mingwen.ports import RecordWorld
from mingwen.services import _materials

MOST_FIELDS: Final = 50
MOST_VALUE_CHARS: Final = 1 << 16
_OWN: Final = frozenset({"number", "at", "kind", "subject", "by", "file", "bytes", "sha256", "sm3"})
"""Fields that have a meaning of their own, and an option or a file to say it with."""


@dataclass(frozen=True, slots=True)
class RecordAct:
    """Put an act into the log."""

    kind: str
    """One that is recorded by hand; see ``kinds``."""
    subject: str
    """What it is about: the id that other entries of the same thing have."""
    by: str
    fields: Mapping[str, str]
    file: Material | None = None
    """What it is about, or what it is laid down in."""


def record(world: RecordWorld, command: RecordAct) -> int:
    """Record an act and return its number.

    Raises:
        Misused: the program records this kind itself (``kind.not-by-hand``), nothing is said of what it is about
            (``entry.subject``), or a field is none (``entry.field``).
    """
    kind = recordable(command.kind)
    if not command.subject.strip():
        raise Misused("entry.subject", "expected what the act is about, got nothing", hint="give --subject")
    if len(command.fields) > MOST_FIELDS:
        message = f"expected at most {MOST_FIELDS} fields, got {len(command.fields)}"
        raise Misused("entry.field", message, hint="put them into a file and give that")
    for name, value in command.fields.items():
        if not name or name in _OWN or len(value) > MOST_VALUE_CHARS:
            message = f"expected name=value with a name of its own and at most {MOST_VALUE_CHARS} characters, got {name[:40]!r}"
            raise Misused("entry.field", message, hint=f"these have a meaning already: {', '.join(sorted(_OWN))}")
    entry = Entry(kind.name, command.subject, command.by, world.clock.now(), dict(command.fields) | _file(command.file))
    world.store.save([Outcome(None, (entry,))])
    return next(n for n, e in world.store.entries(kind=entry.kind, subject=entry.subject) if e.at == entry.at)


def material(name: str, source: BinaryIO) -> Material:
    """Return the digests of a file, for an act."""
    return _materials.material(name, source)


def _file(file: Material | None) -> dict[str, object]:
    return {"file": file.name, "bytes": file.size_bytes, "sha256": file.sha256, "sm3": file.sm3} if file else {}
