"""``mingwen log publish``, ``adopt`` and ``key``."""

import base64
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Final

from mingwen import wiring, wiring_log
from mingwen.cli import exits
from mingwen.cli.terminal import clean, complaint, line, object_line, report_error
from mingwen.cli.words import say
from mingwen.domain.errors import MingwenError, Unavailable
from mingwen.ports import LogWorld
from mingwen.proofs import notes
from mingwen.proofs.notes import Checkpoint
from mingwen.services import publishing
from mingwen.wiring import Configuration

RETRY_SECONDS: Final = 1.0
"""So long publishing waits for the outside to come back."""
ATTEST_SECONDS: Final = 10.0
"""So often witnesses are asked while publishing goes on; authorities as ``log.stamp_seconds`` says."""


def run(flags: Mapping[str, object], *, follow: bool, rebuild: bool, as_json: bool) -> int:
    """Publish what waits, or go on publishing."""
    config = wiring.configuration(**flags)
    if made := wiring_log.begin(config):
        complaint(say(config.language, "log-key-made", file=clean(str(made))))
    with closing(wiring_log.log_world(config)) as world:
        if rebuild:
            _rebuilt(world, config.language, as_json=as_json)
        if follow:
            with suppress(KeyboardInterrupt):  # Ctrl-C or SIGTERM: to be told to stop is how it ends well
                _follow(world, config, as_json=as_json)
            return exits.WELL
        return _once(world, config, as_json=as_json)


def _once(world: LogWorld, config: Configuration, *, as_json: bool) -> int:
    done = None
    while published := publishing.publish(world):
        done = published
        _show(notes.parse(published.note.encode()).text, config.language, as_json=as_json)
    settled = publishing.settle(world)
    if not done and not as_json:
        line(say(config.language, "log-nothing", size=settled.size if settled else 0))
    return _attested(world, config)


def _follow(world: LogWorld, config: Configuration, *, as_json: bool) -> None:
    stopped = Event()
    if world.witnesses or world.authorities:
        Thread(target=_attend, args=(config, stopped), daemon=True).start()  # what others are slow at holds up nothing
    try:
        while not stopped.is_set():
            try:
                _run(world, config, stopped, as_json=as_json)
            except Unavailable as e:  # the database restarts, a disk is full: the next step goes on where this one stopped
                report_error(e, language=config.language)
                stopped.wait(RETRY_SECONDS)
    finally:
        stopped.set()


def _run(world: LogWorld, config: Configuration, stopped: Event, *, as_json: bool) -> None:
    for published in publishing.run(world, stopped.wait):
        _show(notes.parse(published.note.encode()).text, config.language, as_json=as_json)
        sys.stdout.flush()  # whoever reads a pipe waits for it


def _attend(config: Configuration, stopped: Event) -> None:
    world = wiring_log.log_world(config)
    while not stopped.wait(ATTEST_SECONDS):
        try:
            _attested(world, config)
        except MingwenError as e:
            report_error(e, language=config.language)


def _attested(world: LogWorld, config: Configuration) -> int:
    failed = publishing.attest(world, stamp_seconds=config.number("log.stamp_seconds"))
    for error in failed:
        report_error(error, language=config.language)
    return max(map(exits.of_error, failed), default=exits.WELL)


def _rebuilt(world: LogWorld, language: str, *, as_json: bool) -> None:
    size = publishing.rebuild(world)
    if as_json:
        object_line({"rebuilt": size})
    else:
        line(say(language, "log-rebuilt", size=size))


def _show(text: str, language: str, *, as_json: bool) -> None:
    checkpoint = notes.parse_checkpoint(text)
    if as_json:
        object_line(_laid_out(checkpoint))
    else:
        line(say(language, "log-published", **_laid_out(checkpoint)))


def _laid_out(checkpoint: Checkpoint) -> dict[str, object]:
    root = base64.b64encode(checkpoint.root).decode()
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": root}


def adopt(flags: Mapping[str, object], *, as_json: bool) -> int:
    """Restore the second place."""
    config = wiring.configuration(**flags)
    with closing(wiring_log.log_world(config)) as world:
        checkpoint = publishing.adopt(world)
    if as_json:
        object_line(_laid_out(checkpoint))
    else:
        line(say(config.language, "log-adopted", size=checkpoint.size))
    return exits.WELL


def new_key(flags: Mapping[str, object], *, kind: str, output: str, as_json: bool) -> int:
    """Make a key in a new file."""
    config = wiring.configuration(**flags)
    wiring_log.new_log_key(Path(output), kind)
    if as_json:
        object_line({"private": output, "kind": kind})
    else:
        line(say(config.language, "log-key-new", file=clean(output)))
    return exits.WELL


def show_keys(flags: Mapping[str, object], *, as_json: bool) -> int:
    """Print verifier keys, one a line."""
    for signer in wiring_log.log_signers(wiring.configuration(**flags)):
        if as_json:
            object_line({"key": str(signer.key), "kind": signer.key.kind.name.lower().replace("_", "-")})
        else:
            line(str(signer.key))
    return exits.WELL
