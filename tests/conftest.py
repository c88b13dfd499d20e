"""What every test may ask for."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from PIL import Image

from mingwen import face

Run: TypeAlias = Callable[..., "subprocess.CompletedProcess[bytes]"]


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


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small file of every kind, named a with the kind's usual suffix."""
    folder = tmp_path_factory.mktemp("samples")
    picture = Image.effect_mandelbrot((160, 120), (-2, -1.2, 1, 1.2), 80).convert("RGB")
    for suffix in ("png", "jpg", "webp"):
        picture.save(folder / f"a.{suffix}")
    for suffix in ("wav", "mp3", "m4a"):
        sound = ("-f", "lavfi", "-i", "sine=440:duration=1", "-bitexact", str(folder / f"a.{suffix}"))
        subprocess.run(("ffmpeg", "-v", "error", *sound), check=True)
    (folder / "a.md").write_text("# 标题\n\nA page.\n")
    (folder / "a.html").write_text("<!doctype html><html><head><title>t</title></head><body><p>A page.</p></body></html>\n")
    (folder / "a.txt").write_text("A note.\n第二行\n")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has configured a store and a producer, and nothing else."""
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "TMPDIR"}}
    return kept | {
        "PYTHONPATH": str(Path(face.__file__).parents[1]),
        "HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "MINGWEN_STORE_URL": f"sqlite:///{tmp_path}/state/store.db",
        "MINGWEN_PRODUCER": "001191310104MACE0YX63918020",
    }


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Run the command in a folder of its own; every run ends without a traceback and within a minute."""

    def run(*arguments: str | bytes | Path, status: int | None = 0, **given: Any) -> "subprocess.CompletedProcess[bytes]":
        env = environment | given.pop("env", {})
        words = [sys.executable, "-m", "mingwen", *arguments]
        done = subprocess.run(words, capture_output=True, check=False, timeout=60, cwd=tmp_path, env=env, **given)
        assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
        assert b"internal.fault" not in done.stderr + done.stdout, done
        assert status is None or done.returncode == status, done
        return done

    return run


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Iterator[None]:
    """The library, settled with the same store and producer as the command."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    face.configure()
    yield
    face.settled()[1].store.close()
    face._settled.clear()
