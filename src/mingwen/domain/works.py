"""A work in the making: opened, taken on step by step, closed; every entry names the digest of the one before it.

The log's leaf of an entry is what the next entry names: it commits to every field, and it stands when a field is erased, so that
the chain can be followed after a person's prompt is gone. The digest of the fields themselves would be a copy without salt.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from mingwen.domain.errors import Misused, Refused
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.steps import Act, Doer

OPENED: Final = "work.opened"
STEP: Final = "work.step"
CLOSED: Final = "work.closed"
KINDS: Final = frozenset({OPENED, STEP, CLOSED})
"""Of the entries that are links of the chain; others may be about the same work."""
MOST_TEXT_CHARS: Final = 1 << 20
"""Of a prompt, a note or a statement; ours."""
MOST_FILES: Final = 1000
"""In one step; ours."""
MOST_STEPS: Final = 10_000
"""In one work; ours."""


@dataclass(frozen=True, slots=True)
class Material:
    """A file of which the digests are recorded, not the bytes."""

    name: str
    size_bytes: int
    sha256: str
    """Hexadecimal, as ``sm3``."""
    sm3: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What a work begins with."""

    title: str
    author: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What was done; whatever is empty was not said."""

    act: Act | None = None
    """None goes by what else is there."""
    doer: Doer | None = None
    prompt: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    """JSON values."""
    seed: str = ""
    """A number in decimal: many a seed is beyond what JSON's readers agree on."""
    model: str = ""
    tool: str = ""
    note: str = ""
    files: tuple[Material, ...] = ()
    choices: tuple[Material, ...] = ()
    """What there was to choose from."""
    chosen: Material | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """What a work ends with."""

    files: tuple[Material, ...] = ()
    """The finished work."""
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of a work as it is kept, and the digest that the next one has to name."""

    number: int
    entry: Entry
    digest: str
    """SHA-256 of its leaf, hexadecimal."""
    is_whole: bool = True
    """Does what is kept of it lead to its leaf?"""


@dataclass(frozen=True, slots=True)
class Work:
    """Where a work stands."""

    id: str
    author: str
    ordinal: int
    """Of its newest entry; the opening has 0."""
    digest: str
    """Of its newest entry."""
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a chain that is not as it should be, or can no longer be checked."""

    code: str
    """A key of ``FAULTS``."""
    number: int
    """Of the entry, in the store."""


FAULTS: Final = {
    "work.not-opened": ("does not begin with the opening of the work", "不是以作品立项开始"),
    "work.ordinal": ("does not have the next ordinal", "序号不连续"),
    "work.previous": ("does not name the digest of the entry before it", "与上一条记录的摘要不符"),
    "work.after-close": ("came after the work was closed", "在作品完成之后记录"),
    "work.changed": ("does not lead to its leaf in the log: a field was changed", "与日志中的承诺值不符：有字段被改动"),
    "work.erased": ("cannot be checked: its place in the chain was erased", "无法核对：其次序字段已被删除"),
}


def begin(work_id: str, facts: Opening, *, by: str, now: datetime) -> Outcome[None]:
    """Open a work.

    Raises:
        Misused: it has no title, or a text is too long (``work.title``, ``work.too-long``).
    """
    if not facts.title.strip():
        raise Misused("work.title", "expected a title, got nothing", hint="a few words to know the work by")
    unbegun = Work(work_id, facts.author, -1, "", is_closed=False)
    said = {"title": facts.title, "author": facts.author, "note": facts.note}
    return _outcome(OPENED, unbegun, said, by=by, now=now)


def step(work: Work, facts: Step, *, by: str, now: datetime) -> Outcome[None]:
    """Record a step of an open work.

    Raises:
        Refused: the work is closed (``work.closed``), or has ``MOST_STEPS`` (``work.full``).
        Misused: the step says nothing, or chooses what was not to be chosen from (``work.nothing``, ``work.choice``).
    """
    _require_open(work)
    if work.ordinal >= MOST_STEPS:
        raise Refused("work.full", f"expected at most {MOST_STEPS} steps, got one more", hint="close it, and open a new work")
    said = {
        "prompt": facts.prompt,
        "parameters": dict(facts.parameters),
        "seed": facts.seed,
        "model": facts.model,
        "tool": facts.tool,
        "note": facts.note,
        "files": _materials(facts.files),
        "choices": _materials(facts.choices),
        "chosen": facts.chosen and _material(facts.chosen),
    }
    if not any(said.values()):
        raise Misused("work.nothing", "expected a step that says something, got nothing", hint="give a prompt, a note or files")
    _require_choice(facts)
    detail = {"act": str(facts.act or _implied(facts)), "doer": facts.doer and str(facts.doer), **said}
    return _outcome(STEP, work, detail, by=by, now=now)


def close(work: Work, facts: Closing, *, by: str, now: datetime) -> Outcome[None]:
    """Close a work, for good.

    Raises:
        Refused: it is closed (``work.closed``).
    """
    _require_open(work)
    detail = {"files": _materials(facts.files), "statement": facts.statement}
    return _outcome(CLOSED, work, detail, by=by, now=now)


def standing(work_id: str, links: Sequence[Link]) -> Work:
    """Say where a work stands, by its entries in order of their numbers.

    Raises:
        Misused: there is no such work (``work.unknown``).
    """
    if not links:
        raise Misused("work.unknown", f"expected the id of a work, got {work_id!r}", hint="`mingwen create list` lists them")
    closed = any(link.entry.kind == CLOSED for link in links)
    first, last = links[0].entry.detail, links[-1].entry.detail
    ordinal = last.get("ordinal")  # what came before may have expired, and this been erased
    newest = ordinal if isinstance(ordinal, int) else len(links) - 1
    return Work(work_id, str(first.get("author", "")), newest, links[-1].digest, closed)


def faults(links: Sequence[Link]) -> Iterator[Fault]:
    """Name what is wrong with the chain of a work's entries, which come in order of their numbers."""
    closed = False
    for i, link in enumerate(links):
        code = "work.after-close" if closed else _fault(i, link, links[i - 1] if i else None)
        if code:
            yield Fault(code, link.number)
        closed = closed or link.entry.kind == CLOSED


def _fault(i: int, link: Link, before: Link | None) -> str:
    detail = link.entry.detail
    if not link.is_whole:
        return "work.changed"
    if (link.entry.kind == OPENED) != (before is None):
        return "work.not-opened"
    if "ordinal" not in detail or (before and "previous" not in detail):
        return "work.erased"
    if detail["ordinal"] != i:
        return "work.ordinal"
    return "work.previous" if before and detail["previous"] != before.digest else ""


def _implied(facts: Step) -> Act:
    """Say what a step is by the first thing that it holds."""
    held = (
        (facts.chosen, Act.CHOICE),
        (facts.prompt, Act.PROMPT),
        (facts.parameters or facts.seed, Act.PARAMETERS),
        (facts.files, Act.EDIT if facts.doer is Doer.HUMAN else Act.DRAFT),
    )
    return next((act for there, act in held if there), Act.NOTE)


def _require_open(work: Work) -> None:
    if work.is_closed:
        raise Refused("work.closed", f"expected an open work, {work.id} is closed", hint="open a new work for what comes after")


def _require_choice(facts: Step) -> None:
    """A choice shows what was passed over too; of one thing there is none."""
    if facts.chosen is None and not facts.choices:
        return
    if facts.chosen is None or facts.chosen.sha256 not in {m.sha256 for m in facts.choices} or len(facts.choices) < 2:  # noqa: PLR2004
        raise Misused(
            "work.choice",
            "expected a file that was chosen, and at least two it was chosen from, itself among them",
            hint="for example --chose b.png --from a.png --from b.png",
        )


def _material(material: Material) -> dict[str, object]:
    return {"name": material.name, "bytes": material.size_bytes, "sha256": material.sha256, "sm3": material.sm3}


def _materials(materials: Sequence[Material]) -> list[dict[str, object]]:
    if len(materials) > MOST_FILES:
        raise Misused("work.too-many", f"expected at most {MOST_FILES} files, got {len(materials)}", hint="take several steps")
    return [_material(m) for m in materials]


def _outcome(kind: str, work: Work, said: Mapping[str, object], *, by: str, now: datetime) -> Outcome[None]:
    for name, value in said.items():
        if isinstance(value, str) and len(value) > MOST_TEXT_CHARS:
            message = f"expected at most {MOST_TEXT_CHARS} characters for {name}, got {len(value)}"
            raise Misused("work.too-long", message, hint="keep it in a file, and record the file")
    ordinal = work.ordinal + 1
    place = {"ordinal": ordinal} | ({"previous": work.digest} if ordinal else {})
    detail = {name: value for name, value in said.items() if value not in ("", None, [], {})}
    return Outcome(None, (Entry(kind, work.id, by, now, place | detail),))
