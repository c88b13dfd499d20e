"""What an adversary found in evidence, once: each stays mended. Bundles that verifiers read in two ways are vectors."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mingwen.adapters.heads.file import FileHead
from mingwen.proofs import _certificates, rfc3161, verifier

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests/vectors/bundles"
MOST_SECONDS = 5


@pytest.fixture
def spoilt(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], bytes]:
    monkeypatch.syspath_prepend(str(ROOT))
    from tools.vector_drafts import draft  # noqa: PLC0415 - a tool, found by the line above

    def make(name: str, data: bytes) -> bytes:
        made = draft()
        made.files[name] = data
        return made.sealed()

    return make


@pytest.mark.parametrize("text", ['"' + '\\"' * 400_000, '"' * 799_999, "\\" * 800_000, "[{" * 400_000])
def test_a_hostile_text_takes_no_time(text: str, spoilt: Callable[[str, bytes], bytes]) -> None:
    """Quotes that nobody closes were read again from each of them on, which took minutes."""
    data = spoilt("entries/5.fields.json", text.encode())
    start = time.process_time()
    assert verifier.verify(data).outcome == "broken"
    assert time.process_time() - start < MOST_SECONDS


def test_the_most_signatures_by_sm2_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle holds up to 272 on its notes, and 22 on each of 16 time stamps."""
    monkeypatch.syspath_prepend(str(ROOT))
    from tools.vector_parts import LOG_SM2  # noqa: PLC0415 - a tool, found by the line above

    key, value = LOG_SM2.key.public, LOG_SM2.sign("text\n").value
    start = time.process_time()
    assert all(verifier.sm2(key, value, b"text\n") for _ in range(62))
    assert time.process_time() - start < MOST_SECONDS / 10 * 2  # a tenth of them, with room for a slow machine
    assert not verifier.sm2(key, value, b"other\n")


def test_what_the_publisher_takes_every_verifier_takes() -> None:
    """A stamp whose key or number of certificates a verifier refuses is of no use in a bundle."""
    assert rfc3161.MOST_CERTIFICATES == verifier.MOST_CERTIFICATES
    names = {"secp256r1", "secp384r1", "secp521r1"}
    assert names == _certificates._CURVES  # noqa: SLF001 - the rule itself
    assert sum(kind == "ec" for kind in verifier.KEYS.values()) == len(names)


def test_a_head_behind_a_link_stays_there(tmp_path: Path) -> None:
    """The second place may be a link to another disk; it was replaced by a file beside the store."""
    other, link = tmp_path / "other disk" / "head", tmp_path / "head"
    other.parent.mkdir()
    link.symlink_to(other)
    head = FileHead(link)
    assert head.swap(None, b"one")
    assert head.swap(b"one", b"two")
    assert link.is_symlink()
    assert other.read_bytes() == b"two"


def test_the_vectors_name_what_was_found() -> None:
    expected = json.loads((FOLDER / "expected.json").read_text("utf-8"))
    assert {"stamp-not-der", "stamp-short-rsa", "stamp-weak-chain", "checkpoint-sm2-not-der", "content-label-nan"} <= expected.keys()
