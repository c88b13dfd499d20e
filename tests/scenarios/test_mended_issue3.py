"""What a reviewer of uploads and manifests broke once, by command."""

import io
import json
import shutil
import struct
import zlib
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import c2pa
import docx

from conftest import Run

LABEL: Final = '{"AIGC":{"Label":"1","ContentProducer":"001191310104MACE0YX63918020","ProduceID":"142569260085903360"}}'
PACKET: Final = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt><rdf:li xml:lang="x-default">'
    f"{escape(LABEL)}</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
).encode()
"""A label as the description of the picture: at a place where nobody reads one."""
IPTC: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
XMP_BOX: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")

BITMAP: Final = b"BM" + struct.pack("<IIIIiiHHIIiiII", 58, 0, 54, 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0) + bytes(4)


def png(data: bytes, kind: bytes, body: bytes) -> bytes:
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[:33] + chunk + data[33:]


def riff(data: bytes, kind: bytes, body: bytes) -> bytes:
    out = data + kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    return out[:4] + struct.pack("<I", len(out) - 8) + out[8:]


def jpeg(data: bytes, marker: int, body: bytes) -> bytes:
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def test_a_label_where_none_is_read_is_never_called_not_found(media: Path, tmp_path: Path, run: Run) -> None:
    picture, photo = (media / "chelsea.png").read_bytes(), (media / "rocket.jpg").read_bytes()
    sound, film = (media / "speech.wav").read_bytes(), (media / "bunny.mp4").read_bytes()
    files = {
        "property.png": png(picture, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PACKET),
        "chunk.png": png(picture, b"aiGc", LABEL.encode()),
        "property.jpg": jpeg(photo, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PACKET),
        "segment.jpg": jpeg(photo, 0xE3, LABEL[10:-1].encode()),
        "property.wav": riff(sound, b"_PMX", PACKET),
        "chunk.wav": riff(sound, b"aigc", LABEL.encode()),
        "property.mp4": film + struct.pack(">I", 24 + len(PACKET)) + b"uuid" + XMP_BOX + PACKET,
        "a.bmp": BITMAP,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "a.bmp.xmp").write_bytes(PACKET)
    said = [json.loads(line) for line in run("verify", "--json", *files, status=3).stdout.splitlines()]
    assert {s["file"]: s["verdict"] for s in said} == dict.fromkeys(files, "inconclusive")


def signing(run: Run) -> dict[str, str]:
    run("key", "new", "--c2pa", "-o", "demo")
    return {"MINGWEN_MANIFEST_KEY": "demo.key.pem", "MINGWEN_MANIFEST_CHAIN": "demo.chain.pem"}


def tier(run: Run, name: str, status: int) -> str:
    return str(json.loads(run("gate", "--json", name, status=status).stdout)["tier"])


def test_a_manifest_that_nobody_read_is_neither_a_clear_word_nor_none(media: Path, tmp_path: Path, run: Run) -> None:
    signing(run)
    chain, key = ((tmp_path / f"demo.{part}.pem").read_bytes() for part in ("chain", "key"))
    actions = {"actions": [{"action": "c2pa.created", "digitalSourceType": f"{IPTC}trainedAlgorithmicMedia"}]}
    said = json.dumps({"assertions": [{"label": "c2pa.actions", "data": actions}]})
    for name, remote in (("near.jpg", False), ("far.jpg", True)):
        out, photo = io.BytesIO(), io.BytesIO((media / "rocket.jpg").read_bytes())
        with c2pa.Builder(said) as builder, c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, key, None)) as signer:
            if remote:
                builder.set_no_embed()
                builder.set_remote_url("http://127.0.0.1:9/far.c2pa")
            builder.sign(signer, "image/jpeg", photo, out)
        (tmp_path / name).write_bytes(out.getvalue())
    near = (tmp_path / "near.jpg").read_bytes()
    (tmp_path / "claimless.jpg").write_bytes(near.replace(b"jumdc2cl", b"jumdzzzz", 1))
    (tmp_path / "storeless.jpg").write_bytes(near.replace(b"jumdc2pa", b"jumdzzzz", 1))
    assert tier(run, "near.jpg", 0) == "1"
    assert tier(run, "far.jpg", 3) == "undecided"
    for name in ("claimless.jpg", "storeless.jpg"):
        assert tier(run, name, 1) == "3"
        assert b"manifest.unreadable" in run("verify", name, status=1).stdout


def test_a_label_that_was_signed_and_is_gone_is_told_and_held(tmp_path: Path, run: Run) -> None:
    env = signing(run)
    (tmp_path / "a.bmp").write_bytes(BITMAP)
    run("label", "a.bmp", "-o", "b.bmp", "--marked", "AI生成", "--producer", "Studio", "--manifest", env=env)
    for name in ("b.bmp", "b.bmp.c2pa"):
        shutil.copy(tmp_path / name, tmp_path / name.replace("b.", "c.", 1))
    assert b"manifest.label-gone" in run("verify", "c.bmp", status=1).stdout
    held = run("gate", "c.bmp", "-o", "d.bmp", "--propagator", "P", env=env, status=1).stdout
    assert b"gate.held" in held
    assert b"manifest" in held
    assert b"gone" not in run("verify", "b.bmp").stdout


def test_a_footer_that_says_so_is_a_trace(tmp_path: Path, run: Run) -> None:
    document = docx.Document()
    document.add_paragraph("红狐在雪地里。")
    document.sections[0].footer.paragraphs[0].text = "本文档由AI生成"
    document.save(str(tmp_path / "fox.docx"))
    assert tier(run, "fox.docx", 0) == "3"
    duties = json.loads(run("duties", "--regime", "cn", "--json", "fox.docx", status=1).stdout)["duties"]
    assert duties[0]["answer"] == "met"
