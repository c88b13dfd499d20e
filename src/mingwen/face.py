"""The library's verbs: what ``import mingwen`` gives, with paths, bytes or streams and a world made from the configuration."""

import io
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeAlias

from mingwen import registry, wiring
from mingwen.domain.contents import Delivery, Labelled
from mingwen.domain.errors import Misused, only_ours
from mingwen.domain.labels import Claim
from mingwen.domain.verdicts import Report
from mingwen.ports import World
from mingwen.services import labelling, verification
from mingwen.services.labelling import LabelContent, PropagateContent
from mingwen.services.verification import VerifyContent
from mingwen.wiring import Disk, opened, staged, translated

Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
"""A path, the bytes themselves, or a binary stream (read from its present position to its end)."""
Sink: TypeAlias = str | os.PathLike[str] | BinaryIO

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
        style=wiring.style(config) if explicit else None,
        delivery=delivery,
        produce_id=produce_id,
        claim=_claim(claim),
        key=key,
    )
    with only_ours(), _reading(source) as origin, _writing(sink, overwrite=overwrite) as target:
        return _with_data(labelling.label(world, command, source=origin, sink=target), target, sink)


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
    command = PropagateContent(name or _name(source), config.propagator, propagate_id, key)
    with only_ours(), _reading(source) as origin, _writing(sink, overwrite=overwrite) as target:
        return _with_data(labelling.propagate(world, command, source=origin, sink=target), target, sink)


def verify(source: Source, *, name: str | None = None) -> Report:
    """Find and weigh the labels of a file, whoever wrote them; the verdict is recorded in the store.

    Returns a report with ``verdict``, ``labels`` and ``findings``; it never raises for a bad label. ``require(report)`` does.

    Raises:
        Malformed: the bytes are of no known format.
        Unavailable: the file or the store failed.
    """
    config, world = settled()
    with only_ours(), _reading(source) as origin:
        return verification.verify(world, VerifyContent(name or _name(source), config.producer), source=origin)


@contextmanager
def standard_input() -> Iterator[BinaryIO]:
    """Give standard input as a seekable stream."""
    with open(0, "rb", closefd=False) as stream, _reading(stream) as source:
        yield source


def _claim(value: Claim | str) -> Claim:
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
        with opened(Path(source)) as file:
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


def _with_data(made: Labelled, target: BinaryIO, sink: Sink | None) -> Labelled:
    if sink is not None:
        return made
    target.seek(0)
    return replace(made, data=target.read())
