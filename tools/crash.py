"""Prove that the log survives crashes; called by `make crash` (half an hour).

python -m tools.crash [--kills N] [--seed S] [--write]

Kills of processes and of the PostgreSQL server at random moments (crash_kills.py), deaths between any two calls of a
publisher (crash_points.py), losses of power at each recorded call (crash_power.py), disks that are full, read-only or put
back (crash_disks.py). Files are where TMPDIR says: what a kill leaves is in memory on any file system. After each, everything
starts again without a hand and is asked everything (crash_place.py): the first promise that is broken ends the run with what
was broken. --write puts the figures into docs/reference/crashes.md.
"""

import argparse
import os
import platform
import re
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tools import crash_disks, crash_kills, crash_points, crash_power
from tools.crash_kills import Tally
from tools.crash_server import Server
from tools.crash_workers import MOST_SAVED, PHASES

T = TypeVar("T")
PAGE = Path(__file__).parents[1] / "docs/reference/crashes.md"
KILLS = 1000
SEED = 20261122

LOSSES = 1000
"""So many moments and ways of losing power are drawn."""
_PATH = re.compile(r"/\S*/(state|log|second)\b")

_PAGE = """# Crashes on record

{machine} Written by `make crash`, seed {seed}, in {minutes:.0f} minutes. The first broken promise ends the run, so every figure
is of crashes after which all of this held:

- No entry is lost whose `save` had returned; each save is there whole or not at all, and none twice.
- Positions are contiguous, every entry gets one, and none that was given changes.
- Every checkpoint that an observer ever saw as the object `checkpoint` is signed, is the root of the first entries in the store
  (computed by pymerkle), and grew into the newest one (proofs from the published tiles by tlog-scales). At the moment it
  appeared, its tiles led to its root.
- Publishing goes on with nobody's help, `mingwen audit` finds nothing, and new entries are published too.

## Kills at random moments

Appenders (saves of 1 to {batch} acts), one or two `mingwen log publish --follow`, and in part of the rounds somebody who writes
all tiles anew, are killed with SIGKILL one after the other, and partly started again beside those that live. They are forked
from a process that has imported everything; what one was doing is read from a byte that it leaves in a file. Half of the
publishers are killed at a random moment; the other half when that byte says what was drawn before, as the short steps are
seldom met by chance.

| killed while | SQLite | PostgreSQL |
|---|---|---|
{kills}
| **all kills** | **{sqlite.all_kills:,}** | **{postgresql.all_kills:,}** |
| rounds, each with all questions | {sqlite.rounds:,} | {postgresql.rounds:,} |
| acknowledged saves | {sqlite.saves:,} | {postgresql.saves:,} |
| entries | {sqlite.entries:,} | {postgresql.entries:,} |
| checkpoints that were seen | {sqlite.checkpoints:,} | {postgresql.checkpoints:,} |

When the PostgreSQL server was killed (the postmaster and all its children, with fsync on), its clients were: {clients}.

## Deaths between any two calls

A run of {steps} steps, whose {entries:,} entries begin tiles, fill them to the entry and pass them, dies before each call that
a publisher makes, and goes on: {points_sqlite:,} deaths on SQLite, {points_postgresql:,} on PostgreSQL. Each time the next
publisher came to the very same signed checkpoint as the run without a death.

| death just before | SQLite | PostgreSQL |
|---|---|---|
{points}

## Loss of power

`tools/power_loss.c` records each call that changes a file ({calls:,} calls of saving, publishing, closing and opening again, on
SQLite). At {drawn:,} moments and ways, drawn from all, a disk is laid out that kept what it had to: what was in a file when
that was synced, and the names in a folder when the folder was. Of the rest there is left:

| left of what was not synced | disks that differ |
|---|---|
{losses}

{same:,} more were the same as others. At its end the record leads to the very files that are there, so no call was missed. The
case "all" is that of a process killed within a call. That an entry was told to be saved, and that a checkpoint was to be seen,
counts at once, however unsafe it was. Names of folders count too: a disk that loses the name of a new folder loses what is in
it. Not shown here: disks that lie about having synced, and PostgreSQL, which keeps its own guarantees as long as `fsync`,
`full_page_writes` and `synchronous_commit` are on, as they are where nobody turned them off.

## Full disks, read-only disks, disks put back

Each place in turn is on a disk of its own that fills up to {left} pages of 4 KiB, or is mounted anew read-only ({cases} cases
in which something failed). Each failure was one line with what to do; when there was room again, all went on.

| place | disk | errors | for example |
|---|---|---|---|
{disks}

The store, the objects and the second place were put back to every combination of {stages} states and of nothing at all
({combinations} combinations): {put_back}. No fork came of it. Where all three go back at once nobody here can know; that is
what witnesses are for.
"""


@dataclass
class Figures:
    """What the parts of a run found."""

    sqlite: Tally
    postgresql: Tally
    points_sqlite: crash_points.Found
    points_postgresql: crash_points.Found
    power: crash_power.Found
    disks: crash_disks.Found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write", action="store_true", help="write docs/reference/crashes.md")
    given = parser.parse_args()
    sqlite = _told("kills, SQLite", crash_kills.run(given.kills // 2, given.seed, None))
    with Server() as server:
        version = server.version
        postgresql = _told("kills, PostgreSQL", crash_kills.run(given.kills - given.kills // 2, given.seed, server))
        points_postgresql = _told("deaths between calls, PostgreSQL", crash_points.run(server))
    points_sqlite = _told("deaths between calls, SQLite", crash_points.run(None))
    power = _told("loss of power", crash_power.run(given.seed, LOSSES))
    disks = _told("disks put back", crash_disks.put_back(crash_disks.Found()))
    if os.getuid() == 0:
        disks = _told("full and read-only disks", crash_disks.run(disks))
    else:
        print("full and read-only disks: not run, as to mount them takes root")
    page = page_of(Figures(sqlite, postgresql, points_sqlite, points_postgresql, power, disks), given.seed, version)
    print(page, flush=True)
    if given.write:
        PAGE.write_text(page, "utf-8")


def page_of(found: Figures, seed: int, postgresql: str) -> str:
    """Write the page."""
    parts = (found.sqlite, found.postgresql, found.points_sqlite, found.points_postgresql, found.power, found.disks)
    losses = [f"| {way} | {found.power.losses[way]:,} |" for way in crash_power.WAYS]
    return _PAGE.format(
        machine=_machine(postgresql),
        seed=seed,
        minutes=sum(part.seconds for part in parts) / 60,
        batch=MOST_SAVED,
        kills=_kills(found.sqlite, found.postgresql),
        sqlite=found.sqlite,
        postgresql=found.postgresql,
        clients=_listed(found.postgresql.clients),
        steps=len(crash_points.STEPS),
        entries=sum(crash_points.STEPS),
        points_sqlite=found.points_sqlite.deaths.total(),
        points_postgresql=found.points_postgresql.deaths.total(),
        points=_two(found.points_sqlite.deaths, found.points_postgresql.deaths),
        calls=found.power.calls,
        drawn=LOSSES,
        losses="\n".join([*losses, f"| **in all** | **{found.power.losses.total():,}** |"]),
        same=found.power.same,
        left=", ".join(map(str, crash_disks.LEFT)),
        cases=found.disks.cases,
        disks=_disks(found.disks),
        stages=len(crash_disks.STAGES),
        combinations=found.disks.put_back.total(),
        put_back=_listed(found.disks.put_back),
    )


def _told(what: str, found: T) -> T:
    print(f"{time.strftime('%H:%M:%S')} {what}: {found}", flush=True)
    return found


def _machine(postgresql: str) -> str:
    return (
        f"Measured on {time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores, {platform.machine()}, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, PostgreSQL {postgresql}; "
        f"files on {_file_system()}."
    )


def _file_system() -> str:
    words = ("stat", "-f", "-c", "%T", tempfile.gettempdir())
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def _kills(sqlite: Tally, postgresql: Tally) -> str:
    rows = [f"| {p} | {sqlite.kills[p]:,} | {postgresql.kills[p]:,} |" for p in PHASES if sqlite.kills[p] + postgresql.kills[p]]
    return "\n".join([*rows, f"| the PostgreSQL server, with all its processes | | {postgresql.servers:,} |"])


def _two(one: Counter[str], other: Counter[str]) -> str:
    return "\n".join(f"| `{call}` | {count:,} | {other[call]:,} |" for call, count in one.most_common())


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in counts.most_common())


def _disks(found: crash_disks.Found) -> str:
    examples = {case: _PATH.sub(r"…/\1", line) for case, line in found.example.items()}
    rows = [f"| {case[0]} | {case[1]} | {_listed(said)} | {examples[case]} |" for case, said in found.said.items()]
    return "\n".join(rows)


if __name__ == "__main__":
    main()
