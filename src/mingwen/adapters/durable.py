"""Names on the disk: of a file that was synced nothing is left if power fails before the folders above it were."""

import os
from contextlib import suppress
from pathlib import Path


def sync(folder: Path) -> None:
    """Bring the names in a folder to the disk.

    Raises:
        OSError: it cannot be opened, or the disk failed.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_above(path: Path) -> None:
    """Bring the names of a new file and of all folders above it to the disk, whoever made them.

    Raises:
        OSError: the disk failed.
    """
    for folder in path.absolute().parents:
        with suppress(PermissionError):  # nobody made a name in a folder that we may not read
            sync(folder)
