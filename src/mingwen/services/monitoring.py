"""The verb of a monitor: look at somebody's log, and say whether it still holds what it held before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mingwen.domain.errors import Malformed, Unproven
from mingwen.domain.findings import Finding, Rule, Severity
from mingwen.ports import MonitorWorld
from mingwen.proofs import merkle, notes, tiles
from mingwen.proofs.notes import Checkpoint, Key, Note
from mingwen.proofs.tiles import WIDTH

_CHECKPOINT, _TILES, _NOTE = "c2sp.org/tlog-checkpoint", "c2sp.org/tlog-tiles", "c2sp.org/signed-note"
_E: Final = Severity.ERROR

RULES: Final = {
    r.code: r
    for r in (
        Rule("monitor.nothing", _E, _TILES, "there is no checkpoint", "没有检查点"),
        Rule("monitor.malformed", _E, _CHECKPOINT, "the checkpoint is none: {reason}", "检查点格式有误：{reason}"),
        Rule("monitor.origin", _E, _CHECKPOINT, "expected the log {wanted}, got {got}", "应为日志 {wanted}，实为 {got}"),
        Rule("monitor.unsigned", _E, _NOTE, "the key {key} did not sign the checkpoint", "检查点未由公钥 {key} 签名"),
        Rule("monitor.signature", _E, _NOTE, "the signature of {key} does not hold", "公钥 {key} 的签名无效"),
        Rule(
            "monitor.rollback",
            _E,
            _CHECKPOINT,
            "the log had {before} entries and shows {now} now: entries were taken back, or this is an old copy",
            "日志此前有 {before} 条，现仅示 {now} 条：条目被撤回，或所示为旧副本",
        ),
        Rule(
            "monitor.fork",
            _E,
            _CHECKPOINT,
            "the checkpoints of {before} and of {now} entries are signed both, and none continues the other",
            "{before} 条与 {now} 条的两个检查点均已签名，但互不延续（日志分叉）",
        ),
        Rule(
            "monitor.tiles",
            _E,
            _TILES,
            "the tiles do not lead to the root in the checkpoint of {size} entries",
            "由分片算出的根与 {size} 条的检查点不符",
        ),
        Rule("monitor.missing", _E, _TILES, "{reason}", "分片或条目缺失、残缺：{reason}"),
        Rule("monitor.entry", _E, _TILES, "entry {index} does not hash into its tile", "第 {index} 条与其分片不符"),
        Rule("monitor.witness", _E, "c2sp.org/tlog-cosignature", "{key} did not cosign", "见证方 {key} 未签名"),
    )
}

_ENTRIES: Final = "entries of "
"""Before the origin: how far entries were checked. No origin that is a key's name holds a space."""


@dataclass(frozen=True, slots=True)
class WatchLog:
    """The command."""

    keys: Sequence[Key]
    """Of the log, each of which has to sign; the first one's name is the log's origin."""
    witnesses: Sequence[Key] = ()
    """Who has to have cosigned."""
    entries: bool = False
    """Fetch every entry that was not checked yet, too."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen."""

    log: str
    before: Checkpoint | None
    now: Checkpoint | None
    faults: tuple[Finding, ...] = ()
    witnessed: tuple[tuple[str, int], ...] = ()
    """Names of witnesses and when they signed, in seconds since 1970."""
    entries: int = 0
    """How many were checked this time."""
    evidence: tuple[str, ...] = ()
    """The signed notes that contradict each other."""


def watch(world: MonitorWorld, command: WatchLog) -> Watched:
    """Look at a log once; only what is without fault is remembered as seen.

    Raises:
        Unavailable: the log cannot be reached, or what was seen cannot be kept.
    """
    origin = command.keys[0].name
    kept = world.seen.read(origin)
    before = _checkpoint(kept) if kept else None
    data = world.log.read("checkpoint")
    if data is None:
        return Watched(world.log.name, before, None, (_found("monitor.nothing", "checkpoint"),))
    try:
        note = notes.parse(data)
        now = notes.parse_checkpoint(note.text)
    except Malformed as e:
        return Watched(world.log.name, before, None, (_found("monitor.malformed", "checkpoint", reason=e.message),))
    faults = tuple(_unsigned(note, now, command))
    if not any(f.code in {"monitor.origin", "monitor.unsigned", "monitor.signature"} for f in faults):
        faults += tuple(_changed(world, before, now))
    checked = 0
    if command.entries and not faults:
        checked, wrong = _entries(world, origin, note, now)
        faults += wrong
    if not faults:
        world.seen.swap(origin, kept, str(note))  # who lost it to another monitor looks again the next time
    parted = kept and any(f.code in {"monitor.fork", "monitor.rollback"} for f in faults)
    evidence = (kept or "", str(note)) if parted else ()
    return Watched(world.log.name, before, now, faults, tuple(_witnessed(note, command.witnesses)), checked, evidence)


def _unsigned(note: Note, now: Checkpoint, command: WatchLog) -> Iterator[Finding]:
    """Find whose signature is missing or does not hold."""
    origin = command.keys[0].name
    if now.origin != origin:
        yield _found("monitor.origin", "checkpoint", wanted=origin, got=now.origin)
    for key, missing in [*((k, "monitor.unsigned") for k in command.keys), *((k, "monitor.witness") for k in command.witnesses)]:
        try:
            if not notes.check(note, key):
                yield _found(missing, "checkpoint", key=key.name)
        except Malformed:
            yield _found("monitor.signature", "checkpoint", key=key.name)


def _changed(world: MonitorWorld, before: Checkpoint | None, now: Checkpoint) -> Iterator[Finding]:
    """Find out whether the tree of ``before`` is the beginning of that of ``now``, by the log's own tiles."""
    seen = before or Checkpoint(now.origin, 0, merkle.EMPTY_ROOT)
    sizes = {"before": seen.size, "now": now.size}
    back = now.size < seen.size
    if back:
        yield _found("monitor.rollback", "checkpoint", **sizes)
    if now.size == seen.size and now.root != seen.root:
        yield _found("monitor.fork", "checkpoint", **sizes)
        return
    older, newer = (now, seen) if back else (seen, now)
    node = tiles.node_reader(newer.size, world.log.read)
    try:
        proof = merkle.consistency(older.size, newer.size, node)
        if merkle.root(newer.size, node) != newer.root:
            if not back:  # after a rollback the tiles of the larger tree may be gone
                yield _found("monitor.tiles", "tile", size=newer.size)
        elif not merkle.consistent(older.size, older.root, newer.size, newer.root, proof):
            yield _found("monitor.fork", "checkpoint", **sizes)
    except Unproven as e:
        if not back:
            yield _found("monitor.missing", "tile", reason=e.message)


def _entries(world: MonitorWorld, origin: str, note: Note, now: Checkpoint) -> tuple[int, tuple[Finding, ...]]:
    """Check entries from the last that was checked on: each against its tile, and all of them against the root."""
    kept = world.seen.read(_ENTRIES + origin)
    start = min(_checkpoint(kept).size, now.size) if kept else 0
    node = tiles.node_reader(now.size, world.log.read)
    try:
        edge = merkle.edge(start, node)
        for number in range(start // WIDTH, -(-now.size // WIDTH)):
            first = max(start, number * WIDTH)
            hashes = [merkle.leaf_hash(e) for e in _bundle(world, number, now.size)[first % WIDTH :]]
            for index, leaf in enumerate(hashes, first):
                if leaf != node(0, index):
                    return index - start, (_found("monitor.entry", tiles.bundle_name(number), index=index),)
            edge = edge.grown(hashes)
    except (Unproven, Malformed) as e:
        return 0, (_found("monitor.missing", "tile/entries", reason=e.message),)
    if edge.root != now.root:
        return 0, (_found("monitor.tiles", "tile/0", size=now.size),)
    world.seen.swap(_ENTRIES + origin, kept, str(note))
    return now.size - start, ()


def _bundle(world: MonitorWorld, number: int, size: int) -> list[bytes]:
    """Read a bundle, or as much as is asked for of the full one that came after it."""
    width = min(WIDTH, size - number * WIDTH)
    name = tiles.bundle_name(number, width)
    data, full = world.log.read(name), None
    if data is None and width < WIDTH:
        full = world.log.read(tiles.bundle_name(number))
    entries = tiles.unpacked(full)[:width] if full else tiles.unpacked(data or b"")
    if len(entries) != width:
        hint = "the log does not serve what its checkpoint promises"
        raise Unproven("tile.missing", f"expected {width} entries in {name}, got {len(entries)}", hint=hint)
    return entries


def _witnessed(note: Note, witnesses: Sequence[Key]) -> Iterator[tuple[str, int]]:
    for key in witnesses:
        try:
            held = notes.check(note, key)
        except Malformed:
            continue
        if held and held.at and notes.is_time(held.at):
            yield key.name, held.at


def _found(code: str, place: str, **given: object) -> Finding:
    return Finding(RULES[code], place, tuple((k, str(v)) for k, v in given.items()))


def _checkpoint(note: str) -> Checkpoint:
    return notes.parse_checkpoint(notes.parse(note.encode()).text)
