"""The same tests over every kind of store: SQLite, and a real PostgreSQL server."""

import multiprocessing
import os
import sqlite3
import stat
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from mingwen.adapters.stores import open_store, rows, schema
from mingwen.domain.contents import Delivery, propagate
from mingwen.domain.errors import MingwenError, Misused, Unavailable
from mingwen.domain.evidence import Entry
from mingwen.domain.labels import AigcLabel
from mingwen.ports import Store
from stores import FILE, NOW, elsewhere, engine_of, outcome, store_url, verdict

__all__ = ["store_url"]  # the fixture ``url``


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url)
    yield store
    store.close()


def numbers(store: Store, **wanted: str) -> list[int]:
    return [number for number, _ in store.entries(limit=100_000, **wanted)]


def test_states_and_entries_come_back_as_they_went_in(store: Store) -> None:
    extra = AigcLabel("1", "p", "8", '{"a":"b"}', "q", "9", "", (("Model", '"x"'),))
    saved = [
        outcome("a"),
        outcome("b", file=replace(FILE, notice=None), delivery=Delivery("李", "terms 3", "print")),
        propagate(extra, FILE, key="c", by="q", now=NOW),
    ]
    store.save(saved)
    for one in saved:
        assert store.find(one.state.key) == one.state
    assert [e for _, e in store.entries()] == [one.entries[0] for one in reversed(saved)]
    assert store.find("d") is None


def test_the_same_key_twice_gives_one_state_and_one_entry(store: Store) -> None:
    store.save([outcome("k", number="1")])
    store.save([outcome("k", number="2"), outcome("l", number="3")])
    known = store.find("k")
    assert known is not None
    assert known.label.ProduceID == "1"
    assert [e.subject for _, e in store.entries()] == ["3", "1"]


def test_an_outcome_whose_entry_cannot_be_saved_leaves_nothing(store: Store) -> None:
    bad = outcome("bad")
    broken = replace(bad, entries=(*bad.entries, Entry("x", None, "p", NOW)))  # type: ignore[arg-type] # what no column takes
    with pytest.raises((MingwenError, AttributeError)):
        store.save([outcome("good"), broken])
    assert store.find("good") is None
    assert store.find("bad") is None
    assert numbers(store) == []
    store.save([outcome("good")])
    assert len(numbers(store)) == 1


def test_the_newest_come_first_and_filters_hold(store: Store) -> None:
    store.save([verdict(f"s{i % 3}") for i in range(9)])
    store.save([outcome("k", number="s1")])
    found = list(store.entries(limit=4))
    assert [n for n, _ in found] == sorted((n for n, _ in found), reverse=True)
    assert found[0][1].kind == "label.produced"
    assert len(numbers(store, subject="s1")) == 4
    assert len(numbers(store, kind="verdict.given")) == 9
    assert len(numbers(store, kind="verdict.given", subject="s1")) == 3
    assert numbers(store, kind="no.such") == numbers(store, subject="%") == []


def test_any_text_can_be_stored_and_found_again(store: Store) -> None:
    hostile = "\udcff\0'; DROP TABLE entries; -- \u202e\n文"
    store.save([verdict(hostile), outcome(hostile, number="n", file=replace(FILE, name=hostile))])
    assert len(numbers(store, subject=hostile)) == 1
    assert store.find(hostile) is not None


def test_a_number_of_thousands_of_characters_can_be_stored(store: Store) -> None:
    long = "".join(uuid.uuid4().hex for _ in range(110))
    store.save([verdict(long), outcome("k", number=long)])
    assert len(numbers(store, subject=long)) == 2


def test_eight_threads_lose_nothing(store: Store) -> None:
    faults: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for i in range(50):
                store.save([outcome(f"{thread}/{i}")])
        except MingwenError as e:
            faults.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(set(numbers(store))) == 400
    assert all(store.find(f"{t}/49") for t in range(8))


WRITER = """
import sys
from mingwen.adapters.stores import open_store
from stores import outcome
url, process = sys.argv[1:]
store = open_store(url)
for i in range(50):
    store.save([outcome(f"{process}/{i}"), outcome(f"shared/{i}", number=process)])
store.close()
"""
DYING = """
import os, sys
from dataclasses import replace
from mingwen.adapters.stores import open_store
from stores import NOW, Entry, outcome
class Dying(dict):
    def items(self):
        os._exit(9)
one = outcome("dies")
last = Entry("x", "s", "p", NOW, Dying(a=1))
open_store(sys.argv[1]).save([one, replace(one, entries=(last,), state=replace(one.state, key="later"))])
"""


def test_two_processes_that_begin_at_once_lose_nothing(url: str) -> None:
    processes = [elsewhere(WRITER, url, str(n)) for n in range(2)]
    assert [p.wait() for p in processes] == [0, 0]
    store = open_store(url)
    assert len(numbers(store)) == 150
    store.close()


def test_what_was_saved_survives_a_reopen(url: str) -> None:
    first = open_store(url)
    first.save([outcome("k")])
    first.close()
    second = open_store(url)
    assert second.find("k") == outcome("k").state
    second.save([outcome("l")])
    assert numbers(second) == [2, 1]
    second.close()


def test_the_migrations_make_the_schema_that_the_code_has(url: str) -> None:
    open_store(url).close()
    engine = engine_of(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, schema.METADATA) == []
        assert context.get_current_revision() == rows.REVISION
    engine.dispose()


def test_the_rows_have_the_columns_of_the_schema() -> None:
    assert tuple(c.name for c in schema.CONTENTS.columns) == rows.CONTENT_COLUMNS
    later = ("number", "hidden", "position")
    assert tuple(c.name for c in schema.ENTRIES.columns if c.name not in later) == rows.ENTRY_COLUMNS


def test_the_revision_is_the_newest_migration() -> None:
    folder = Path(str(schema.__file__)).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [rows.REVISION]


def set_revision(url: str, revision: str) -> None:
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    engine.dispose()


def test_a_store_of_a_newer_mingwen_is_refused(url: str) -> None:
    open_store(url).close()
    set_revision(url, "9999")
    with pytest.raises(Misused, match=r"store\.newer"):
        open_store(url)


def test_a_store_with_a_revision_that_never_was_is_told(url: str) -> None:
    open_store(url).close()
    set_revision(url, "0000")
    with pytest.raises(Unavailable, match=r"store\.unavailable"):
        open_store(url)


def test_tables_of_somebody_else_are_left_alone(url: str) -> None:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir()
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE entries (theirs TEXT)"))
    with pytest.raises(Unavailable, match=r"store\.unavailable"):
        open_store(url)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["entries"]
    engine.dispose()


# What only a file can suffer.


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    store.save([outcome("k")])
    assert {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {0o600}
    store.close()


def in_a_child(work: Callable[[], None]) -> int:
    """Run ``work`` as a user without rights; return the child's status."""
    process = multiprocessing.get_context("fork").Process(target=as_nobody, args=(work,))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def as_nobody(work: Callable[[], None]) -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    work()


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_an_unwritable_folder_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)

    def work() -> None:
        with pytest.raises(Unavailable, match="permission denied") as caught:
            open_store(f"sqlite:///{folder}/s.db")
        assert "--store" in caught.value.hint

    assert in_a_child(work) == 0


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to look like one" * 40, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_a_corrupt_file_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(content)
    with pytest.raises(Unavailable, match=r"store\.unavailable") as caught:
        open_store(f"sqlite:///{path}")
    assert caught.value.hint
    assert path.read_bytes() == content


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        open_store(f"sqlite:///{tmp_path}")
    with pytest.raises(Unavailable):
        open_store("sqlite:///a\0b")


def test_a_killed_writer_leaves_all_of_a_save_or_none(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    open_store(url).close()
    connection = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    assert elsewhere(DYING, url).wait() == 9
    assert connection.execute("SELECT count(*) FROM contents").fetchone() == (0,)
    connection.close()
    store = open_store(url)
    store.save([outcome("dies")])
    assert numbers(store) == [1]
    store.close()


# What only a server can suffer.


@pytest.mark.parametrize(
    "url", ["postgresql://x:notaport/y", "postgresql+psycopg://mingwen@127.0.0.1:1/x", "postgresql+nodriver://h/x"]
)
def test_a_server_that_cannot_be_reached_is_told(url: str) -> None:
    with pytest.raises(Unavailable) as caught:
        open_store(url)
    assert caught.value.hint


def test_another_kind_of_store_is_misuse() -> None:
    with pytest.raises(Misused, match=r"store\.unknown") as caught:
        open_store("mysql://user:secret@host/x")
    assert "secret" not in str(caught.value)
