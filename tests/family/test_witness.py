"""A witness by the letter of c2sp.org/tlog-witness: pure, over HTTP, under a race, killed, and attacked."""

import contextlib
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tlog_scales.signing import Vkey, VkeySet
from tlog_scales.tlog import Checkpoint as ForeignCheckpoint

from mingwen import wiring_watch
from mingwen.adapters._http import Line
from mingwen.adapters.seen.sqlite import SqliteSeen
from mingwen.adapters.witnesses.http import HttpWitness
from mingwen.domain.errors import Malformed, MingwenError, Unavailable, Unproven
from mingwen.ports import WitnessWorld
from mingwen.proofs import merkle, notes, witnessing
from mingwen.proofs.notes import Checkpoint, Key, Signature
from mingwen.services import witnessing as service
from mingwen.web import witness as web
from mingwen.web import witness_page
from mingwen.web.witness import WitnessServer
from witnesses import LEAVES, Log, serving

NAME = "witness.example/w1"
LOG = Log()
OTHER = Log(twist=1)
"""It signs with the same key another tree."""


class Clock:
    """It stands still."""

    def now(self) -> datetime:
        """Return always the same."""
        return datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WitnessWorld]:
    signers = []
    for kind in wiring_watch.KINDS:
        wiring_watch.new_cosigner(tmp_path / kind, NAME, kind)
        signers.append(wiring_watch.cosigner(tmp_path / kind, NAME))
    seen = SqliteSeen(tmp_path / "seen.db")
    yield WitnessWorld(Clock(), seen, signers, {LOG.origin: [LOG.key]})
    seen.close()


@pytest.fixture
def server(world: WitnessWorld) -> Iterator[WitnessServer]:
    made = WitnessServer("127.0.0.1", 0, world)
    thread = threading.Thread(target=lambda: made.serve_forever(poll_interval=0.01))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.stop()


def address(server: WitnessServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def asked(old: int, new: int, log: Log = LOG) -> bytes:
    return witnessing.written(old, log.proof(old, new), log.note(new))


def keys(world: WitnessWorld) -> list[Key]:
    return [s.key for s in world.signers]


# the rules


def test_a_first_and_a_second_checkpoint_are_cosigned_with_both_keys(world: WitnessWorld) -> None:
    for old, new in ((0, 5), (5, 300), (300, 300)):
        answer = service.cosign(world, asked(old, new))
        assert (answer.status, answer.content_type) == (200, witnessing.PLAIN)
        note = notes.parse((LOG.note(new) + answer.body).encode())
        at = int(Clock().now().timestamp())
        assert [held.at for held in (notes.check(note, k) for k in keys(world)) if held] == [at, at]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (asked(0, 7, Log("log.example/two")), 404),
        (witnessing.written(5, [], Log(private=Ed25519PrivateKey.generate()).note(7)), 403),
        (asked(5, 7).replace("— log.example/one ".encode(), "— log.example/x ".encode()), 403),
        (witnessing.written(5, LOG.proof(5, 7), LOG.text(7) + "\n" + str(Signature(LOG.origin, LOG.key.id, bytes(64)))), 403),
        (witnessing.written(8, [], LOG.note(7)), 400),
        (asked(4, 7), 409),
        (asked(0, 7), 409),
        (witnessing.written(0, LOG.proof(5, 7), LOG.note(7)), 409),
        (witnessing.written(5, LOG.proof(5, 7)[1:], LOG.note(7)), 422),
        (witnessing.written(5, [*LOG.proof(5, 7), bytes(32)], LOG.note(7)), 422),
        (witnessing.written(5, OTHER.proof(5, 7), OTHER.note(7)), 422),
        (witnessing.written(5, [], OTHER.note(5)), 422),
        (witnessing.written(5, [bytes(32)], LOG.note(5)), 422),
    ],
)
def test_every_refusal_has_its_status_and_signs_nothing(world: WitnessWorld, body: bytes, status: int) -> None:
    service.cosign(world, asked(0, 5))
    kept = world.seen.read(LOG.origin)
    answer = service.cosign(world, body)
    assert answer.status == status
    assert "—" not in answer.body
    assert world.seen.read(LOG.origin) == kept
    if status == 409:
        assert (answer.body, answer.content_type) == ("5\n", "text/x.tlog.size")


def test_a_signature_that_does_not_hold_voids_one_that_does(world: WitnessWorld) -> None:
    wrong = Signature(LOG.origin, LOG.key.id, bytes(64))
    assert service.cosign(world, asked(0, 5) + str(wrong).encode()).status == 403


def test_signatures_of_strangers_are_ignored_and_not_kept(world: WitnessWorld) -> None:
    strange = "".join(str(Signature(f"stranger.example/{i}", bytes(4), bytes(64))) for i in range(20))
    assert service.cosign(world, asked(0, 5) + strange.encode()).status == 200
    assert "stranger" not in (world.seen.read(LOG.origin) or "")


def test_an_empty_tree_has_its_root_and_no_proof(world: WitnessWorld) -> None:
    assert service.cosign(world, witnessing.written(0, [], LOG.note(0, bytes(31) + b"\1"))).status == 422
    assert service.cosign(world, witnessing.written(0, [bytes(32)], LOG.note(0))).status == 422
    assert service.cosign(world, asked(0, 0)).status == 200
    assert service.cosign(world, witnessing.written(0, [bytes(32)], LOG.note(9))).status == 422
    assert service.cosign(world, asked(0, 9)).status == 200


def test_every_pair_of_sizes_is_followed(world: WitnessWorld) -> None:
    def judged(log: Log, old: int, new: int) -> object:
        known = Checkpoint(LOG.origin, old, LOG.root(old))
        return witnessing.judge(witnessing.parse(asked(old, new, log)), known, world.logs)

    for old in range(34):
        for new in range(old, 35):
            assert isinstance(judged(LOG, old, new), witnessing.Accepted), (old, new)
            if old > 1:
                assert isinstance(judged(OTHER, old, new), witnessing.Answer), (old, new)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 5",
        b"old 5\n\n",
        b"old 05\n\n" + LOG.note(5).encode(),
        b"old -1\n\n" + LOG.note(5).encode(),
        b"old +5\n\n" + LOG.note(5).encode(),
        "old ５\n\n".encode() + LOG.note(5).encode(),
        b"old  5\n\n" + LOG.note(5).encode(),
        b"Old 5\n\n" + LOG.note(5).encode(),
        b"old 5\r\n\r\n" + LOG.note(5).encode(),
        b"old 5\nAAAA\n\n" + LOG.note(5).encode(),
        b"old 5\n" + b"A" * 43 + b"B=\n\n" + LOG.note(5).encode(),
        b"old 5\n" + b"A" * 42 + b"B=\n\n" + LOG.note(5).encode(),
        b"old 5\n!!!!\n\n" + LOG.note(5).encode(),
        b"old 5\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + LOG.note(5).encode(),
        b"old 0\n\n" + LOG.text(5).encode(),
        b"old 0\n\n" + LOG.note(5).encode()[:-1],
        b"old 0\n\n" + LOG.note(5).replace("\n5\n", "\n05\n").encode(),
        b"old 0\n\n" + b"\xff" + LOG.note(5).encode(),
        b"old 0\n\n" + LOG.note(5).encode() * 700,
    ],
)
def test_what_is_no_request_is_bad(world: WitnessWorld, body: bytes) -> None:
    assert service.cosign(world, body).status == 400
    with pytest.raises(Malformed):
        witnessing.parse(body)


def test_63_lines_of_proof_may_come() -> None:
    body = witnessing.written(5, [bytes(32)] * 63, LOG.note(7))
    assert len(witnessing.parse(body).proof) == 63
    assert len(body) < witnessing.MOST_REQUEST_BYTES


def test_the_request_of_the_specification_is_read() -> None:
    body = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
"""
    request = witnessing.parse(body.encode())
    assert (request.old, len(request.proof), request.checkpoint.size) == (20852014, 4, 20852163)
    assert witnessing.written(request.old, request.proof, str(request.note)) == body.encode()


def test_a_foreign_verifier_accepts_both_cosignatures(world: WitnessWorld) -> None:
    answer = service.cosign(world, asked(0, 300))
    signed = ForeignCheckpoint.from_text(LOG.note(300) + answer.body)
    ours = VkeySet(*(Vkey.from_string(str(k)) for k in keys(world)))
    assert {v.sig_type for v, _ in ours.verify(signed.signatures, signed)} == {4, 6}
    assert ours.verify(signed.signatures, ForeignCheckpoint.from_text(LOG.note(299))) == set()


def test_two_trees_of_one_size_are_kept_as_evidence(server: WitnessServer, world: WitnessWorld) -> None:
    path = f"/{sha256(LOG.origin.encode()).hexdigest()}/fork"
    service.cosign(world, asked(0, 5))
    for body in (witnessing.written(5, [], OTHER.note(7)), witnessing.written(0, [], OTHER.note(5))):
        service.cosign(world, body)  # a proof that does not hold and an old size are none
    first = service.cosign(world, asked(5, 5))
    assert got(server, path)[0] == 404
    assert service.cosign(world, witnessing.written(5, [], OTHER.note(5))).status == 422
    status, body = got(server, path)
    assert (status, json.loads(body)) == (200, [LOG.note(5) + first.body, OTHER.note(5)])
    assert [log.forked for log in service.overview(world)] == [True]
    assert "two roots for one size" in got(server, "/")[1].decode()


# keys


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    wiring_watch.new_cosigner(path, NAME, "ed25519")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(MingwenError, match="mode 600"):
        wiring_watch.cosigner(path, NAME)


def test_no_key_is_made_under_a_name_that_none_may_have(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match=r"key\.verifier"):
        wiring_watch.new_cosigner(tmp_path / "key.pem", "a name+", "ed25519")
    assert not list(tmp_path.iterdir())


def test_openssl_reads_the_key(tmp_path: Path) -> None:
    key = wiring_watch.new_cosigner(tmp_path / "key.pem", NAME, "ed25519")
    command = ["openssl", "pkey", "-in", str(tmp_path / "key.pem"), "-pubout", "-outform", "DER"]
    spki = subprocess.run(command, check=True, capture_output=True).stdout
    assert spki.endswith(key.public)


# the client and the server


def test_the_client_gets_what_the_server_signs(server: WitnessServer, world: WitnessWorld) -> None:
    witness = HttpWitness(address(server), *keys(world))
    given = witness.cosign(0, [], LOG.note(5))
    assert not isinstance(given, int)
    assert [(s.name, s.id) for s in given] == [(k.name, k.id) for k in keys(world)]
    assert witness.cosign(0, [], LOG.note(7)) == 5
    assert not isinstance(witness.cosign(5, LOG.proof(5, 7), LOG.note(7)), int)
    with pytest.raises(Unproven, match="422"):
        witness.cosign(7, [], OTHER.note(7))
    with pytest.raises(Unproven, match="404"):
        witness.cosign(0, [], Log("log.example/two").note(7))


def test_the_client_believes_no_other_key(server: WitnessServer, world: WitnessWorld, tmp_path: Path) -> None:
    stranger = wiring_watch.new_cosigner(tmp_path / "stranger", NAME, "ed25519")
    with pytest.raises(Unproven, match="no signature by its key"):
        HttpWitness(address(server), stranger).cosign(0, [], LOG.note(5))
    # Only the key that is known is taken from an answer that holds two.
    given = HttpWitness(address(server), keys(world)[0]).cosign(5, [], LOG.note(5))
    assert not isinstance(given, int)
    assert [s.id for s in given] == [keys(world)[0].id]


def test_the_client_asks_again_where_the_server_hung_up_meanwhile(
    server: WitnessServer, world: WitnessWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "REQUEST_SECONDS", 0.2)
    witness = HttpWitness(address(server), *keys(world))
    assert witness.cosign(7, [], LOG.note(7)) == 0
    deadline = time.monotonic() + 5
    while server._open:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not isinstance(witness.cosign(0, [], LOG.note(7)), int)


def test_the_client_tells_of_whom_it_cannot_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unavailable, match=r"remote\.unreachable"):
        HttpWitness(f"http://127.0.0.1:{port}", LOG.key).cosign(0, [], LOG.note(5))
    for url in ("ftp://a.example", "file:///etc/passwd", "https://", "http://u:p@a.example/", "http://[::1"):
        with pytest.raises(MingwenError, match=r"remote\.url"):
            HttpWitness(url, LOG.key)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"a" * 200_000,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\nContent-Length: 3\r\n\r\n1e9",
        b"HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\nContent-Length: 2\r\n\r\n0\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        b"no http at all\r\n\r\n",
        b"",
    ],
)
def test_whatever_a_witness_says_is_an_error_of_ours(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def once() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                with contextlib.suppress(OSError):  # who has heard enough hangs up
                    connection.sendall(said)

        thread = threading.Thread(target=once)
        thread.start()
        with pytest.raises((Unproven, Unavailable)):
            HttpWitness(f"http://127.0.0.1:{listening.getsockname()[1]}", LOG.key).cosign(0, [], LOG.note(5))
        thread.join()


def test_whoever_answers_drop_by_drop_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while True:
                    connection.sendall(b"X: y\r\n")
                    time.sleep(0.1)

        thread = threading.Thread(target=drip)
        thread.start()
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            Line(f"http://127.0.0.1:{listening.getsockname()[1]}", whole_seconds=0.3).ask("x", most_bytes=10)
        assert time.monotonic() - begun < 3
        thread.join()


def test_monitors_get_the_checkpoint_as_it_was_cosigned(server: WitnessServer, world: WitnessWorld) -> None:
    path = f"/{sha256(LOG.origin.encode()).hexdigest()}/checkpoint"
    assert got(server, path)[0] == 404
    answer = service.cosign(world, asked(0, 300))
    status, body = got(server, path)
    assert (status, body.decode()) == (200, LOG.note(300) + answer.body)
    assert got(server, "/" + "0" * 64 + "/checkpoint")[0] == 404


def test_the_page_tells_who_it_is_and_escapes_names(server: WitnessServer, world: WitnessWorld) -> None:
    assert "No checkpoint yet" in got(server, "/")[1].decode()
    service.cosign(world, asked(0, 300))
    page = got(server, "/")[1].decode()
    assert all(str(k) in page for k in keys(world))
    assert all(word in page for word in (LOG.origin, "<dd>300</dd>", "2026-11-22 12:00:00 UTC", 'lang="zh"', "见证方"))
    evil = Key("<script>", LOG.key.kind, LOG.key.public)
    strange = WitnessWorld(world.clock, world.seen, world.signers, {"<script>": [evil]})
    assert "<script>" not in witness_page.page(strange)


def got(server: WitnessServer, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(address(server)).netloc, timeout=5)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


# strangers


def post(body: bytes, *headers: str, path: str = "/add-checkpoint") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: w", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


def length(body: bytes) -> str:
    return f"Content-Length: {len(body)}"


def talked(server: WitnessServer, *said: bytes, pause_seconds: float = 0) -> bytes:
    """Say something to the server, and hear all it says until it hangs up."""
    with socket.create_connection(server.server_address[:2], timeout=5) as connection:  # type: ignore[arg-type]
        try:
            for piece in said:
                connection.sendall(piece)
                time.sleep(pause_seconds)
            connection.shutdown(socket.SHUT_WR)
        except OSError:  # it has hung up already
            pass
        heard = b""
        try:
            while piece := connection.recv(1 << 16):
                heard += piece
        except ConnectionResetError:
            pass
        return heard


GOOD = asked(0, 5)


@pytest.mark.parametrize(
    ("said", "statuses"),
    [
        (post(GOOD, length(GOOD)), [200]),
        (post(GOOD, length(GOOD)) * 3, [200, 409, 409]),
        (post(GOOD, length(GOOD), "Connection: close") * 2, [200]),
        (post(GOOD), [411]),
        (post(b"5\r\nold 0\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), [411]),
        (post(GOOD, length(GOOD), "Transfer-Encoding: chunked"), [411]),
        (post(GOOD, length(GOOD), length(GOOD)), [400]),
        (post(GOOD, "Content-Length: -1"), [400]),
        (post(GOOD, "Content-Length: +5"), [400]),
        (post(GOOD, "Content-Length: 1_0"), [400]),
        (post(GOOD, "Content-Length: ９"), [400]),
        (post(b"", "Content-Length: 65537"), [413]),
        (post(b"", "Content-Length: 99999999999999999999"), [400]),
        (post(GOOD, f"Content-Length: {len(GOOD) + 1}"), [400]),
        (post(GOOD, length(GOOD), path="/add-checkpoints"), [404]),
        (post(GOOD, length(GOOD), path="/../../etc/passwd"), [404]),
        (b"GET /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n", [404]),
        (b"GET / HTTP/1.1\r\nHost: w\r\nContent-Length: 70000\r\n\r\n", [413]),
        (b"PUT /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n", [501]),
        (b"GET / HTTP/9.9\r\n\r\n", [505]),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", [414]),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", [431]),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", [431]),
        (b"\0\1\2\xff\n\n", [400]),
        (b"", []),
    ],
    ids=lambda value: str(value)[:40],
)
def test_hostile_requests_get_a_status_and_the_next_is_served(server: WitnessServer, said: bytes, statuses: list[int]) -> None:
    heard = talked(server, said)
    assert [int(s) for s in re.findall(rb"^HTTP/1\.1 (\d{3}) ", heard, re.MULTILINE)] == statuses or b"<!doc" in heard
    assert got(server, "/")[0] == 200


def test_a_request_in_small_pieces_is_served(server: WitnessServer) -> None:
    whole = post(GOOD, length(GOOD))
    pieces = [whole[i : i + 40] for i in range(0, len(whole), 40)]
    assert talked(server, *pieces, pause_seconds=0.002).startswith(b"HTTP/1.1 200 ")


def test_whoever_is_slow_is_cut_off(server: WitnessServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "REQUEST_SECONDS", 0.3)
    begun = time.monotonic()
    heard = talked(server, *[b"POST /add-checkpoint HTTP/1.1\r\n", *[b"X: y\r\n"] * 15], pause_seconds=0.05)
    assert heard == b""
    assert time.monotonic() - begun < 3
    assert got(server, "/")[0] == 200


def test_only_so_many_are_served_at_once(server: WitnessServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MOST_CONNECTIONS", 3)
    monkeypatch.setattr(web, "REQUEST_SECONDS", 1.0)
    place = server.server_address[:2]
    idle = [socket.create_connection(place, timeout=5) for _ in range(3)]  # type: ignore[arg-type]
    assert talked(server, b"GET / HTTP/1.1\r\n\r\n") == b""
    for connection in idle:  # they are hung up on in time, and then there is room
        assert connection.recv(1) == b""
        connection.close()
    deadline = time.monotonic() + 5
    while not talked(server, b"GET / HTTP/1.1\r\n\r\n"):
        assert time.monotonic() < deadline


def test_what_cannot_be_kept_is_not_signed(server: WitnessServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "seen.db").rename(tmp_path / "away.db")
    assert talked(server, post(GOOD, length(GOOD))).startswith(b"HTTP/1.1 503 ")
    assert "seen.gone" in capfd.readouterr().err
    (tmp_path / "away.db").rename(tmp_path / "seen.db")
    assert talked(server, post(GOOD, length(GOOD))).startswith(b"HTTP/1.1 200 ")


# races and crashes


def test_threads_that_race_make_one_chain(world: WitnessWorld) -> None:
    steps: list[tuple[int, int]] = []

    def run(seed: int) -> None:
        chance = random.Random(seed)
        size = 0
        for _ in range(25):
            new = min(size + chance.randint(1, 9), len(LEAVES))
            answer = service.cosign(world, asked(size, new))
            if answer.status == 200:
                steps.append((size, new))
                size = new
            else:
                assert answer.status == 409
                size = int(answer.body)

    race(run, 6)
    assert_chain(steps, world.seen.read(LOG.origin))


def test_two_servers_on_one_file_make_one_chain(tmp_path: Path) -> None:
    key = wiring_watch.new_cosigner(tmp_path / "key", NAME, "ed25519")
    steps: list[tuple[int, int]] = []
    with serving(tmp_path, "key", logs=[LOG.key]) as (one, _), serving(tmp_path, "key", logs=[LOG.key]) as (two, _):

        def run(seed: int) -> None:
            chance = random.Random(seed)
            witness, size = HttpWitness(one if seed % 2 else two, key), 0
            for _ in range(12):
                new = min(size + chance.randint(1, 9), len(LEAVES))
                given = witness.cosign(size, LOG.proof(size, new), LOG.note(new))
                if isinstance(given, int):
                    size = given
                else:
                    steps.append((size, new))
                    size = new

        race(run, 6)
    seen = SqliteSeen(tmp_path / "seen.db")
    assert_chain(steps, seen.read(LOG.origin))
    seen.close()


def test_a_killed_witness_forgets_nothing_that_it_signed(tmp_path: Path) -> None:
    key = wiring_watch.new_cosigner(tmp_path / "key", NAME, "ed25519")
    chance, size = random.Random(5), 0
    for _ in range(4):
        with serving(tmp_path, "key", logs=[LOG.key]) as (url, process):
            witness = HttpWitness(url, key)
            kept = witness.cosign(len(LEAVES), [], LOG.note(len(LEAVES)))
            assert isinstance(kept, int)
            assert kept in {size, size + 1}  # the last may be kept and its answer lost, never the other way round
            size = kept
            timer = threading.Timer(chance.uniform(0.01, 0.15), os.kill, (process, signal.SIGKILL))
            timer.start()
            try:
                while size < len(LEAVES):
                    assert not isinstance(witness.cosign(size, LOG.proof(size, size + 1), LOG.note(size + 1)), int)
                    size += 1
            except Unavailable:
                pass
            timer.join()
    assert size > 4


def test_a_witness_stops_well_when_it_is_asked_to(tmp_path: Path) -> None:
    wiring_watch.new_cosigner(tmp_path / "key", NAME, "ed25519")
    with serving(tmp_path, "key", logs=[LOG.key]) as (url, process):
        idle = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
        idle.request("GET", "/")
        assert idle.getresponse().read()
        os.kill(process, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        idle.close()


def test_the_command_makes_keys_and_shows_them(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mingwen", "witness", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    made = [run("key", "new", "-o", kind, "--name", NAME, "--kind", kind).stdout.strip() for kind in ("ed25519", "ml-dsa-44")]
    who = ("--name", NAME, "--key", "ed25519", "--key", "ml-dsa-44", "--log", str(LOG.key), "--state", "s.db")
    assert run("show", *who).stdout.splitlines() == [*made, f"{LOG.origin}: –"]
    again = run("key", "new", "-o", "ed25519", "--name", NAME)
    assert (again.returncode, "key.exists" in again.stderr) == (1, True)
    assert run("serve", "--name", NAME, "--key", "ed25519", "--state", "s.db").returncode == 2


def race(work: object, count: int) -> None:
    faults: list[BaseException] = []

    def run(seed: int) -> None:
        try:
            work(seed)  # type: ignore[operator]
        except BaseException as e:  # noqa: BLE001 - told below
            faults.append(e)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def assert_chain(steps: list[tuple[int, int]], kept: str | None) -> None:
    """Each step that was signed begins where another ended: nothing was rolled back in between."""
    grown = sorted(s for s in steps if s[0] < s[1])
    assert grown[0][0] == 0
    assert [new for _, new in grown[:-1]] == [old for old, _ in grown[1:]]
    assert kept
    assert notes.parse_checkpoint(notes.parse(kept.encode()).text).root == LOG.root(grown[-1][1])
    assert merkle.EMPTY_ROOT not in kept.encode()
