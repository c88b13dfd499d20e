"""Stores of every kind, for tests: their URLs, what is saved in them, and processes of their own."""

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from mingwen.domain.contents import Content, Delivery, File, produce
from mingwen.domain.evidence import Entry, Outcome, Record
from mingwen.domain.labels import produced
from mingwen.proofs.leaves import Digests, digests, disclosures, fields, leaf

NOW = datetime(2026, 8, 31, 12, 30, 15, 123456, tzinfo=UTC)
FILE = File("片.png", "png", "image", "AI生成")


def outcome(key: str, *, number: str = "7", file: File = FILE, delivery: Delivery | None = None) -> Outcome[Content]:
    return produce(produced(producer="p", produce_id=number), file, key=key, delivery=delivery, by="p", now=NOW)


def verdict(subject: str) -> Outcome[None]:
    return Outcome(None, (Entry("verdict.given", subject, "p", NOW, {"verdict": "compliant", "file": "片"}),))


@pytest.fixture(name="url", params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/a folder/百分 100%?.db"
    server: str = request.getfixturevalue("postgresql")
    return fresh_database(server)


def fresh_database(server: str) -> str:
    name = f"t{uuid.uuid4().hex}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.rsplit("/", 1)[0] + f"/{name}"


def engine_of(url: str) -> sa.Engine:
    path = url.removeprefix("sqlite:///")
    return sa.create_engine(sa.URL.create("sqlite", database=path) if path != url else url)


def elsewhere(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Run a script in a process of its own that may import this file."""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.Popen([sys.executable, "-c", script, *arguments], env={**os.environ, "PYTHONPATH": path})


def holds_together(record: Record) -> bool:
    """Do what is left of an entry and the digests of what is gone lead to its leaf?"""
    shown = [digests(d) for d in disclosures(fields(record.entry), record.salts)]
    hidden = [Digests(record.hidden[i : i + 32], record.hidden[i + 32 : i + 64]) for i in range(0, len(record.hidden), 64)]
    return leaf(record.entry.kind, record.entry.at, [*shown, *hidden]) == record.leaf
