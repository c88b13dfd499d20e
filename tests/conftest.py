"""What every test may ask for."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real media: photographs, speech, a clip and a document (NOTICE says whose)."""
    folder = Path(os.environ.get("MINGWEN_MEDIA") or Path(__file__).parents[1] / ".cache/media")
    if not (folder / "bunny.mp4").exists():
        pytest.fail(f"expected real media in {folder}; `make media` fetches them")
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own, without any table, gone when the session ends."""
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parents[1].name))
    if not homes:
        pytest.fail("expected PostgreSQL's initdb below /usr/lib/postgresql; install the Debian package postgresql")
    programs = homes[-1].parent
    # The server refuses to run as root; its package made a user for it.
    user = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups") if os.getuid() == 0 else ()
    with tempfile.TemporaryDirectory(prefix="pg") as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port, data = free.getsockname()[1], Path(folder) / "data"
        free.close()
        if user:
            shutil.chown(folder, "postgres", "postgres")

        def run(*arguments: str) -> None:
            subprocess.run((*user, *arguments), check=True, cwd="/", stdout=subprocess.DEVNULL)

        run(f"{programs}/initdb", "-A", "trust", "-U", "mingwen", "-E", "UTF8", "--no-locale", "--no-sync", "-D", str(data))
        options = f"-p {port} -h 127.0.0.1 -k {folder} -F -c full_page_writes=off -c log_min_messages=fatal"
        run(f"{programs}/pg_ctl", "start", "-w", "-s", "-D", str(data), "-l", f"{folder}/log", "-o", options)
        try:
            yield f"postgresql+psycopg://mingwen@127.0.0.1:{port}/postgres"
        finally:
            run(f"{programs}/pg_ctl", "stop", "-w", "-s", "-m", "immediate", "-D", str(data))
