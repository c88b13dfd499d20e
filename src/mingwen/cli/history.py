"""``mingwen log`` and ``mingwen log tail``."""

import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from threading import Event
from typing import Final

from mingwen import wire, wiring
from mingwen.cli import exits
from mingwen.cli.terminal import clean, coloured, line, object_line, report_error
from mingwen.cli.words import VERDICTS, say
from mingwen.domain.errors import Unavailable
from mingwen.domain.evidence import Entry
from mingwen.domain.kinds import KINDS
from mingwen.domain.verdicts import Verdict
from mingwen.ports import Ledger, LogWorld

PAUSE_SECONDS: Final = 0.5
"""So often the tail looks for more."""
_AT_ONCE: Final = 1000


def run(flags: Mapping[str, object], *, kind: str | None, subject: str | None, limit: int, as_json: bool) -> int:
    """Show entries, newest first."""
    config = wiring.configuration(**flags)
    store = wiring.store(config)
    for number, entry in store.entries(kind=kind, subject=subject, limit=limit):
        if as_json:
            object_line(wire.entry(number, entry))
        else:
            _print(number, entry, config.language)
    store.close()
    return exits.WELL


def tail(flags: Mapping[str, object], *, limit: int, follow: bool, as_json: bool) -> int:
    """Show published entries, oldest first."""
    from mingwen import wiring_log  # noqa: PLC0415 - the list of a store needs none of it

    config, pause = wiring.configuration(**flags), Event()
    with closing(wiring_log.log_world(config)) as world, suppress(KeyboardInterrupt):  # SIGTERM too: so following ends well
        start = max(0, _signed(world) - limit)
        while True:
            try:
                start = _published(world.ledger, start, _signed(world), config.language, as_json=as_json)
            except Unavailable as e:
                if not follow:
                    raise
                report_error(e, language=config.language)  # the next look may find it well again
            if not follow:
                return exits.WELL
            sys.stdout.flush()  # whoever reads a pipe waits for it
            pause.wait(PAUSE_SECONDS)
    return exits.WELL


def _signed(world: LogWorld) -> int:
    newest = world.archive.newest()
    return newest.size if newest else 0


def _published(ledger: Ledger, start: int, end: int, language: str, *, as_json: bool) -> int:
    """Show what stands at these positions; return how far it went."""
    while start < end and (records := ledger.records(start=start, limit=min(_AT_ONCE, end - start))):
        for record in records:
            if as_json:
                object_line({"position": record.position, **wire.entry(record.number, record.entry)})
            else:
                line(coloured(f"#{record.position}", "dim"))
                _print(record.number, record.entry, language)
        start += len(records)
    return start


def _print(number: int, entry: Entry, language: str) -> None:
    at = entry.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    by = say(language, "log-by", by=clean(entry.by))
    line(f"{coloured(f'{number:6}', 'dim')} {at} {coloured(entry.kind, 'cyan')} {clean(entry.subject)} {by}")
    detail = entry.detail
    if "format" not in detail:  # it is about no file, or that was erased
        kind = KINDS.get(entry.kind)
        name = (kind.zh if language == "zh" else kind.en) if kind else say(language, "log-kind-unknown")
        line(f"       {name}")
        return
    line(f"       {clean(str(detail.get('file')))} ({detail.get('format')}): {clean(_what(entry, language))}")
    delivery = detail.get("delivery")
    if isinstance(delivery, dict):
        words, until = ", ".join(f"{k} {v}" for k, v in delivery.items()), str(detail.get("keep_until"))[:10]
        line("       " + say(language, "log-unmarked", delivery=clean(words), until=clean(until)))


def _what(entry: Entry, language: str) -> str:
    """Say what an entry about a file comes to."""
    if entry.kind == "gate.ruled":
        return say(language, "log-ruled-written" if entry.detail.get("changed") else "log-ruled", tier=entry.detail.get("tier"))
    if told := entry.detail.get("notice"):
        return str(told)
    if verdict := str(entry.detail.get("verdict", "")):
        return VERDICTS["zh"][Verdict(verdict)] if language == "zh" and verdict in set(Verdict) else verdict
    return say(language, "notice-kept" if entry.kind == "label.propagated" else "no-notice")
