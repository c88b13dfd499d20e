"""Files on a local disk: opened with clear errors, copied by the kernel, published in one step."""

import contextlib
import errno
import io
import os
import secrets
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from mingwen.domain.errors import MingwenError, Misused, Unavailable
from mingwen.domain.media import Keep, Splice

BLOCK_BYTES: Final = 1 << 20
"""How much is copied at a time where the kernel cannot copy by itself."""
RESERVED_BYTES: Final = 16 << 20
"""Outputs from this size on get their space before they are written."""
SCRATCH_BYTES: Final = 8 << 20
"""A scratch file stays in memory up to this size."""

_HINTS: Final = {
    errno.ENOENT: "check the name",
    errno.EACCES: "check the permissions of the file and of its folder",
    errno.EPERM: "check the permissions of the file and of its folder",
    errno.EISDIR: "give a file",
    errno.ENOSPC: "free some space; nothing was changed",
    errno.EFBIG: "the disk, or a limit of this process, allows no file of this size; nothing was changed",
    errno.EDQUOT: "free some space or raise the quota; nothing was changed",
    errno.EROFS: "choose an output on a disk that can be written",
    errno.ELOOP: "the name is a circle of symbolic links",
}


def home(name: str) -> Path:
    """Put the home folder in place of ``~``; a user nobody knows stays as it is written."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 - Path.expanduser raises where there is no such user


class Disk:
    """The port ``Files`` on the local file system."""

    def splice(self, source: BinaryIO, sink: BinaryIO, pieces: Splice) -> int:
        """Write the pieces in order; ranges that are kept go from file to file within the kernel where both are files."""
        with translated("write the output"):
            begin, handles = sink.tell(), _handles(source, sink)
            if handles:
                _reserve(handles[1], begin, sum(len(p) if isinstance(p, bytes) else p.stop - p.start for p in pieces))
            for piece in pieces:
                if isinstance(piece, bytes):
                    sink.write(piece)
                else:
                    _copy(source, sink, _copy_in_kernel(sink, piece, handles))
            sink.flush()
            return sink.tell() - begin

    def scratch(self) -> AbstractContextManager[BinaryIO]:
        """Give a file that lives in memory while it is small, and on the temporary disk when it grows."""
        return cast("AbstractContextManager[BinaryIO]", _Scratch(max_size=SCRATCH_BYTES))


class _Scratch(tempfile.SpooledTemporaryFile[bytes]):
    """A spooled file that goes to the disk in time: the standard one takes all of ``writelines`` into memory first."""

    def writelines(self, lines: Iterable[bytes]) -> None:  # type: ignore[override] # bytes are all that is written here
        """Write piece by piece."""
        for line in lines:
            self.write(line)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading; symbolic links are followed, pipes and devices refused.

    Raises:
        Unavailable: it is not there, may not be read, or is no regular file (``file.unreadable``).
    """
    with translated(f"read {path}", code="file.unreadable"):
        # A pipe would block on open; O_NONBLOCK lets us look first.
        handle = os.open(_named(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise Unavailable("file.unreadable", f"expected a file at {path}, found {kind}", hint="give a regular file")
    with os.fdopen(handle, "rb") as file:
        yield file


@contextmanager
def staged(target: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """Give an empty file beside ``target`` that takes its name when the context ends well, and vanishes otherwise.

    With ``replace`` an existing target keeps its permissions and, where we may, its owner, and the new content is on the disk
    before the old one goes. A symbolic link is followed: the file it points to is replaced, the link stays.

    Raises:
        Misused: the target exists and ``replace`` is not set (``output.exists``), or is no regular file (``output.kind``).
        Unavailable: the folder cannot be written, or the disk is full (``file.unwritable``, ``disk.full``).
    """
    with translated(f"write {target}"):
        target = Path(os.path.realpath(target)) if _named(target).is_symlink() else target
        old = target.stat() if target.exists() else None
        if old and not replace:
            raise _exists(target)
        if old and not stat.S_ISREG(old.st_mode):  # a folder, or a device such as /dev/null, is not to be replaced by a file
            raise Misused("output.kind", f"expected a file at {target}, found something else", hint="give a regular file")
        target.parent.mkdir(parents=True, exist_ok=True)
        name = str(target.parent / f".{target.name[:40]}.{secrets.token_hex(8)}.part")
        # What replaces a file is private until it has the old one's mode; a new file gets what the umask allows.
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if old else 0o666)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            with translated(f"write {target}"):
                file.flush()
                _publish(file, name, target, old)
    finally:
        with contextlib.suppress(OSError):
            Path(name).unlink(missing_ok=True)


def _publish(file: BinaryIO, name: str, target: Path, old: os.stat_result | None) -> None:
    if old is None:
        try:  # a link, unlike a rename, fails if somebody made the target in the meantime
            os.link(name, target)
        except FileExistsError as e:
            raise _exists(target) from e
        except OSError:  # some file systems have no links
            Path(name).rename(target)
        return
    os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
    with contextlib.suppress(OSError):
        os.fchown(file.fileno(), old.st_uid, old.st_gid)
    os.fsync(file.fileno())  # the only copy is about to be replaced: the new one must survive a power cut
    Path(name).replace(target)


@contextmanager
def translated(what: str, *, code: str = "file.unwritable") -> Iterator[None]:
    """Turn the operating system's errors into ``Unavailable``, with a hint.

    Raises:
        Unavailable: ``disk.full``, or else ``code``.
    """
    try:
        yield
    except MingwenError:
        raise
    except OSError as e:
        full = e.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        hint = _HINTS.get(e.errno or 0, "check the disk")
        raise Unavailable(
            "disk.full" if full else code, f"expected to {what}, but: {(e.strerror or str(e)).lower()}", hint=hint
        ) from e


def _handles(source: BinaryIO, sink: BinaryIO) -> tuple[int, int] | None:
    """Return the descriptors of two real files, whose bytes the kernel can copy by itself."""
    spooled = any(isinstance(f, tempfile.SpooledTemporaryFile) for f in (source, sink))  # asking these for one makes them files
    if spooled or not hasattr(os, "copy_file_range"):
        return None
    try:
        handles = source.fileno(), sink.fileno()
    except (OSError, AttributeError, io.UnsupportedOperation):
        return None
    return handles if all(stat.S_ISREG(os.fstat(h).st_mode) for h in handles) else None


def _reserve(sink: int, begin: int, count: int) -> None:
    """Take the space for a large output at once: a full disk is found before anything is copied, and the copy is faster.

    Raises:
        OSError: the disk is full.
    """
    if count < RESERVED_BYTES or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(sink, begin, count)
    except OSError as e:
        if e.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise


def _copy_in_kernel(sink: BinaryIO, keep: Keep, handles: tuple[int, int] | None) -> Keep:
    """Copy what the kernel will copy of a long range; return what is left."""
    if handles is None or keep.stop - keep.start < BLOCK_BYTES:
        return keep
    sink.flush()
    at, to = keep.start, sink.tell()
    try:
        while done := os.copy_file_range(*handles, keep.stop - at, at, to):
            at, to = at + done, to + done
    except OSError as e:
        if e.errno not in {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF}:
            raise
    sink.seek(to)
    return Keep(at, keep.stop)


def _copy(source: BinaryIO, sink: BinaryIO, keep: Keep) -> None:
    source.seek(keep.start)
    left = keep.stop - keep.start
    while left:
        block = source.read(min(BLOCK_BYTES, left))
        if not block:
            hint = "the file changed while it was read; nothing was kept"
            raise Unavailable("file.changed", f"expected {left} more bytes of the source, found its end", hint=hint)
        sink.write(block)
        left -= len(block)


def _named(path: Path) -> Path:
    if "\0" in str(path):
        raise Misused("file.name", f"expected a file's name, got {str(path)!r}", hint="no name holds a NUL")
    return path


def _exists(target: Path) -> Misused:
    return Misused("output.exists", f"expected no file at {target}, found one", hint="give another -o, or --overwrite")
