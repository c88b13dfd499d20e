"""The log's side of every kind of store: positions, erasure, checkpoints, holds."""

import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mingwen.adapters.stores import Log, open_log, open_store, schema
from mingwen.domain.contents import Delivery
from mingwen.domain.errors import Misused, Unproven
from mingwen.domain.evidence import Entry, Hold, Outcome, Stamp
from mingwen.ports import Store
from mingwen.proofs import notes
from mingwen.proofs.leaves import fields
from stores import FILE, NOW, elsewhere, engine_of, holds_together, outcome, store_url, verdict

__all__ = ["store_url"]  # the fixture ``url``

TOLD: Outcome[None] = Outcome(None, (Entry("entry.erased", "1", "p", NOW),))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url)
    yield store
    store.close()


@pytest.fixture
def log(store: Store, url: str) -> Iterator[Log]:
    log = open_log(url)
    yield log
    log.close()


def positions(log: Log) -> dict[int, int | None]:
    return {r.number: r.position for r in log.ledger.records(limit=1_000_000)}


def test_waiting_entries_get_positions_in_order_of_numbers(store: Store, log: Log) -> None:
    store.save([verdict(str(i)) for i in range(7)])
    assert [log.ledger.sequence(3) for _ in range(4)] == [3, 6, 7, 7]
    store.save([outcome("k")])
    assert positions(log) == {1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: None}
    assert log.ledger.sequence(2000) == 8
    records = log.ledger.records()
    assert log.ledger.leaves(2, 5) == [r.leaf for r in records[2:5]]
    assert len(log.ledger.leaves(6, 100)) == 2
    assert all(holds_together(r) for r in records)
    assert len({r.salts[:16] for r in records}) == 8


def test_records_pass_every_filter(store: Store, log: Log) -> None:
    store.save([verdict("a"), verdict("b"), outcome("k", number="a")])
    log.ledger.sequence(2)

    def numbers(**wanted: object) -> list[int]:
        return [r.number for r in log.ledger.records(**wanted)]  # type: ignore[arg-type] # each filter has its own type

    assert numbers(number=2) == [2]
    assert numbers(subject="a") == [1, 3]
    assert numbers(subject="a", kind="label.produced") == [3]
    assert numbers(start=1) == [2]
    assert numbers(limit=2) == [1, 2]
    assert numbers(before=NOW) == []
    assert numbers(before=NOW + timedelta(seconds=1)) == [1, 2, 3]
    log.ledger.erase([2], None, Outcome(None, ()))
    assert numbers(before=NOW + timedelta(seconds=1)) == [1, 3]


def test_what_cannot_be_written_as_text_is_committed_as_it_is_stored(store: Store, log: Log) -> None:
    odd = {"name\udcff": ["\udcff\0", {"a": 1e20, "b": 0.5, "c": 7, "d": None}], "empty": "", "none": None, "t": (True,)}
    store.save([Outcome(None, (Entry("k\0", "s\udcff", "p", NOW, odd),))])
    (record,) = log.ledger.records(subject="s\udcff")
    assert record.entry.detail["t"] == [True]
    assert holds_together(record)


@pytest.mark.parametrize("detail", [{"n": 2**53}, {"n": float("nan")}, {"subject": "x"}, {"o": object()}])
def test_what_no_leaf_can_commit_to_is_misuse_and_leaves_nothing(store: Store, log: Log, detail: dict[str, object]) -> None:
    with pytest.raises(Misused):
        store.save([outcome("k"), Outcome(None, (Entry("k", "s", "p", NOW, detail),))])
    assert store.find("k") is None
    assert log.ledger.records() == []


def test_the_same_key_twice_in_one_save_gives_the_first(store: Store, log: Log) -> None:
    store.save([outcome("k", number="1"), outcome("k", number="2"), outcome("j", number="3")])
    assert [r.entry.subject for r in log.ledger.records()] == ["1", "3"]


# Erasure.


SENT = Delivery("李雷", "terms 3", "print")


def test_erased_fields_leave_their_digests_and_the_content(store: Store, log: Log) -> None:
    sent = outcome("k", number="9", file=replace(FILE, name="secret.png"), delivery=SENT)
    store.save([sent, outcome("other", number="9", file=replace(FILE, name="secret.png"), delivery=SENT)])
    (before, other) = log.ledger.records()
    assert log.ledger.erase([before.number], ["file", "delivery", "nothing of that name"], TOLD)
    after = log.ledger.records()[0]
    assert "file" not in after.entry.detail
    assert (after.leaf, len(after.hidden), len(after.salts)) == (before.leaf, 128, len(before.salts) - 32)
    assert holds_together(after)
    assert store.find("k") == replace(sent.state, file=replace(sent.state.file, name=""), delivery=None)
    kept = store.find("other")
    assert kept is not None
    assert kept.delivery == SENT
    assert [r.entry.kind for r in log.ledger.records()][2:] == ["entry.erased"]
    assert not log.ledger.erase([before.number], ["file", "delivery"], TOLD)
    assert log.ledger.erase([before.number], None, TOLD)
    assert not log.ledger.erase([before.number], None, TOLD)
    assert not log.ledger.erase([99], None, TOLD)
    last = log.ledger.records()[0]
    assert (last.entry, last.salts, last.leaf) == (Entry("label.produced", "", "", NOW, {}), b"", before.leaf)
    assert holds_together(last)
    assert len(log.ledger.records()) == 4
    assert log.ledger.records()[1] == other
    erased = store.find("k")
    assert erased is not None
    assert erased.label.ProduceID == ""


def test_nothing_erased_is_left_in_the_files(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    store, log = open_store(url), open_log(url)
    store.save(
        [outcome(f"k{i}", number=f"n{i}", file=replace(FILE, name="Rumpelstilzchen" * 9), delivery=SENT) for i in range(50)]
    )
    for record in log.ledger.records():
        log.ledger.erase([record.number], ["file"], Outcome(None, ()))
    log.close()
    store.close()
    assert b"Rumpelstilzchen" not in b"".join(p.read_bytes() for p in tmp_path.iterdir())


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.text(max_size=8).filter(lambda name: name not in {"subject", "by"})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, JSON, max_size=6), st.text(max_size=9), st.data())
def test_whatever_is_erased_in_whatever_order_the_leaf_stands(
    store: Store, log: Log, detail: dict[str, object], subject: str, data: st.DataObject
) -> None:
    store.save([Outcome(None, (Entry("k", subject, "p", NOW, detail),))])
    number = next(iter(store.entries(limit=1)))[0]
    (record,) = log.ledger.records(number=number)
    made, count = record.leaf, len(fields(record.entry))
    while record.salts:
        assert holds_together(record)
        some = data.draw(st.lists(st.sampled_from(sorted(fields(record.entry))), min_size=1))
        assert log.ledger.erase([number], some, Outcome(None, ()))
        (record,) = log.ledger.records(number=number)
        assert not set(some) & fields(record.entry).keys()
    assert (record.leaf, len(record.hidden)) == (made, 64 * count)
    assert holds_together(record)


def test_threads_that_erase_at_once_lose_no_digest(store: Store, log: Log) -> None:
    store.save([outcome("k", delivery=SENT)])
    names = sorted(fields(log.ledger.records()[0].entry))
    threads = [threading.Thread(target=log.ledger.erase, args=([1], [name], TOLD)) for name in names for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = log.ledger.records()
    assert len(records[0].hidden) == 64 * len(names)
    assert holds_together(records[0])
    assert len(records) == 1 + len(names)


def test_what_is_erased_while_it_waits_gets_its_position(store: Store, log: Log) -> None:
    store.save([verdict(str(i)) for i in range(60)])
    eraser = threading.Thread(target=lambda: [log.ledger.erase([n], None, Outcome(None, ())) for n in range(1, 61)])
    eraser.start()
    while log.ledger.sequence(4) < 60:
        pass
    eraser.join()
    records = log.ledger.records(start=0)
    assert [(r.number, r.position, r.salts) for r in records] == [(n + 1, n, b"") for n in range(60)]
    assert all(holds_together(r) for r in records)


# Many at once.

WRITER = """
import sys
from mingwen.adapters.stores import open_store
from stores import outcome, verdict
url, process, count = sys.argv[1:]
store = open_store(url)
for i in range(int(count)):
    store.save([outcome(f"{process}/{i}", number=f"{process}/{i}"), verdict(f"{process}/{i}")])
    print(f"{process}/{i}", flush=True)
store.close()
"""
SEQUENCER = """
import sys
from mingwen.adapters.stores import open_log
log = open_log(sys.argv[1])
sizes = [0]
while sizes[-1] < int(sys.argv[2]):
    sizes.append(log.ledger.sequence(7))
    assert sizes[-1] >= sizes[-2], sizes
    assert len(log.ledger.leaves(0, sizes[-1])) == sizes[-1]
log.close()
"""


def test_positions_have_no_gap_whoever_writes_and_sequences_at_once(store: Store, log: Log, url: str) -> None:
    sequencers = [elsewhere(SEQUENCER, url, "240") for _ in range(2)]
    writers = [elsewhere(WRITER, url, str(n), "15") for n in range(8)]
    assert [p.wait(60) for p in (*writers, *sequencers)] == [0] * 10
    assert log.ledger.sequence(1) == 240
    assert sorted(p for p in positions(log).values() if p is not None) == list(range(240))
    assert [r.position for r in log.ledger.records(start=0)] == list(range(240))


def test_positions_that_were_given_stay_when_a_lower_number_comes_late(store: Store, log: Log, url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite has one writer at a time: numbers appear in order")
    engine = engine_of(url)
    with engine.connect() as connection:
        late = connection.begin()
        columns = ("kind", "subject", "by", "at", "detail", "leaf", "salts")
        connection.execute(sa.insert(schema.ENTRIES), {**dict.fromkeys(columns, "x"), "leaf": b"", "salts": b""})
        store.save([verdict("x")])
        assert log.ledger.sequence(10) == 1
        late.commit()
    assert log.ledger.sequence(10) == 2
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT number, position FROM entries ORDER BY number").all() == [(1, 1), (2, 0)]
    engine.dispose()


def test_what_a_killed_writer_was_told_is_there_is_there(
    store: Store, log: Log, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    writer = elsewhere(WRITER, url, "w", "100000")
    while log.ledger.sequence(5) < 60:
        assert writer.poll() is None
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    told = capfd.readouterr().out.split("\n")[:-1]
    while log.ledger.sequence(1000) > log.ledger.sequence(0):
        pass
    records = log.ledger.records(limit=1_000_000)
    assert [r.position for r in records] == list(range(len(records)))
    subjects = [r.entry.subject for r in records]
    assert len(subjects) in {2 * len(told), 2 * len(told) + 2}
    assert subjects[: 2 * len(told)] == [s for s in told for _ in range(2)]


def test_a_connection_that_the_server_gave_up_is_replaced(store: Store, log: Log, url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("no server")
    store.save([verdict("a")])
    log.ledger.sequence(1)
    engine = engine_of(url)
    with engine.connect() as connection:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid, 5000) {others}")
    engine.dispose()
    store.save([verdict("b")])
    assert log.ledger.sequence(9) == 2


# A store of revision 0001.


def old_store(url: str) -> sa.Engine:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = engine_of(url)
    config = Config()
    config.set_main_option("script_location", str(Path(str(schema.__file__)).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    return engine


OLD_CONTENT = sa.text(
    "INSERT INTO contents (key, produce_id, label, file_name, format, medium) VALUES (:key, '7', :label, :file, 'png', 'image')"
)
OLD_ENTRY = sa.text('INSERT INTO entries (kind, subject, "by", at, detail) VALUES (:kind, :subject, :by, :at, :detail)')


def test_a_store_of_the_first_revision_is_brought_up_to_date(url: str) -> None:
    engine = old_store(url)
    label = '{"Label":"1","ContentProducer":"p","ProduceID":"7"}'
    quoted = label.replace('"', '\\"')
    at = NOW.isoformat(timespec="microseconds")
    with engine.begin() as connection:
        contents = [("a", "片.png"), ("b", "片.png"), ("c", "other.png")]
        connection.execute(OLD_CONTENT, [{"key": key, "label": label, "file": file} for key, file in contents])
        details = [f'{{"file":"{file}","label":"{quoted}","notice":null}}' for _, file in contents]
        details += ['{"x":"\\udcff","big":90071992547409920,"nan":NaN}']
        rows = [{"kind": "label.produced", "subject": "7", "by": "p", "at": at, "detail": d} for d in details]
        connection.execute(OLD_ENTRY, rows)
        connection.execute(OLD_ENTRY, [{**rows[0], "kind": "verdict.given", "detail": "{}"}] * 1500)
    engine.dispose()
    store, log = open_store(url), open_log(url)
    records = log.ledger.records(limit=5000)
    assert [r.number for r in records] == list(range(1, 1505))
    assert all(holds_together(r) for r in records)
    assert records[3].entry.detail == {"x": "\\udcff", "big": "90071992547409920", "nan": "NaN"}
    assert log.ledger.sequence(2000) == 1504
    for number in (1, 2):
        assert log.ledger.erase([number], ["file"], TOLD)
    assert [c and c.file.name for c in map(store.find, "abc")] == ["", "", "other.png"]
    assert log.ledger.records(number=1506)[0].entry == TOLD.entries[0]
    log.close()
    store.close()


# Checkpoints and holds.


def note(size: int, *signers: str, root: str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=") -> str:
    signatures = tuple(notes.Signature(name, b"1234", f"by {name}".encode()) for name in signers)
    return str(notes.Note(f"example.com/log\n{size}\n{root}\n", signatures))


def test_checkpoints_gather_what_others_say(log: Log) -> None:
    archive = log.archive
    assert archive.newest() is None
    for size in (1, 5, 9):
        archive.publish(size, note(size, "log"), NOW)
    stamp = Stamp("http://tsa", b"token", NOW)
    archive.attest(5, stamp=stamp)
    archive.attest(5, stamp=stamp)
    archive.attest(5, note=note(5, "witness"))
    archive.attest(5, note=note(5, "witness", "another"))
    archive.publish(5, note(5, "log"), NOW + timedelta(1))
    five = archive.newest(attested=True)
    assert five is not None
    assert (five.size, five.at, five.stamps, five.attested) == (5, NOW, (stamp,), True)
    assert [s.name for s in notes.parse(five.note.encode()).signatures] == ["log", "witness", "another"]
    sizes: Callable[..., int | None] = lambda found: found and found.size  # noqa: E731 - short
    assert [sizes(archive.newest(most=n)) for n in (0, 1, 8, 9, 10)] == [None, 1, 5, 9, 9]
    assert [sizes(archive.oldest(least=n)) for n in (0, 1, 2, 9, 10)] == [1, 1, 5, 9, None]
    assert [sizes(archive.oldest(least=n, attested=True)) for n in (0, 6)] == [5, None]
    assert archive.oldest(least=6, attested=True) is None


def test_a_checkpoint_of_which_nobody_spoke_goes_when_it_is_old(log: Log) -> None:
    for minute, size in enumerate((1, 2, 3)):
        log.archive.publish(size, note(size, "log"), NOW + timedelta(minutes=minute))
    log.archive.attest(1, note=note(1, "witness"))
    log.archive.publish(4, note(4, "log"), NOW + timedelta(minutes=11, seconds=30))
    kept = [log.archive.newest(most=n) for n in (1, 2, 3, 4)]
    assert [p and p.size for p in kept] == [1, 1, 3, 4]


def test_a_second_checkpoint_of_one_size_is_a_fork(log: Log) -> None:
    log.archive.publish(3, note(3, "log"), NOW)
    other = note(3, "log", root="AAAA" * 10 + "AAA=")
    with pytest.raises(Unproven, match=r"checkpoint\.forked"):
        log.archive.publish(3, other, NOW)
    with pytest.raises(Unproven, match=r"checkpoint\.forked"):
        log.archive.attest(3, note=other)
    with pytest.raises(Misused, match=r"checkpoint\.unknown"):
        log.archive.attest(4, note=other)
    kept = log.archive.newest()
    assert kept is not None
    assert kept.note == note(3, "log")


def test_a_hold_stands_until_it_is_released(log: Log) -> None:
    hold = Hold("h1", "7", "(2026) 京01民初1号", "court", NOW)
    placed = Outcome(None, (Entry("hold.placed", "7", "court", NOW),))
    log.holds.place(hold, placed)
    log.holds.place(replace(hold, reason="another"), placed)
    log.holds.place(replace(hold, id="h0"), placed)
    assert log.holds.active() == [replace(hold, id="h0"), hold]
    for _ in range(2):
        log.holds.release("h1", NOW, Outcome(None, (Entry("hold.released", "7", "court", NOW),)))
    assert [h.id for h in log.holds.active()] == ["h0"]
    assert [r.entry.kind for r in log.ledger.records()] == ["hold.placed", "hold.placed", "hold.released"]
    with pytest.raises(Misused, match=r"hold\.unknown"):
        log.holds.release("h2", NOW, placed)
