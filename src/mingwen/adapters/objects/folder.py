"""The log in a folder, as a web server may serve it."""

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mingwen.adapters import durable
from mingwen.domain.errors import Unavailable

UNFINISHED: Final = ".unfinished"
"""Files that are being written; what a killed process left there goes after a while."""
UNFINISHED_SECONDS: Final = 3600
AT_ONCE: Final = 8
"""Files that are brought to the disk at a time."""
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FolderObjects:
    """The port ``Objects`` in a folder, which is made at the first write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._swept = False

    def read(self, name: str) -> bytes | None:
        """See ``ports.Objects``."""
        with _translated(f"read {self._folder / name}"):
            try:
                return (self._folder / name).read_bytes()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write each beside its place, bring it to the disk, and move it there; then bring the folders to the disk."""
        with _translated(f"write into {self._folder}"):
            aside = self._folder / UNFINISHED
            changed = dict.fromkeys(_made(aside))
            self._sweep(aside)
            ours = secrets.token_hex(8)  # others may write the same name, from other threads and machines
            parts = {name: aside / f"{ours}.{name.replace('/', '.')}" for name in files}
            with ThreadPoolExecutor(AT_ONCE) as pool:  # a disk brings several to safety in the time of one
                list(pool.map(_write, parts.values(), files.values()))
            for name, part in parts.items():
                target = self._folder / name
                changed |= dict.fromkeys(_made(target.parent))
                part.replace(target)
                changed[target.parent] = None
            for folder in changed:
                durable.sync(folder)

    def names(self, prefix: str) -> Iterable[str]:
        """See ``ports.Objects``; names that begin with a dot are no objects."""
        with _translated(f"read {self._folder}"):
            for folder, inner, files in os.walk(self._folder, onerror=_raised):
                inner[:] = [i for i in inner if not i.startswith(".")]
                for file in files:
                    name = (Path(folder) / file).relative_to(self._folder).as_posix()
                    if name.startswith(prefix) and not file.startswith("."):
                        yield name

    def remove(self, name: str) -> None:
        """See ``ports.Objects``."""
        with _translated(f"remove {self._folder / name}"):
            (self._folder / name).unlink(missing_ok=True)

    def _sweep(self, aside: Path) -> None:
        """Once a process, take away what others left unfinished long ago."""
        if self._swept:
            return
        self._swept = True
        with contextlib.suppress(FileNotFoundError):  # another publisher sweeps too
            for part in aside.iterdir():
                if part.stat().st_mtime < time.time() - UNFINISHED_SECONDS:
                    part.unlink()


def _made(folder: Path) -> list[Path]:
    """Make a folder; return those whose content changed by it."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
    return [each.parent for each in missing]


def _write(part: Path, data: bytes) -> None:
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _raised(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # a folder that is not there has no names
        raise error


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        code = "disk.full" if e.errno in _FULL else "objects.unavailable"
        hint = "free some space; nothing is lost, publishing goes on from here" if e.errno in _FULL else "check log.folder"
        raise Unavailable(code, f"expected to {what}, but: {(e.strerror or str(e)).lower()}", hint=hint) from e
