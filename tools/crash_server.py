"""A PostgreSQL server of our own that can be killed with all its processes; see crash.py."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

POLL_SECONDS = 0.02
START_SECONDS = 60
_HOMES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parents[1].name))
# The server refuses to run as root; its package made a user for it.
_USER = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups") if os.getuid() == 0 else ()


class Server:
    """A server as its package sets it up: fsync and full_page_writes are on."""

    def __init__(self) -> None:
        if not _HOMES:
            raise SystemExit("expected PostgreSQL's initdb below /usr/lib/postgresql; install the Debian package postgresql")
        self._programs = _HOMES[-1].parent
        self._folder = tempfile.TemporaryDirectory(prefix="pg")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        if _USER:
            shutil.chown(self._folder.name, "postgres", "postgres")
        self._data = f"{self._folder.name}/data"
        words = ("-A", "trust", "-U", "mingwen", "-E", "UTF8", "--no-locale", "--no-sync", "-D", self._data)
        subprocess.run((*_USER, f"{self._programs}/initdb", *words), check=True, cwd="/", stdout=subprocess.DEVNULL)
        self._process = self._started()
        self.version = self.ask("SHOW server_version")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.send_signal(signal.SIGINT)  # of those who are connected too: see `fast` of pg_ctl
        self._process.wait()
        self._folder.cleanup()

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql+psycopg://mingwen@127.0.0.1:{self._port}/{database}"

    def ask(self, statement: str) -> str:
        """Run one statement in the database postgres; return what it tells first."""
        with psycopg.connect(f"host=127.0.0.1 port={self._port} user=mingwen dbname=postgres", autocommit=True) as connection:
            found = connection.execute(statement.encode())
            row = found.fetchone() if found.description else None
            return str(row[0]) if row else ""

    def kill(self) -> None:
        """Kill the postmaster and all its children."""
        children = [int(c) for p in Path(f"/proc/{self._process.pid}/task").glob("*/children") for c in p.read_text().split()]
        for pid in (self._process.pid, *children):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def start(self) -> None:
        """Start it again, as a supervisor would."""
        self._process = self._started()

    def _started(self) -> "subprocess.Popen[bytes]":
        words = ("-D", self._data, "-p", str(self._port), "-h", "127.0.0.1", "-k", self._folder.name)
        command = (f"{self._programs}/postgres", *words, "-c", "log_min_messages=fatal", "-c", "max_connections=50")
        last = time.monotonic() + START_SECONDS
        process = None
        while True:
            if process is None or process.poll() is not None:  # while the last of the killed go, it refuses to start
                process = subprocess.Popen((*_USER, *command), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                self.ask("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > last:
                    raise
                time.sleep(POLL_SECONDS)
            else:
                return process
