"""The library's verbs: what ``import mingwen`` gives, with paths, bytes or streams and a world made from the configuration."""

import io
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from mingwen import formats, registry, wiring
from mingwen.domain.contents import Delivery, Labelled
from mingwen.domain.errors import Malformed, Misused, Refused, only_ours
from mingwen.domain.findings import Finding
from mingwen.domain.labels import Claim
from mingwen.domain.manifests import MANIFEST_SUFFIX
from mingwen.domain.tiers import Declared, Ruled, changes
from mingwen.domain.verdicts import Report
from mingwen.ports import World
from mingwen.regimes import Assessed
from mingwen.services import labelling, verification
from mingwen.services.labelling import LabelContent, PropagateContent
from mingwen.services.verification import VerifyContent
from mingwen.wiring import Disk, opened, staged, translated

if TYPE_CHECKING:
    from mingwen.services.previewing import Previewed

Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
"""A path, the bytes themselves, or a binary stream (read from its present position to its end)."""
Sink: TypeAlias = str | os.PathLike[str] | BinaryIO

BESIDE: Final = (formats.beside.SUFFIX, MANIFEST_SUFFIX)
"""What is looked for beside a file: a label where the format takes none, and a manifest."""
MAX_BESIDE_BYTES: Final = 64 << 20

_SETTLING = threading.Lock()
"""Threads that come first together settle once: the second must not close the first one's store."""
_settled: dict[int, tuple[wiring.Configuration, World]] = {}
_asked: dict[str, object] = {}
"""What ``configure`` was last given; a forked child settles with the same."""


def _forked() -> None:
    """Give a child locks that no thread holds: the threads that held them stayed behind."""
    global _SETTLING  # noqa: PLW0603 - a lock cannot be made free again otherwise
    _SETTLING = threading.Lock()
    registry.forked()


os.register_at_fork(after_in_child=_forked)


def configure(**settings: object) -> None:
    """Settle the configuration of this process; ``label``, ``propagate`` and ``verify`` use it from then on.

    ``settings`` are the names of the table of settings with underscores for dots (``producer="…"``, ``key_file="…"``,
    ``store_url="sqlite:///…"``); what is not given comes from the environment, the configuration file and the defaults.
    Without a call, the first verb settles it so.

    Raises:
        Misused: an unknown setting or a value out of its range.
        Unavailable: the store, the key or the font cannot be opened.
        Refused: the key file may be read by others.
    """
    with only_ours():
        config = wiring.configuration(**settings)
        wiring.style(config)
        new = wiring.world(config)
        old = _settled.pop(os.getpid(), None)
        if old:
            old[1].store.close()
        _settled[os.getpid()] = (config, new)
        _asked.clear()
        _asked.update(settings)


def settled() -> tuple[wiring.Configuration, World]:
    """Return the configuration and the world of this process; a forked child gets its own, with its own connections."""
    with _SETTLING:
        if os.getpid() not in _settled:
            configure(**dict(_asked))
        return _settled[os.getpid()]


def label(  # noqa: PLR0913 - each is a thing the caller may say of one file
    source: Source,
    sink: Sink | None = None,
    *,
    name: str | None = None,
    explicit: bool = True,
    delivery: Delivery | None = None,
    produce_id: str | None = None,
    claim: Claim | str = Claim.GENERATED,
    key: str | None = None,
    overwrite: bool = False,
    marked: str = "",
    manifest: bool = False,
    regimes: Sequence[str] | None = None,
) -> Labelled:
    """Label a piece of content as its producer: the label people perceive, and the metadata label of GB 45438-2025 Annex E.

    Args:
        source: what to label; it stays as it is.
        sink: where the labelled file goes: a path, which appears at once and whole, or a stream. None: see ``Labelled.data``.
        name: the file's name, where ``source`` is not a path; only text formats need it (``.md``, ``.html``, ``.txt``).
        explicit: False leaves the perceptible label out, which needs a ``delivery`` (Measures Art. 9).
        delivery: to whom, under which agreement and why an unmarked file goes; kept for at least six months.
        produce_id: ProduceID; None takes a fresh UUID.
        claim: the value of ``Label``: "1" is, "2" may be, "3" is suspected to be generated.
        key: idempotency key: the same key again gives the same label and no second entry in the log.
        overwrite: replace the file at ``sink``; it may be ``source`` itself.
        marked: which explicit label the content bears already; none is drawn then.
        manifest: sign a C2PA manifest too, with the setting ``manifest.key``.
        regimes: laws to satisfy ("cn", "eu", "us-ca"); None takes the setting. ``duties`` says what is left open.

    Raises:
        Refused: a label is there already; or no explicit label and no delivery.
        Malformed: the bytes are of no known format, broken, or cut off.
        Unproven: what was written could not be read back; the sink is untouched.
        Unavailable: a file, the disk or the store failed.
        Misused: the sink exists; a wrong setting.
    """
    config, world = settled()
    command = LabelContent(
        name=name or _name(source),
        producer=config.producer,
        style=wiring.style(config) if explicit and not marked else None,
        delivery=delivery,
        produce_id=produce_id,
        claim=claimed(claim),
        key=key,
        marked=marked,
        manifest=manifest,
        regimes=config.texts("regimes") if regimes is None else tuple(regimes),
        system=wiring.system(config),
    )
    with only_ours(), _reading(source) as origin, _writing(sink, overwrite=overwrite) as target:
        made = labelling.label(world, command, source=origin, sink=target, near=_near(source))
        _place(made.beside, sink, overwrite=overwrite)
        return _with_data(made, target, sink)


def propagate(
    source: Source,
    sink: Sink | None = None,
    *,
    name: str | None = None,
    propagate_id: str | None = None,
    key: str | None = None,
    overwrite: bool = False,
) -> Labelled:
    """Add this platform's part to a label that is there: ContentPropagator, PropagateID and ReservedCode2, nothing else.

    Arguments and errors as ``label``; a file without label, or with several, is Refused.
    """
    config, world = settled()
    command = PropagateContent(name or _name(source), config.propagator, propagate_id, key, wiring.system(config))
    with only_ours(), _reading(source) as origin, _writing(sink, overwrite=overwrite) as target:
        made = labelling.propagate(world, command, source=origin, sink=target, near=_near(source))
        _place(made.beside, sink, overwrite=overwrite)
        return _with_data(made, target, sink)


def judge(source: Source, *, name: str | None = None, declared: Declared | str | None = None) -> Ruled:
    """Say what an upload is by Measures Art. 6, and why; nothing is written or recorded.

    Arguments and errors as ``gate``.
    """
    from mingwen.services import gating  # noqa: PLC0415 - who labels as a producer need not wait for it

    config, world = settled()
    command = gating.GateContent(name or _name(source), config.propagator, _declared(declared))
    with only_ours(), _reading(source) as origin:
        return gating.judge(world, command, source=origin, near=_near(source))


def gate(
    source: Source,
    sink: Sink | None = None,
    *,
    name: str | None = None,
    declared: Declared | str | None = None,
    propagate_id: str | None = None,
    overwrite: bool = False,
) -> Ruled:
    """Let an upload through the gate of a platform: rule by Measures Art. 6, add the platform's part of the label, record both.

    Args:
        source: the upload; it stays as it is.
        sink: where the labelled file goes, as in ``label``; None rules and records, and writes nothing.
        name: the file's name, where ``source`` is not a path.
        declared: what the user said: "ai", "not-ai", or None for nothing.
        propagate_id: PropagateID; None keeps the one that the platform gave before, or takes a fresh UUID.
        overwrite: replace the file at ``sink``; it may be ``source`` itself.

    Returns the ruling with its reasons. ``label`` is None where nothing is to be written; ``held`` where a person has to decide
    first: the output is then the source as it came.

    Raises:
        Malformed: the bytes are of no known format.
        Unproven: what was written could not be read back; the sink is untouched.
        Unavailable: a file, the disk or the store failed.
        Misused: the sink exists; a wrong setting.
    """
    from mingwen.services import gating  # noqa: PLC0415 - see judge()

    config, world = settled()
    command = gating.GateContent(
        name or _name(source), config.propagator, _declared(declared), propagate_id, wiring.system(config)
    )
    with only_ours(), _reading(source) as origin:
        near = _near(source)
        ruled = gating.judge(world, command, source=origin, near=near)
        if sink is None or (overwrite and not ruled.is_due and _is_same(source, sink)):
            gating.record(world, [(command, ruled)])
            return ruled
        with _writing(sink, overwrite=overwrite) as target:
            ruled = gating.write(world, command, ruled, source=origin, sink=target, near=near)
            _place(ruled.beside, sink, overwrite=overwrite)
            return ruled


def duties(source: Source, *, name: str | None = None, regimes: Sequence[str] | None = None) -> tuple[Assessed, ...]:
    """Hold a file that is known to be generated to the duties of laws: which are met, which are not, and why. Not legal advice.

    ``regimes`` are their names ("cn", "eu", "us-ca"); None takes the setting.

    Raises:
        Malformed: the bytes are of no known format.
        Misused: there is no such regime.
        Unavailable: the file failed.
    """
    from mingwen.services import assessing  # noqa: PLC0415 - see judge()

    config, world = settled()
    command = assessing.AssessContent(name or _name(source), config.texts("regimes") if regimes is None else tuple(regimes))
    with only_ours(), _reading(source) as origin:
        return assessing.assess(world, command, source=origin, near=_near(source))


def compare(before: Source, after: Source, *, name: str | None = None) -> tuple[Finding, ...]:
    """Report what became of a producer's label between two versions of a file (Measures Art. 10); nothing if it is as it was.

    Raises:
        Malformed: the bytes are of no known format.
        Unavailable: a file failed.
    """
    _, world = settled()
    reports = []
    for source in (before, after):
        command = VerifyContent(name or _name(source))
        with only_ours(), _reading(source) as origin:
            reports.append(verification.examine(world, command, source=origin, near=_near(source)))
    return changes(*reports)


def verify(source: Source, *, name: str | None = None, explicit: bool = False) -> Report:
    """Find and weigh the labels of a file, whoever wrote them; the verdict is recorded in the store.

    Returns a report with ``verdict``, ``labels`` and ``findings``; it never raises for a bad label. ``require(report)`` does.
    ``explicit`` measures the labels that people perceive too (GB 45438-2025 §5): height, place, time; pictures need the setting
    ``gate.recogniser``.

    Raises:
        Malformed: the bytes are of no known format.
        Unavailable: the file or the store failed.
    """
    config, world = settled()
    with only_ours(), _reading(source) as origin:
        command = VerifyContent(name or _name(source), config.producer, explicit)
        return verification.verify(world, command, source=origin, near=_near(source))


def preview(source: Source, sink: Sink | None = None, *, name: str | None = None, overwrite: bool = False) -> "Previewed":
    """Show what ``label`` would draw into a file: as a PNG for pictures, films and sounds, as lines that change for texts.

    Args:
        source: what would be labelled; it stays as it is.
        sink: where the PNG goes, as in ``label``; None: see ``Previewed.picture``.
        name: the file's name, where ``source`` is not a path.
        overwrite: replace the file at ``sink``.

    Raises:
        Refused, Malformed: as ``label``.
        Unavailable: a file failed.
        Misused: the sink exists; a wrong setting.
    """
    from mingwen.services import previewing  # noqa: PLC0415 - see judge()

    config, world = settled()
    command = previewing.PreviewContent(name or _name(source), wiring.style(config))
    with only_ours(), _reading(source) as origin:
        made = previewing.preview(world, command, source=origin)
        if made.picture is not None and sink is not None:
            with _writing(sink, overwrite=overwrite) as target:
                target.write(made.picture)
        return made


@contextmanager
def standard_input() -> Iterator[BinaryIO]:
    """Give standard input as a seekable stream."""
    with open(0, "rb", closefd=False) as stream, _reading(stream) as source:
        yield source


def claimed(value: Claim | str) -> Claim:
    """Take the value of ``Label``.

    Raises:
        Misused: it is none (``label.value``).
    """
    try:
        return Claim(value)
    except ValueError as e:
        raise Misused("label.value", f'expected "1", "2" or "3" for Label, got {value!r}', hint="GB 45438-2025 Annex E c") from e


def _name(source: Source) -> str:
    named = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    return Path(named).name if isinstance(named, str | os.PathLike) else "stream"  # a pipe's name is a number


@contextmanager
def _reading(source: Source) -> Iterator[BinaryIO]:
    """Give a seekable stream that begins with the content."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    elif isinstance(source, str | os.PathLike):
        with opened(source if isinstance(source, Path) else Path(source)) as file:
            yield file
    elif not hasattr(source, "read") or hasattr(source, "encoding"):  # text streams have one
        raise Misused(
            "source.kind", f"expected a path, bytes or a binary stream, got {type(source).__name__}", hint="open files in 'rb'"
        )
    elif hasattr(source, "seekable") and source.seekable() and source.tell() == 0:
        yield source
    else:
        with Disk().scratch() as scratch:
            with translated("read the source", code="file.unreadable"):
                shutil.copyfileobj(source, scratch, 1 << 20)
            scratch.seek(0)  # whoever gets it may hand it on as a stream of its own
            yield scratch


@contextmanager
def _writing(sink: Sink | None, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Give an empty file to write and read back; only when all went well does the sink get it."""
    if isinstance(sink, str | os.PathLike):
        with staged(Path(sink), replace=overwrite) as file:
            yield file
        return
    with Disk().scratch() as scratch:
        yield scratch
        if sink is not None:
            with translated("write the output"):
                scratch.seek(0)
                shutil.copyfileobj(scratch, sink, 1 << 20)
                if hasattr(sink, "flush"):
                    sink.flush()


def near(path: str | os.PathLike[str]) -> dict[str, bytes]:
    """Return what stands beside a file: ``{".xmp": …, ".c2pa": …}``, each where there is one.

    Raises:
        Malformed: it is larger than ``MAX_BESIDE_BYTES`` (``beside.too-large``).
        Unavailable: it cannot be read.
    """
    out = {}
    for suffix in BESIDE:
        neighbour = f"{os.fspath(path)}{suffix}"
        if os.path.exists(neighbour):  # noqa: PTH110 - never raises, whatever the name
            with opened(Path(neighbour)) as file:
                out[suffix] = file.read(MAX_BESIDE_BYTES + 1)
            if len(out[suffix]) > MAX_BESIDE_BYTES:  # half of it must not go beside an output
                raise Malformed(
                    "beside.too-large",
                    f"expected at most {MAX_BESIDE_BYTES} bytes in {neighbour}, found more",
                    hint="it is no label and no manifest that anybody reads; move it away",
                )
    return out


def _is_same(source: Source, sink: Sink) -> bool:
    if not isinstance(source, str | os.PathLike) or not isinstance(sink, str | os.PathLike):
        return False
    return os.path.realpath(source) == os.path.realpath(sink)


def _near(source: Source) -> dict[str, bytes]:
    return near(source) if isinstance(source, str | os.PathLike) else {}


def _place(beside: Mapping[str, bytes], sink: Sink | None, *, overwrite: bool) -> None:
    """Write what has to stand beside a file, before the file itself appears.

    Raises:
        Refused: the sink is a stream, beside which nothing can stand (``beside.stream``).
        Misused: something stands there already (``output.exists``).
    """
    if sink is None:
        return  # the caller takes it from the result
    if not isinstance(sink, str | os.PathLike):
        if beside:
            raise Refused(
                "beside.stream",
                f"expected a file, since {' and '.join(sorted(beside))} has to stand beside it, got a stream",
                hint="give a path as output; or give none, and take data and beside from the result",
            )
        return
    for suffix, data in beside.items():
        neighbour = f"{os.fspath(sink)}{suffix}"
        if os.path.islink(neighbour):  # noqa: PTH114 - never raises; nobody named it, so it must not lead elsewhere
            hint = "put a regular file in its place, or move it away"
            raise Misused("output.kind", f"expected a file at {neighbour}, found a symbolic link", hint=hint)
        with staged(Path(neighbour), replace=overwrite) as file:
            file.write(data)
    _require_no_stranger(Path(f"{os.fspath(sink)}{MANIFEST_SUFFIX}"), beside, overwrite=overwrite)


def _require_no_stranger(manifest: Path, beside: Mapping[str, bytes], *, overwrite: bool) -> None:
    """Let no manifest of an earlier output stand beside the new one, which it would accuse of having been changed."""
    if MANIFEST_SUFFIX in beside or not os.path.lexists(manifest):
        return
    if not overwrite:
        hint = "it belongs to another file of this name: move it away, or --overwrite it with that file"
        raise Misused("output.exists", f"expected no file at {manifest}, found one", hint=hint)
    with translated(f"replace {manifest}"):
        manifest.unlink()


def _declared(value: Declared | str | None) -> Declared | None:
    try:
        return Declared(value) if value is not None else None
    except ValueError as e:
        raise Misused("gate.declared", f'expected "ai" or "not-ai", got {value!r}', hint="Measures Art. 10") from e


def _with_data(made: Labelled, target: BinaryIO, sink: Sink | None) -> Labelled:
    if sink is not None:
        return made
    target.seek(0)
    return replace(made, data=target.read())
