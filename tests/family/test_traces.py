"""Every trace fires on a file of its kind in a real container, and on nothing that only looks like one."""

import io
import json
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen import id3 as untyped_id3
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mingwen import formats, traces
from mingwen.domain.clues import MAX_CLUE_CHARS, MAX_CLUES, Channel, Clue
from mingwen.domain.errors import MingwenError
from mingwen.formats import HEAD_BYTES

id3: Any = untyped_id3
Maker = Callable[[Path, Path], Path]
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
WHOLE, PART, CAMERA = (
    SOURCE_TYPE + code for code in ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "digitalCapture")
)
JOB = "a red fox --ar 3:2 --v 6.1 Job ID: 0f3c2b1a-1111-4222-8333-abcdefabcdef"
PARAMETERS = "a red fox\nNegative prompt: blurry\nSteps: 25, Sampler: DPM++ 2M SDE, CFG scale: 7, Seed: 12345, Size: 512x512"
GRAPH = json.dumps({"3": {"inputs": {"seed": 1, "steps": 20}, "class_type": "KSampler"}})


def seen(path: Path) -> dict[str, tuple[str, ...]]:
    with path.open("rb") as source:
        member = formats.of(source.read(HEAD_BYTES), path.suffix)
        return {s.trace.name: s.words for s in traces.search(member.clues(source), source, member.name)}


# --- how files are made -------------------------------------------------------------------------------------------------


def png(**texts: str) -> Maker:
    def make(_: Path, folder: Path) -> Path:
        info = PngInfo()
        for key, text in texts.items():
            info.add_itxt(key.replace("_dash_", "-"), text) if not text.isascii() else info.add_text(
                key.replace("_dash_", "-"), text
            )
        Image.new("RGB", (8, 8)).save(folder / "a.png", pnginfo=info)
        return folder / "a.png"

    return make


def xmp(properties: str) -> Maker:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        f"{properties}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )

    def make(_: Path, folder: Path) -> Path:
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet)
        Image.new("RGB", (8, 8)).save(folder / "a.png", pnginfo=info)
        return folder / "a.png"

    return make


def exiftool(suffix: str, *tags: str) -> Maker:
    def make(media: Path, folder: Path) -> Path:
        path = folder / f"a{suffix}"
        with Image.open(media / "rocket.jpg") as picture:
            picture.resize((64, 42)).save(path)
        subprocess.run(["exiftool", "-q", "-overwrite_original", "-charset", "iptc=UTF8", *tags, str(path)], check=True)
        return path

    return make


def film(**tags: str) -> Maker:
    def make(media: Path, folder: Path) -> Path:
        path = folder / "a.mp4"
        metadata = [x for key, value in tags.items() for x in ("-metadata", f"{key}={value}")]
        cut = ["-t", "0.2", "-c", "copy", "-movflags", "use_metadata_tags"]
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(media / "bunny.mp4"), *cut, *metadata, str(path)], check=True)
        return path

    return make


def sound(*frames: Any) -> Maker:
    def make(media: Path, folder: Path) -> Path:
        path = folder / "a.mp3"
        path.write_bytes((media / "speech.mp3").read_bytes())
        tag = id3.ID3(path)
        for frame in frames:
            tag.add(frame)
        tag.save(path)
        return path

    return make


def text(suffix: str, *lines: str) -> Maker:
    def make(_: Path, folder: Path) -> Path:
        (folder / f"a{suffix}").write_text("\n".join(lines), encoding="utf-8")
        return folder / f"a{suffix}"

    return make


def cbor(value: object) -> bytes:
    """RFC 8949, as much of it as a manifest of ours takes."""
    if isinstance(value, dict):
        return bytes([0xA0 + len(value)]) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    if isinstance(value, list):
        return bytes([0x80 + len(value)]) + b"".join(map(cbor, value))
    data = str(value).encode()
    return (bytes([0x60 + len(data)]) if len(data) < 24 else bytes([0x78, len(data)])) + data


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def store(action: dict[str, object], generator: str = "test/1.0") -> bytes:
    """A manifest store (C2PA 2.2): thumbnail, actions, claim; longer than a clue before the actions come."""

    def named(label: str, *children: bytes) -> bytes:
        return box(b"jumb", box(b"jumd", bytes(16), b"\3", label.encode(), b"\0"), *children)

    thumbnail = named("c2pa.thumbnail.claim.jpeg", box(b"bfdb", b"\0image/jpeg\0"), box(b"bidb", b"x" * 2 * MAX_CLUE_CHARS))
    actions = named("c2pa.actions.v2", box(b"cbor", cbor({"actions": [action]})))
    claim = named("c2pa.claim.v2", box(b"cbor", cbor({"instanceID": "xmp:iid:1", "claim_generator_info": {"name": generator}})))
    signature = named("c2pa.signature", box(b"cbor", b"OpenAI" * 4000))
    return named("c2pa", named("urn:c2pa:1", named("c2pa.assertions", thumbnail, actions), signature, claim))


def with_store(suffix: str, action: dict[str, object], generator: str = "test/1.0") -> Maker:
    data = store(action, generator)

    def make(media: Path, folder: Path) -> Path:
        path = folder / f"a{suffix}"
        path.write_bytes(PLACED[suffix](media, folder, data))
        return path

    return make


def picture(suffix: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, format=suffix)
    return out.getvalue()


def in_png(_: Path, __: Path, data: bytes) -> bytes:
    chunk = struct.pack(">I", len(data)) + b"caBX" + data + struct.pack(">I", zlib.crc32(b"caBX" + data))
    made = picture("png")
    return made[:33] + chunk + made[33:]


def in_jpeg(_: Path, __: Path, data: bytes) -> bytes:
    step, made = 60_000, picture("jpeg")
    parts = [data[:step], *(data[:8] + data[at : at + step] for at in range(step, len(data), step))]
    bodies = [b"JP" + struct.pack(">HI", 1, number) + part for number, part in enumerate(parts, 1)]
    return made[:2] + b"".join(b"\xff\xeb" + struct.pack(">H", len(b) + 2) + b for b in reversed(bodies)) + made[2:]


def in_riff(made: bytes, data: bytes) -> bytes:
    out = made + struct.pack("<4sI", b"C2PA", len(data)) + data + bytes(len(data) % 2)
    return out[:4] + struct.pack("<I", len(out) - 8) + out[8:]


def in_mp3(media: Path, folder: Path, data: bytes) -> bytes:
    frame = id3.GEOB(encoding=0, mime="application/x-c2pa-manifest-store", filename="c2pa", desc="c2pa manifest store", data=data)
    return sound(frame)(media, folder).read_bytes()


def in_mp4(media: Path, _: Path, data: bytes) -> bytes:
    made = (media / "bunny.mp4").read_bytes()
    at = int.from_bytes(made[:4])
    uuid = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    return made[:at] + box(b"uuid", uuid, bytes(4), b"manifest\0", bytes(8), data) + made[at:]


PLACED: dict[str, Callable[[Path, Path, bytes], bytes]] = {
    ".png": in_png,
    ".jpg": in_jpeg,
    ".webp": lambda _, __, data: in_riff(picture("webp"), data),
    ".wav": lambda media, _, data: in_riff((media / "speech.wav").read_bytes(), data),
    ".mp3": in_mp3,
    ".mp4": in_mp4,
}


def hidden(height: int, magic: bytes = b"stealth_pngcomp", mode: str = "RGBA") -> Maker:
    """Text in the lowest alpha bits, column by column, as https://github.com/NovelAI/novelai-image-metadata describes."""

    def make(_: Path, folder: Path) -> Path:
        width = 200
        pixels = np.random.default_rng(1).integers(0, 256, (height, width, 4), dtype=np.uint8)
        bits = np.unpackbits(np.frombuffer(magic + bytes(20), dtype=np.uint8))
        alpha = np.full(height * width, 255, dtype=np.uint8)
        alpha[: len(bits)] = 254 | bits
        pixels[..., 3] = alpha.reshape(width, height).T
        Image.fromarray(pixels).convert(mode).save(folder / "a.png")
        return folder / "a.png"

    return make


CREATED: dict[str, object] = {"action": "c2pa.created", "digitalSourceType": WHOLE}
EDITED: dict[str, object] = {"action": "c2pa.edited", "digitalSourceType": PART}
FIRES: list[tuple[str, Maker]] = [
    *[("c2pa", with_store(suffix, CREATED)) for suffix in PLACED],
    ("c2pa", with_store(".png", {"digitalSourceType": WHOLE, "when": "now"})),
    ("c2pa-parts", with_store(".jpg", EDITED)),
    ("iptc", exiftool(".jpg", f"-XMP-iptcExt:DigitalSourceType={WHOLE}")),
    ("iptc", xmp(f' e:DigitalSourceType="{WHOLE}">')),
    ("iptc", xmp("><e:DigitalSourceType>trainedAlgorithmicMedia</e:DigitalSourceType>")),
    ("iptc", xmp(f'><e:DigitalSourceType rdf:resource="{WHOLE}"/>')),
    ("iptc-parts", exiftool(".webp", f"-XMP-iptcExt:DigitalSourceType={PART}")),
    ("iptc-fields", xmp(' e:AISystemUsed="Imaginator">')),
    ("iptc-fields", xmp("><e:AIPromptInformation>a red fox</e:AIPromptInformation>")),
    ("stable-diffusion", png(parameters=PARAMETERS)),
    ("stable-diffusion", exiftool(".jpg", f"-UserComment={PARAMETERS}")),
    ("stable-diffusion", exiftool(".webp", f"-UserComment={PARAMETERS}，红狐")),
    ("stable-diffusion", png(parameters='{"prompt": "a fox"}', fooocus_scheme="fooocus")),
    ("stable-diffusion", png(parameters='{"sui_image_params": {"prompt": "a fox"}}')),
    ("comfyui", png(prompt=GRAPH)),
    ("comfyui", png(workflow='{"last_node_id": 12, "nodes": []}')),
    ("comfyui", film(prompt=GRAPH)),
    ("comfyui", exiftool(".webp", f"-Make=prompt:{GRAPH}")),
    ("invokeai", png(invokeai_metadata='{"positive_prompt": "a fox"}')),
    ("invokeai", png(sd_dash_metadata='{"model": "stable diffusion"}')),
    ("invokeai", png(Dream='"a red fox" -s 50 -S 12345 -W 512')),
    ("invokeai", film(invokeai_metadata='{"positive_prompt": "a fox"}')),
    ("midjourney", png(Description=JOB)),
    ("midjourney", exiftool(".jpg", f"-XMP-dc:Description={JOB}")),
    ("midjourney", exiftool(".jpg", "-ImageDescription=a red fox --ar 3:2 --v 6.1")),
    ("dalle", with_store(".png", CREATED | {"softwareAgent": {"name": "GPT-4o"}}, "ChatGPT")),
    ("dalle", with_store(".webp", {"action": "c2pa.created", "softwareAgent": "DALL·E"})),
    ("dalle", png(Software="OpenAI gpt-image-1")),
    ("firefly", with_store(".jpg", EDITED | {"softwareAgent": {"name": "Adobe Firefly"}})),
    ("firefly", exiftool(".jpg", "-XMP-photoshop:Credit=Adobe Firefly")),
    ("google", exiftool(".jpg", "-IPTC:Credit=Made with Google AI")),
    ("google", exiftool(".jpg", "-XMP-photoshop:Credit=Edited with Google AI")),
    ("google", with_store(".mp4", {"action": "c2pa.created", "description": "Created by Google Generative AI"})),
    ("novelai", png(Software="NovelAI", Title="AI generated image")),
    ("novelai", png(Comment='{"prompt": "fox", "steps": 28, "uc": "lowres"}')),
    ("novelai", hidden(300)),
    ("novelai", hidden(120, b"stealth_pnginfo")),
    ("novelai", hidden(7)),
    ("bytedance", film(aigc_info='{"aigc_label_type":2}')),
    ("bytedance", film(comment='{"product":"dreamina","exportType":"generation","os":"web"}')),
    ("bytedance", exiftool(".jpg", '-UserComment={"aigc_label_type": "1"}')),
    ("bytedance", film(aigc_label_type="1")),
    ("kling", film(comment="KlingAI 2.1")),
    ("hailuo", film(comment="Hailuo AI")),
    ("hailuo", exiftool(".jpg", "-Software=MiniMax image-01")),
    ("suno", sound(id3.COMM(encoding=3, lang="eng", desc="", text="made with suno; created=2026-01-01T00:00:00Z; id=1"))),
    ("exif-software", exiftool(".jpg", "-Software=Midjourney v7")),
    ("exif-software", exiftool(".jpg", "-ProcessingSoftware=Stable Diffusion XL")),
    ("exif-software", exiftool(".jpg", "-XMP:CreatorTool=Draw Things 1.9")),
    ("exif-software", png(Software="通义万相")),
    ("encoders", film(encoder_name="x", software="Runway Gen-4")),
    ("encoders", sound(id3.TSSE(encoding=3, text="ElevenLabs"))),
    ("wording", text(".txt", "红狐在雪地里。", "它很冷。", "（本文由AI生成）")),
    ("wording", text(".md", "---", "title: x", "---", "> 本文由人工智能生成，仅供参考", "", "# 红狐", "正文")),
    ("wording", text(".txt", "红狐在雪地里。", "本回答由 AI 生成，内容仅供参考，请仔细甄别。")),
    ("wording", text(".txt", "红狐在雪地里。", "（本文内容由人工智能生成，仅供参考）")),
    ("wording", text(".txt", "本演示文稿由AI生成", "红狐在雪地里。")),
    ("wording", text(".html", "<!doctype html><html><body><h1>Fox</h1><p>Words.</p><p><b>AI</b>-generated</p></body></html>")),
]


@pytest.mark.parametrize(("name", "make"), FIRES, ids=[f"{n}-{i}" for i, (n, _) in enumerate(FIRES)])
def test_a_trace_is_found(name: str, make: Maker, media: Path, tmp_path: Path) -> None:
    found = seen(make(media, tmp_path))
    assert name in found
    assert all(0 < len(words) <= traces.MAX_WORDS_CHARS and ": " in words for words in found[name])


ABOUT = (
    "AI生成内容标识办法解读",
    "",
    "AI生成技术的发展很快，人工智能生成合成内容需要标识。",
    *["正文。"] * 10,
    "本文由AI生成，这样的提示应放在开头或结尾。",
    *["更多正文。"] * 10,
    "作者：张三，编辑：李四，来源：某某日报",
)
INNOCENT: list[Maker] = [
    exiftool(
        ".jpg",
        "-Software=Adobe Photoshop 26.0 (Windows)",
        "-XMP:CreatorTool=Adobe Photoshop 26.0",
        f"-XMP-iptcExt:DigitalSourceType={CAMERA}",
        "-ImageDescription=Google AI Studio opens in Berlin; Steps: wide, Sampler: none",
        "-Artist=Johannes Kling",
        "-IPTC:Credit=Photo: Sora Tanaka",
        "-IPTC:Caption-Abstract=A talk about Midjourney, Stable Diffusion and AI-generated images",
    ),
    with_store(".jpg", {"action": "c2pa.created", "digitalSourceType": CAMERA}, "LEICA M11-P"),
    with_store(".png", {"action": "c2pa.opened"}, "Google C2PA Core Generator Library"),
    film(comment="vid:v0d00fg10000", aigc_info='{"aigc_label_type":0}', title="How Runway made it"),
    film(product='{"product":"capcut"}', artist="MiniMe"),
    sound(id3.TSSE(encoding=3, text="Lavf59.27.100"), id3.COMM(encoding=3, lang="eng", desc="", text="a song about suno")),
    sound(id3.WOAS(url="https://example.com/suno")),
    png(Software="GIMP 2.10", Comment="drawn by hand, not with ComfyUI", prompt="say your name", Dream="of a fox"),
    png(parameters="f=50mm", Title="Minimax search", Description="a --verbose 2 log"),
    hidden(300, b"stealth_someone"),
    hidden(300, mode="RGB"),
    text(".txt", *ABOUT),
    text(".md", "# " + ABOUT[0], *ABOUT[1:]),
    text(".html", "<!doctype html><html><body><p>", *("<p>" + line for line in ABOUT), "</body></html>"),
    text(".txt", "The rise of AI-generated content", "", "How to detect AI-generated text", "Words by a person"),
]


@pytest.mark.parametrize("make", INNOCENT, ids=range(len(INNOCENT)))
def test_what_only_looks_like_a_trace_is_none(make: Maker, media: Path, tmp_path: Path) -> None:
    assert seen(make(media, tmp_path)) == {}


def test_real_media_bear_no_trace(media: Path) -> None:
    files = [p for p in sorted(media.iterdir()) if p.suffix in {".png", ".jpg", ".mp4", ".wav", ".mp3", ".md"}]
    assert len(files) >= 6
    assert {p.name: seen(p) for p in files} == {p.name: {} for p in files}


def test_every_trace_is_tried_and_says_where_it_is_known_from() -> None:
    members = traces.every()
    assert {name for name, _ in FIRES} == {t.name for t in members}
    for trace in members:
        assert trace.source.split("(")[-1][:2] in {"A)", "B)", "F)", "M)"} or "(A)" in trace.source, trace.name
        assert trace.title_en
        assert any("一" <= c <= "鿿" for c in trace.title_zh)
        assert trace.channels
    assert {t.name for t in members if t.strong} == {"c2pa", "iptc"}


PIECES = (
    "Steps: 1, ",
    '"class_type": "',
    "name",
    "DigitalSourceType=",
    "--v 6",
    "AI",
    "生成",
    "本文由",
    "\n",
    "\0",
    "x",
    " ",
    '"',
)


@given(texts=st.lists(st.lists(st.sampled_from(PIECES), max_size=60).map("".join), max_size=4))
def test_whatever_clues_hold_traces_say_little_and_raise_nothing(texts: list[str]) -> None:
    clues = [Clue(channel, name, text) for channel in Channel for name in ("beginning", "Software") for text in texts]
    for sighting in traces.search(clues, io.BytesIO(b"\x89PNG\r\n\x1a\n"), "png"):
        assert 0 < len(sighting.words) <= traces.MAX_SEEN
        assert all(len(w) <= traces.MAX_WORDS_CHARS and w.isprintable() for w in sighting.words)


@pytest.fixture(scope="module")
def made(media: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """One file of every container, with a manifest and what else it carries."""
    makers = [
        *(with_store(suffix, CREATED) for suffix in PLACED),
        exiftool(".jpg", f"-UserComment={PARAMETERS}", "-IPTC:Credit=x"),
    ]
    makers += [film(comment="x"), FIRES[-1][1], FIRES[-2][1], FIRES[-3][1], png(Comment="x")]
    paths = [make(media, tmp_path_factory.mktemp("made")) for make in makers]
    return [(p.suffix, p.read_bytes()[: 8 * MAX_CLUE_CHARS]) for p in paths]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_file_raises_nothing_but_our_error(made: list[tuple[str, bytes]], data: st.DataObject) -> None:
    suffix, whole = data.draw(st.sampled_from(made))
    broken = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(12, min(len(broken), 2000) - 1) | st.integers(12, len(broken) - 1))
        broken[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, ord("<"), ord("-")]))
    del broken[data.draw(st.integers(13, len(broken))) :]
    try:
        member = formats.of(bytes(broken[:HEAD_BYTES]), suffix)
        traces.search(member.clues(io.BytesIO(bytes(broken))), io.BytesIO(bytes(broken)), member.name)
    except MingwenError:
        pass


def test_clues_are_few_and_short(tmp_path: Path) -> None:
    info = PngInfo()
    for number in range(MAX_CLUES + 50):
        info.add_text(f"k{number}", "x" * (MAX_CLUE_CHARS + 10 if number == 0 else 10))
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=info)
    with (tmp_path / "a.png").open("rb") as source:
        clues = list(formats.of(source.read(HEAD_BYTES)).clues(source))
    assert len(clues) == MAX_CLUES
    assert max(len(c.text) for c in clues) == MAX_CLUE_CHARS
