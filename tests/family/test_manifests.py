"""C2PA manifests: every kind of file, every way to break one, and the keys."""

import contextlib
import io
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import c2pa
import pillow_heif
import pytest
from PIL import Image

from manifest_chain import FIRST, LABEL, PRODUCER, STATEMENT, Chain, Stuck, read, signed
from mingwen import formats
from mingwen.adapters.files.disk import Disk
from mingwen.adapters.manifests import c2pa_manifests
from mingwen.adapters.manifests.c2pa_manifests import C2paManifests
from mingwen.domain.errors import Malformed, MingwenError, Unavailable
from mingwen.domain.labels import Claim, produced, propagated, to_json
from mingwen.domain.manifests import (
    AIGC_ASSERTION,
    TRAINED,
    Action,
    Agent,
    Disclosure,
    Manifest,
    State,
    Statement,
    Status,
    Where,
    definition,
    findings,
)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain"))


def picture(media: Path, out: Path, **given: Any) -> None:
    with Image.open(media / "chelsea.png") as image:
        image.convert("RGB").resize((150, 100)).save(out, **given)


def heic(media: Path, out: Path) -> None:
    with Image.open(media / "chelsea.png") as image:
        pillow_heif.from_pillow(image.resize((150, 100))).save(out)


def ffmpeg(source: str, *arguments: str) -> Callable[[Path, Path], None]:
    def make(media: Path, out: Path) -> None:
        subprocess.run(("ffmpeg", "-v", "error", "-i", str(media / source), *arguments, str(out)), check=True)

    return make


def svg(_: Path, out: Path) -> None:
    shapes = "".join(f'<circle cx="{i}" cy="{i * 7 % 100}" r="3"/>' for i in range(200))
    out.write_text(f'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="200" height="100">{shapes}</svg>')


MAKERS: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "png": ("image/png", picture),
    "jpg": ("image/jpeg", picture),
    "webp": ("image/webp", picture),
    "gif": ("image/gif", picture),
    "tiff": ("image/tiff", picture),
    "avif": ("image/avif", picture),
    "heic": ("image/heic", heic),
    "svg": ("image/svg+xml", svg),
    "pdf": ("application/pdf", picture),
    "wav": ("audio/wav", ffmpeg("speech.wav", "-t", "1")),
    "mp3": ("audio/mpeg", ffmpeg("speech.wav", "-t", "1")),
    "m4a": ("audio/mp4", ffmpeg("speech.wav", "-t", "1")),
    "flac": ("audio/flac", ffmpeg("speech.wav", "-t", "1")),
    "mp4": ("video/mp4", ffmpeg("bunny.mp4", "-t", "1", "-vf", "scale=128:72")),
    "mov": ("video/quicktime", ffmpeg("bunny.mp4", "-t", "1", "-vf", "scale=128:72", "-f", "mov")),
    "avi": ("video/x-msvideo", ffmpeg("bunny.mp4", "-t", "1", "-vf", "scale=128:72", "-f", "avi")),
}
LABELLED = ("png", "jpg", "webp", "wav", "mp3", "m4a", "mp4", "mov")
"""Kinds whose label is changed by a byte below."""


@pytest.fixture(scope="module")
def samples(media: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One small file of every kind; those that a format of ours knows are labelled."""
    folder, out = tmp_path_factory.mktemp("samples"), {}
    for kind, (_, make) in MAKERS.items():
        path = folder / f"a.{kind}"
        make(media, path)
        out[kind] = labelled(path.read_bytes(), path.suffix) if kind in LABELLED else path.read_bytes()
    return out


def labelled(data: bytes, suffix: str, label: str = LABEL) -> bytes:
    sink = io.BytesIO()
    Disk().splice(io.BytesIO(data), sink, formats.of(data[: formats.HEAD_BYTES], suffix).splice(io.BytesIO(data), label))
    return sink.getvalue()


def codes(manifest: Manifest, label: str | None = LABEL) -> list[str]:
    return [f.code for f in findings(manifest, label=label)]


def whats(manifest: Manifest) -> set[str]:
    return {f.code.removeprefix("manifest.tampered-") for f in findings(manifest) if f.code.startswith("manifest.tampered-")}


def one_byte_off(out: bytes, data: bytes) -> bytes:
    """Change a digit, which stays one, where the middle of ``data`` stands in ``out``."""
    middle = next(i for i in range(len(data) // 2, len(data)) if data[i : i + 1].isdigit())
    at = out.index(data[middle - 8 : middle + 8]) + 8
    return out[:at] + bytes((out[at] ^ 1,)) + out[at + 1 :]


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_signed_reads_back_valid_and_then_trusted(chain: Chain, samples: dict[str, bytes], kind: str) -> None:
    mime = MAKERS[kind][0]
    assert chain.port().read(io.BytesIO(samples[kind]), mime, None) is None
    out = signed(chain.port(), samples[kind], mime)
    found = read(chain.port(), out, mime)
    assert (found.where, found.state, found.failures) == (Where.EMBEDDED, State.VALID, ())
    assert (found.signer, found.issuer, found.time) == ("Mingwen test signer", "TEST ONLY", "")
    assert (found.agent, found.source_types, found.actions) == (Agent("Painter", "1.2"), (TRAINED,), ("c2pa.created",))
    assert (found.aigc, found.ingredients) == (LABEL, 0)
    assert codes(found) == ["manifest.valid", "manifest.unknown-signer"]
    trusted = read(chain.port(trust=chain.root), out, mime)
    assert (trusted.state, codes(trusted)) == (State.TRUSTED, ["manifest.valid", "manifest.trusted"])


@pytest.mark.parametrize("kind", MAKERS)
def test_a_byte_of_the_content_is_named(chain: Chain, samples: dict[str, bytes], kind: str) -> None:
    mime = MAKERS[kind][0]
    out = one_byte_off(signed(chain.port(), samples[kind], mime), samples[kind])
    found = read(chain.port(trust=chain.root), out, mime)
    assert (found.state, whats(found)) == (State.INVALID, {"content"})
    assert {s.code for s in found.failures} <= {"assertion.dataHash.mismatch", "assertion.bmffHash.mismatch"}


@pytest.mark.parametrize("kind", LABELLED)
def test_a_byte_of_the_label_is_named(chain: Chain, samples: dict[str, bytes], kind: str) -> None:
    mime, out = MAKERS[kind][0], bytearray(signed(chain.port(), samples[kind], MAKERS[kind][0]))
    store = out.index(b"jumb") - 4
    inside = range(store, store + int.from_bytes(out[store : store + 4], "big"))
    outside = [at for at in range(len(out)) if out.startswith(PRODUCER.encode(), at) and at not in inside]
    assert outside
    for at in outside:
        out[at + 5] = ord("9")
    found = read(chain.port(), bytes(out), mime)
    changed = LABEL.replace(PRODUCER, PRODUCER[:5] + "9" + PRODUCER[6:])
    assert codes(found, changed)[:1] == ["manifest.tampered-content"]
    assert findings(found, label=changed)[-1].message() == (
        "the label in the signed manifest and the label in the file differ in ContentProducer, ContentPropagator"
    )


@pytest.mark.parametrize("kind", [k for k in MAKERS if k not in {"gif", "svg"}])  # these cut the manifest up, or encode it
def test_a_byte_of_the_manifest_is_named(chain: Chain, samples: dict[str, bytes], kind: str) -> None:
    mime, out = MAKERS[kind][0], signed(chain.port(), samples[kind], MAKERS[kind][0])
    store = out.index(b"jumb")
    for mark, skip, what in (
        (PRODUCER.encode(), 3, "label"),
        (b"claim_generator_info", 30, "manifest"),
        (b"c2pa.signature", 100, "manifest"),
    ):
        broken = bytearray(out)
        broken[out.index(mark, store) + skip] ^= 1
        found = read(chain.port(trust=chain.root), bytes(broken), mime)
        assert found.state in {State.INVALID, State.UNREADABLE}, (mark, found)
        assert what in whats(found) or codes(found) == ["manifest.unreadable"], (mark, codes(found), found.failures)


def test_the_librarys_own_report_says_the_same(chain: Chain, samples: dict[str, bytes]) -> None:
    statement = Statement(LABEL, Agent("P"), "t", STATEMENT.when, disclosure=Disclosure("M"))
    out = signed(chain.port(), samples["jpg"], "image/jpeg", statement)
    found = read(chain.port(), out, "image/jpeg")
    with c2pa.Reader("image/jpeg", io.BytesIO(out)) as reader:
        report, detail = json.loads(reader.json()), json.loads(reader.detailed_json())
    assert report["active_manifest"] == found.id
    active = report["manifests"][found.id]
    results = report["validation_results"]["activeManifest"]
    assert [(s["code"], s["url"]) for s in results["success"] + results["informational"] + results["failure"]] == [
        (s.code, s.url) for s in found.statuses
    ]
    said = {a["label"]: a["data"] for a in active["assertions"]}
    assert json.dumps(said[AIGC_ASSERTION], separators=(",", ":")) == LABEL
    assert said["c2pa.ai-disclosure"] == {"modelType": "c2pa.types.model", "modelName": "M"}
    assert said["c2pa.actions.v2"]["actions"] == [
        {
            "action": "c2pa.created",
            "when": "2026-01-02T03:04:05Z",
            "softwareAgent": {"name": "P"},
            "digitalSourceType": TRAINED,
        }
    ]
    assert active["signature_info"]["common_name"] == found.signer
    assert "thumbnail" not in active
    claim = detail["manifests"][found.id]["claim"]
    assert len(claim["created_assertions"]) == 4  # C2PA 2.2 §10.3: the signer's own, with the hash
    assert "gathered_assertions" not in claim


def test_a_platform_keeps_the_producers_manifest_as_parent(chain: Chain, samples: dict[str, bytes]) -> None:
    for kind in ("png", "mp4", "mp3"):
        mime = MAKERS[kind][0]
        first = signed(chain.port(), samples[kind], mime)
        label = to_json(propagated(FIRST, propagator="platform", propagate_id="7"))
        statement = Statement(label, Agent("Platform"), "t", STATEMENT.when, Action.EDITED_METADATA)
        second = signed(chain.port(), labelled(first, f".{kind}", label), mime, statement, first)
        found = read(chain.port(), second, mime)
        assert (found.state, found.ingredients, found.aigc) == (State.VALID, 1, label)
        assert found.actions == ("c2pa.opened", "c2pa.edited.metadata")
        assert any(s.code == "ingredient.manifest.validated" for s in found.statuses)
        assert codes(found, label) == ["manifest.valid", "manifest.unknown-signer"]


def test_a_label_that_a_platform_changed_without_signing_contradicts_the_manifest(
    chain: Chain, samples: dict[str, bytes]
) -> None:
    label = to_json(propagated(FIRST, propagator="platform", propagate_id="7"))
    for kind in ("png", "mp4"):
        mime = MAKERS[kind][0]
        found = read(chain.port(), labelled(signed(chain.port(), samples[kind], mime), f".{kind}", label), mime)
        assert codes(found, label) == ["manifest.tampered-content", "manifest.label-differs"]
        assert dict(findings(found, label=label)[-1].given)["fields"] == "ContentPropagator, PropagateID"


@pytest.mark.parametrize("kind", ["matroska", "ogg", "docx", "text"])
def test_a_file_without_room_gets_its_manifest_beside(chain: Chain, media: Path, tmp_path: Path, kind: str) -> None:
    data = (media / "document.md").read_bytes()
    if kind in {"matroska", "ogg"}:
        make = ffmpeg("speech.wav", "-t", "1", "-f", kind, *(("-c:a", "libopus") if kind == "ogg" else ()))
        make(media, tmp_path / "a")
        data = (tmp_path / "a").read_bytes()
    elif kind == "docx":
        (tmp_path / "document.xml").write_bytes(data)
        subprocess.run((sys.executable, "-m", "zipfile", "-c", "a.zip", "document.xml"), cwd=tmp_path, check=True)
        data = (tmp_path / "a.zip").read_bytes()
    sink = io.BytesIO()
    manifest = chain.port().sign(io.BytesIO(data), sink, "", STATEMENT, None)
    assert manifest
    assert sink.getvalue() == b""
    found = read(chain.port(trust=chain.root), data, "", manifest)
    assert (found.where, found.state, found.aigc) == (Where.BESIDE, State.TRUSTED, LABEL)
    for other in (data[:-1], data + b"\n", b"x" + data[1:]):
        assert whats(read(chain.port(), other, "", manifest)) == {"content"}
    assert codes(read(chain.port(), data, "", manifest[:500])) == ["manifest.unreadable"]
    assert chain.port().read(io.BytesIO(data), "", None) is None


def test_a_manifest_elsewhere_is_named_and_not_fetched(chain: Chain, samples: dict[str, bytes]) -> None:
    signing, sink = chain.signing(), io.BytesIO()
    with (
        c2pa.Builder(definition(STATEMENT, Agent("a"))) as builder,
        c2pa.Signer.from_callback(signing.sign, c2pa.C2paSigningAlg.ES256, signing.chain) as signer,
    ):
        builder.set_no_embed()
        builder.set_remote_url("http://192.0.2.1/m.c2pa")
        manifest = builder.sign(signer, "image/png", io.BytesIO(samples["png"]), sink)
    found = read(chain.port(), sink.getvalue(), "image/png")
    assert (found.where, found.state, found.remote_url) == (Where.REMOTE, State.UNFETCHED, "http://192.0.2.1/m.c2pa")
    assert codes(found) == ["manifest.remote"]
    assert read(chain.port(), sink.getvalue(), "image/png", manifest).where is Where.BESIDE


def test_a_manifest_elsewhere_is_fetched_where_that_is_wanted(chain: Chain, samples: dict[str, bytes]) -> None:
    signing, sink, answer = chain.signing(), io.BytesIO(), b""

    class Serving(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's name
            pass

    with (
        HTTPServer(("127.0.0.1", 0), Serving) as server,
        c2pa.Builder(definition(STATEMENT, Agent("a"))) as builder,
        c2pa.Signer.from_callback(signing.sign, c2pa.C2paSigningAlg.ES256, signing.chain) as signer,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        builder.set_no_embed()
        builder.set_remote_url(f"http://127.0.0.1:{server.server_port}/m.c2pa")
        answer = builder.sign(signer, "image/png", io.BytesIO(samples["png"]), sink)
        port = C2paManifests(Agent("a"), chain.signing, fetch=True)
        found, refused = read(port, sink.getvalue(), "image/png"), read(chain.port(), sink.getvalue(), "image/png")
        server.shutdown()
        thread.join()
    assert (found.where, found.state, found.aigc) == (Where.REMOTE, State.VALID, LABEL)
    assert refused.state is State.UNFETCHED
    away = read(port, sink.getvalue(), "image/png")
    assert (away.where, codes(away)) == (Where.REMOTE, ["manifest.unreadable"])


def test_nothing_is_written_to_standard_error(chain: Chain, samples: dict[str, bytes], capfd: pytest.CaptureFixture[str]) -> None:
    out = signed(chain.port(), samples["png"], "image/png")
    chain.port().read(io.BytesIO(out[: len(out) // 2]), "image/png", None)
    with pytest.raises(MingwenError):
        signed(chain.port(), b"no picture", "image/png")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", MAKERS)
def test_no_error_of_the_library_escapes(chain: Chain, samples: dict[str, bytes], kind: str) -> None:
    mime, data = MAKERS[kind][0], samples[kind]
    out = signed(chain.port(), data, mime)
    for broken in (b"", data[: len(data) // 3], out[: len(out) // 3], b"\0" * 64, out.replace(b"jumd", b"jumb")):
        found = chain.port().read(io.BytesIO(broken), mime, None)
        assert found is None or findings(found)
        with contextlib.suppress(Malformed):
            chain.port().sign(io.BytesIO(broken), io.BytesIO(), mime, STATEMENT, None)


def test_a_full_disk_is_told_as_itself(chain: Chain, samples: dict[str, bytes]) -> None:
    with pytest.raises(OSError, match="no space"):
        chain.port().sign(io.BytesIO(samples["png"]), Stuck(), "image/png", STATEMENT, None)


def test_a_large_video_is_hashed_in_leaves(
    chain: Chain, media: Path, samples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(c2pa_manifests, "STREAMED_BYTES", 0)
    monkeypatch.setattr(c2pa_manifests, "LEAF_KIB", 4)
    two = (media / "bunny.mp4").read_bytes()  # has a second mdat, an empty one: hashed whole
    for data, leaves in ((samples["mp4"], True), (samples["m4a"], True), (samples["mov"], True), (two, False)):
        out = signed(chain.port(), data, "video/mp4")
        assert (b"fixedBlockSize" in out) is leaves
        assert read(chain.port(), out, "video/mp4").state is State.VALID
        assert whats(read(chain.port(), one_byte_off(out, data), "video/mp4")) == {"content"}


def test_a_file_that_is_too_large_to_hold_gets_its_manifest_beside(
    chain: Chain, samples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(c2pa_manifests, "MAX_HELD_BYTES", 1000)
    sink = io.BytesIO()
    manifest = chain.port().sign(io.BytesIO(samples["wav"]), sink, "audio/wav", STATEMENT, None)
    assert manifest
    assert sink.getvalue() == b""
    found = read(chain.port(), samples["wav"], "audio/wav", manifest)
    assert (found.where, found.state) == (Where.BESIDE, State.VALID)
    assert read(chain.port(), signed(chain.port(), samples["mp4"], "video/mp4"), "video/mp4").where is Where.EMBEDDED


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A time stamp authority by OpenSSL behind HTTP: its address and its root."""
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_cert=tsa.pem\ncerts=root.pem\nsigner_key=tsa.key\ndefault_policy=1.2.3.4\n"
        "signer_digest=sha256\ndigests=sha256,sha384,sha512\nordering=no\ntsa_name=no\ness_cert_id_chain=no\ness_cert_id_alg=sha256\n"
        "[leaf]\nbasicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        "[req]\ndistinguished_name=dn\nx509_extensions=ca\n[dn]\n"
        "[ca]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"
    )

    def openssl(*words: str) -> None:
        subprocess.run(("openssl", *words), cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-config", "tsa.cnf")
    openssl("req", "-x509", *new, "-subj", "/O=TEST ONLY/CN=tsa root", "-keyout", "root.key", "-out", "root.pem", "-days", "9")
    openssl("req", *new, "-subj", "/O=TEST ONLY/CN=tsa", "-keyout", "tsa.key", "-out", "tsa.csr")
    ca = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "tsa.cnf", "-extensions", "leaf")
    openssl("x509", "-req", "-in", "tsa.csr", *ca, "-out", "tsa.pem", "-days", "9")
    (folder / "serial").write_text("01")

    class Stamping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "ask").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            openssl("ts", "-reply", "-config", "tsa.cnf", "-section", "t", "-queryfile", "ask", "-out", "answer")
            answer = (folder / "answer").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's name
            pass

    with HTTPServer(("127.0.0.1", 0), Stamping) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", (folder / "root.pem").read_text()
        server.shutdown()
        thread.join()


def test_an_authority_stamps_the_time(chain: Chain, samples: dict[str, bytes], authority: tuple[str, str]) -> None:
    address, root = authority
    out = signed(chain.port(signing=chain.signing(timestamp=address)), samples["png"], "image/png")
    found = read(chain.port(trust=chain.root + root), out, "image/png")
    assert {"timeStamp.validated", "timeStamp.trusted"} <= {s.code for s in found.statuses if s.success}
    assert abs((datetime.fromisoformat(found.time) - datetime.now(UTC)).total_seconds()) < 60
    assert found.state is State.TRUSTED
    unknown = read(chain.port(), out, "image/png")
    assert "timeStamp.untrusted" in {s.code for s in unknown.statuses if s.success is None}


def test_an_authority_that_is_away_is_our_error(chain: Chain, samples: dict[str, bytes]) -> None:
    with pytest.raises(Unavailable) as caught:
        signed(chain.port(signing=chain.signing(timestamp="http://127.0.0.1:9/")), samples["png"], "image/png")
    assert caught.value.code == "manifest.signature"


def test_a_world_is_made_without_the_library(library: None) -> None:
    program = "import sys, mingwen.face; mingwen.face.settled(); assert 'c2pa' not in sys.modules"
    subprocess.run((sys.executable, "-c", program), check=True)


@pytest.mark.parametrize(
    ("code", "url", "expected"),
    [
        ("assertion.hashedURI.mismatch", f"self#x/{AIGC_ASSERTION}", "label"),
        ("assertion.hashedURI.mismatch", "self#x/c2pa.actions.v2", "manifest"),
        ("claimSignature.mismatch", "", "manifest"),
        ("ingredient.manifest.mismatch", "", "ingredient"),
        ("assertion.boxesHash.mismatch", "", "content"),
        ("signingCredential.expired", "", None),
        ("signingCredential.untrusted", "", "manifest"),
    ],
)
def test_a_failure_is_named_in_both_languages(code: str, url: str, expected: str | None) -> None:
    (finding,) = findings(Manifest(Where.EMBEDDED, State.INVALID, (Status(code, success=False, url=url),)))
    assert finding.code == (f"manifest.tampered-{expected}" if expected else "manifest.credential")
    assert "{" not in finding.message("en") + finding.message("zh")


@pytest.mark.parametrize("other", ["{", "[]", '{"AIGC":[1]}', "x" * 100, "[" * 100_000])
def test_a_label_that_is_none_differs(other: str) -> None:
    manifest = Manifest(Where.EMBEDDED, State.VALID, aigc=LABEL)
    assert codes(manifest, other)[-1] == "manifest.label-differs"
    assert codes(manifest, f'{{"AIGC":{LABEL}}}') == codes(manifest, None)


def test_a_statement_of_a_supposed_label_says_so() -> None:
    text = to_json(produced(producer="a", produce_id="b", claim=Claim.POSSIBLE))
    said = definition(Statement(text, Agent("a"), "t", STATEMENT.when), Agent("Mingwen", "1"))
    assert said["claim_generator_info"] == [{"name": "Mingwen", "version": "1"}]
    assert "thumbnail" not in said
