"""The whole tree of errors.

    MingwenError
    ├── Refused       the rules say no: a label stands already, a wording lacks an element
    ├── Malformed     the bytes are not what they claim to be
    ├── Unproven      a proof does not hold
    ├── Unavailable   the outside failed: a disk, a permission, a database
    └── Misused       the caller erred

Nothing else leaves a public function. Each error has a stable ``code`` (dotted, lower case), a
message that says what was expected and what came, and a ``hint`` that says what to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class MingwenError(Exception):
    """The root of every error this package raises; catch it to catch them all."""

    def __init__(self, code: str, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.code}); {self.hint}"

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a process boundary with the hint, which is keyword-only."""
        return _rebuild, (type(self), self.code, self.message, self.hint)


def _rebuild(kind: type[MingwenError], code: str, message: str, hint: str) -> MingwenError:
    return kind(code, message, hint=hint)


class Refused(MingwenError):
    """The rules say no."""


class Malformed(MingwenError):
    """The bytes are not what they claim to be."""


class Unproven(MingwenError):
    """A proof does not hold."""


class Unavailable(MingwenError):
    """The outside failed: a file, a disk, a permission, a database."""


class Misused(MingwenError):
    """The caller erred: a wrong argument, an impossible combination, a bad configuration."""


@contextmanager
def only_ours() -> Iterator[None]:
    """Let nothing but ``MingwenError`` through: a fault of ours becomes ``Unavailable``, the fault itself its cause.

    The faces stand on it, so that one odd file never ends a run over thousands; tests and fuzzers look below it.
    """
    try:
        yield
    except MingwenError:
        raise
    except OSError as e:
        reason = (e.strerror or str(e)).lower()
        hint = "check the disk, its free space and the streams that were given"
        raise Unavailable("outside.failed", f"expected files and streams to work, but: {reason}", hint=hint) from e
    except Exception as e:
        raise Unavailable(
            "internal.fault",
            f"expected no fault of our own, but: {type(e).__name__}: {e}",
            hint="nothing was written; please report it with the file, MINGWEN_TRACEBACK=1 shows where",
        ) from e
