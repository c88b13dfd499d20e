"""The port ``RemoteLog`` on a folder: a log as it was copied, or is mounted."""

from pathlib import Path
from typing import Final

from mingwen.domain.errors import Unavailable

MOST_BYTES: Final = 256 * (2 + 0xFFFF)
"""The largest bundle of entries (c2sp.org/tlog-tiles); all else is smaller."""


class FolderLog:
    """A log in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._folder)

    def read(self, name: str) -> bytes | None:
        """Read a file of the log; never more than the largest may have."""
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as e:
            hint = "check the folder and its permissions"
            raise Unavailable("remote.unreadable", f"expected to read {self._folder / name}, but: {e}", hint=hint) from e
