"""Signed notes, verifier keys and checkpoints against the examples of C2SP, and against another implementation."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales import signing as scales
from tlog_scales.tlog import Checkpoint as ScalesCheckpoint

from mingwen.domain.errors import Malformed, MingwenError
from mingwen.proofs import notes
from mingwen.proofs.notes import Checkpoint, Key, Kind, Note, Signature, Signed

# c2sp.org/signed-note, Example
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
# c2sp.org/signed-note, Introduction
POEM = """Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
"""
# c2sp.org/tlog-cosignature, Introduction
COSIGNED = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
CHECKPOINT = Checkpoint("example.com/log", 42, bytes(range(32)))
AT = 1_679_315_147


def made(kind: Kind, name: str = "example.com/log") -> tuple[Key, Callable[[bytes], bytes]]:
    private = MLDSA44PrivateKey.generate() if kind is Kind.ML_DSA_44 else Ed25519PrivateKey.generate()
    return Key(name, kind, private.public_key().public_bytes_raw()), private.sign


def signed(key: Key, sign: Callable[[bytes], bytes], text: str = CHECKPOINT.text, at: int = AT) -> Signature:
    return Signature(key.name, key.id, notes.value(key, at, sign(notes.message(text, key, at))))


def test_the_example_of_the_specification_holds() -> None:
    key, note = notes.parse_key(VKEY), notes.parse(EXAMPLE.encode())
    assert str(key) == VKEY
    assert str(note) == EXAMPLE
    assert notes.check(note, key) == Signed(key, None)
    with pytest.raises(Malformed) as raised:
        notes.check(Note(note.text.replace("an", "no"), note.signatures), key)
    assert raised.value.code == "note.signature"


@pytest.mark.parametrize("text", [EXAMPLE, POEM, COSIGNED])
def test_examples_are_written_as_they_were_read(text: str) -> None:
    assert str(notes.parse(text.encode())) == text


def test_the_example_of_a_cosigned_checkpoint_reads() -> None:
    note = notes.parse(COSIGNED.encode())
    checkpoint = notes.parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size, checkpoint.text) == ("example.com/behind-the-sofa", 20852163, note.text)
    assert int.from_bytes(note.signatures[1].value[:8]) == AT


@pytest.mark.parametrize("kind", [Kind.ED25519, Kind.COSIGNATURE, Kind.ML_DSA_44])
def test_another_implementation_agrees(kind: Kind) -> None:
    key, sign = made(kind)
    note = Note(CHECKPOINT.text, (signed(key, sign),))
    theirs = scales.Vkey.from_string(str(key))
    assert theirs.serialize() == str(key)
    ScalesCheckpoint.from_text(str(note)).verify(theirs)  # raises if it does not hold
    assert notes.check(note, key) == Signed(key, None if kind is Kind.ED25519 else AT)


@pytest.mark.parametrize("kind", [Kind.ED25519, Kind.COSIGNATURE, Kind.ML_DSA_44])
def test_a_changed_note_time_or_signature_does_not_hold(kind: Kind) -> None:
    key, sign = made(kind)
    good = signed(key, sign)
    other = Checkpoint("example.com/log", 43, CHECKPOINT.root)
    assert notes.check(Note(CHECKPOINT.text, (good,)), key)
    wrong = [Note(other.text, (good,))]
    for at in {0, 7, 8, 40, len(good.value) - 1}:
        changed = good.value[:at] + bytes([good.value[at] ^ 1]) + good.value[at + 1 :]
        wrong.append(Note(CHECKPOINT.text, (good, Signature(good.name, good.id, changed))))  # one that holds does not save it
    wrong.append(Note(CHECKPOINT.text, (Signature(good.name, good.id, good.value[:-1]),)))
    for note in wrong:
        with pytest.raises(Malformed):
            notes.check(note, key)


def test_signatures_of_unknown_keys_are_left_alone() -> None:
    (key, sign), (stranger, _) = made(Kind.ED25519), made(Kind.ED25519)
    note = Note(
        CHECKPOINT.text, (Signature(key.name, b"none", b"x"), Signature("other.example", key.id, b"x"), signed(key, sign))
    )
    assert notes.check(note, key)
    assert notes.check(note, stranger) is None


def test_an_ml_dsa_signature_is_bound_to_the_names() -> None:
    key, sign = made(Kind.ML_DSA_44)
    renamed = Key("example.com/other", key.kind, key.public)
    line = signed(key, sign)
    with pytest.raises(Malformed):
        notes.check(Note(CHECKPOINT.text, (Signature(renamed.name, renamed.id, line.value),)), renamed)


@pytest.mark.parametrize(
    "text",
    ["", "example.com/foo", VKEY.replace("530d903a", "530d903b"), VKEY.replace("+Ae", "+Ag"), VKEY[:-1], VKEY + "A",
     VKEY.replace("/", " "),
     VKEY.replace("+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "+")],
)  # fmt: skip
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as raised:
        notes.parse_key(text)
    assert raised.value.code == "key.verifier"


@pytest.mark.parametrize(
    ("old", "new"),
    [("\n\n", "\n"), ("— ", "- "), ("=\n", "="), ("=\n", "\n"), ("message", "mess\0age"), ("Uw2Q", "Uw2"), ("— e", "—  e"),
     ("foo U", "foo  U"), ("— example.com/foo ", "— ex+ample "), ("message.\n", "message.")],
)  # fmt: skip
def test_what_is_no_note_is_refused(old: str, new: str) -> None:
    with pytest.raises(Malformed) as raised:
        notes.parse(EXAMPLE.replace(old, new).encode())
    assert raised.value.code == "note.malformed"


def test_a_note_has_bounds() -> None:
    line = EXAMPLE.splitlines()[-1] + "\n"
    assert len(notes.parse((EXAMPLE + line * 63).encode()).signatures) == 64
    for data in ((EXAMPLE + line * 64).encode(), b"x" * (notes.MOST_NOTE_BYTES + 1), b"\xff\n\n"):
        with pytest.raises(Malformed):
            notes.parse(data)


@pytest.mark.parametrize(
    "text",
    ["", "a\n1\n", "a\n01\n{r}\n", "a\n-1\n{r}\n", "\n1\n{r}\n", "a\n1\n{r}=\n", "a\n1\nAAAA\n", "a\n1\n{r}\n\nx\n",
     "a\n1e3\n{r}\n", "a\n18446744073709551616\n{r}\n"],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    root = CHECKPOINT.text.split("\n")[2]
    assert notes.parse_checkpoint(f"a\n1\n{root}\nmore\n").extensions == ("more",)
    with pytest.raises(Malformed) as raised:
        notes.parse_checkpoint(text.format(r=root))
    assert raised.value.code == "checkpoint.malformed"


@given(st.binary(max_size=300))
def test_nothing_but_our_error_escapes(noise: bytes) -> None:
    for data in (noise, EXAMPLE.encode()[:90] + noise, COSIGNED.encode() + noise):
        try:
            note = notes.parse(data)
            notes.parse_checkpoint(note.text)
        except MingwenError:
            continue
        assert notes.parse(str(note).encode()) == note
