"""``mingwen log`` and ``mingwen log tail``."""

import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from threading import Event
from typing import Final

from mingwen import wire, wiring
from mingwen.cli import exits
from mingwen.cli.terminal import clean, coloured, line, object_line, report_error
from mingwen.domain.errors import Unavailable
from mingwen.domain.evidence import Entry
from mingwen.domain.kinds import KINDS
from mingwen.ports import Ledger, LogWorld

PAUSE_SECONDS: Final = 0.5
"""So often the tail looks for more."""
_AT_ONCE: Final = 1000


def run(flags: Mapping[str, object], *, kind: str | None, subject: str | None, limit: int, as_json: bool) -> int:
    """Show entries, newest first."""
    store = wiring.store(wiring.configuration(**flags))
    for number, entry in store.entries(kind=kind, subject=subject, limit=limit):
        if as_json:
            object_line(wire.entry(number, entry))
        else:
            _print(number, entry)
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
                start = _published(world.ledger, start, _signed(world), as_json=as_json)
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


def _published(ledger: Ledger, start: int, end: int, *, as_json: bool) -> int:
    """Show what stands at these positions; return how far it went."""
    while start < end and (records := ledger.records(start=start, limit=min(_AT_ONCE, end - start))):
        for record in records:
            if as_json:
                object_line({"position": record.position, **wire.entry(record.number, record.entry)})
            else:
                line(coloured(f"#{record.position}", "dim"))
                _print(record.number, record.entry)
        start += len(records)
    return start


def _print(number: int, entry: Entry) -> None:
    at = entry.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    kept = "explicit labels left as they are" if entry.kind == "label.propagated" else "no explicit label"
    if entry.kind == "gate.ruled":
        kept = f"tier {entry.detail.get('tier')}, {'written' if entry.detail.get('changed') else 'nothing written'}"
    what = entry.detail.get("verdict") or entry.detail.get("notice") or kept
    line(f"{coloured(f'{number:6}', 'dim')} {at} {coloured(entry.kind, 'cyan')} {clean(entry.subject)} by {clean(entry.by)}")
    if "format" not in entry.detail:  # it is about no file, or that was erased
        kind = KINDS.get(entry.kind)
        line(f"       {kind.en if kind else 'a kind that this version does not know'}")
        return
    line(f"       {clean(str(entry.detail.get('file')))} ({entry.detail.get('format')}): {clean(str(what))}")
    delivery = entry.detail.get("delivery")
    if isinstance(delivery, dict):
        words = ", ".join(f"{k} {v}" for k, v in delivery.items())
        line(f"       delivered unmarked: {clean(words)}; kept until {clean(str(entry.detail.get('keep_until')))[:10]}")
