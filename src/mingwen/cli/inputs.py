"""From what was typed to a list of files: names, folders and patterns."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from mingwen import formats
from mingwen.domain.errors import Malformed, MingwenError, Misused
from mingwen.wiring import opened

DATA: Final = frozenset({"json", "sse"})
"""Formats that a folder does not stand for: settings and records of programs are full of them; who means one names it."""
MARK: Final = ".labelled"
"""Stands before the suffix of an output that was given no name: ``photo.labelled.jpg``."""
STREAM: Final = Path("-")
"""Standard input, or standard output."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file, and where its output goes."""

    source: Path
    target: Path


def jobs(names: Sequence[str], *, output: str | None, in_place: bool) -> list[Job]:
    """Return what is to be done: each file that was named, with its own output.

    Raises:
        Misused: several files for standard output (``usage.combination``), or two with the same output (``output.twice``).
    """
    found = files(names, outputs=False)
    if in_place:
        return [Job(path, path) for path, _ in found]
    into = output is not None and output.endswith(os.sep)
    several = into or len(found) > 1 or any(os.path.isdir(n) for n in names)  # noqa: PTH112 - never raises
    goal = Path(output) if output else None
    if several and goal == STREAM:
        raise Misused("usage.combination", "expected one file for standard output, got several", hint="give a folder with -o")
    made = [Job(path, target(path, within, output=goal, several=several)) for path, within in found]
    if len({job.target for job in made}) < len(made):
        raise Misused(
            "output.twice",
            "expected an output of its own for each file, but two would have the same",
            hint="take them one folder at a time",
        )
    return made


def files(names: Sequence[str], *, outputs: bool) -> list[tuple[Path, Path]]:
    """Return (file, its path within the folder or pattern that named it), in the order given, each once.

    A folder stands for the files below it whose suffix or bytes a format knows; hidden ones and ``DATA`` are passed over, and so
    are earlier outputs (``photo.labelled.jpg``) unless they are asked for. A name that does not exist and holds ``*``, ``?``
    or ``[`` is a pattern (``**`` goes deep), for shells that leave patterns alone.

    Raises:
        Misused: a folder or pattern without any file (``input.empty``).
    """
    out: dict[Path, Path] = {}
    for name in names:
        found = list(_expand(name, outputs=outputs))
        if not found:
            known = ", ".join(s for f in formats.every() for s in f.suffixes)
            raise Misused("input.empty", f"expected files at {name}, found none", hint=f"known suffixes: {known}")
        for path, within in found:
            out.setdefault(path, within)
    return list(out.items())


def target(path: Path, within: Path, *, output: Path | None, several: bool) -> Path:
    """Return where the labelled form of ``path`` goes: ``output`` itself, its place below the folder ``output``, or beside it."""
    if output is None:
        return STREAM if path == STREAM else path.with_name(f"{path.stem}{MARK}{path.suffix}")
    if several or os.path.isdir(output):  # noqa: PTH112 - see _expand
        return output / within
    return output


def _expand(name: str, *, outputs: bool) -> Iterator[tuple[Path, Path]]:
    path = Path(name)
    if not name:  # an unset variable of a shell; Path("") would be the whole folder one stands in
        return
    if os.path.isdir(path):  # noqa: PTH112 - unlike Path.is_dir it never raises, whatever the name
        yield from ((p, p.relative_to(path)) for p in sorted(path.rglob("*")) if _is_ours(p, path, outputs=outputs))
    elif not os.path.lexists(path) and glob.has_magic(name):
        found = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        yield from ((Path(p), Path(Path(p).name)) for p in found if os.path.isfile(p))  # noqa: PTH113 - see above
    else:
        yield path, Path(path.name)


def _is_ours(path: Path, top: Path, *, outputs: bool) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(top).parts)
    if hidden or not os.path.isfile(path) or (path.stem.endswith(MARK) and not outputs):  # noqa: PTH113 - see above
        return False
    suffix = path.suffix.lower()
    return suffix in _known() or (suffix not in _data() and _is_claimed(path))


@cache
def _data() -> frozenset[str]:
    return frozenset(suffix for f in formats.every() if f.name in DATA for suffix in f.suffixes)


@cache
def _known() -> frozenset[str]:
    return frozenset(suffix for f in formats.every() if f.name not in DATA for suffix in f.suffixes)


def _is_claimed(path: Path) -> bool:
    """Look at the bytes: a picture does not pass because its name says nothing; what cannot be opened is to be told of."""
    try:
        with opened(path) as file:
            formats.of(file.read(formats.HEAD_BYTES), path.suffix)
    except Malformed:
        return False
    except MingwenError:
        return True
    return True
