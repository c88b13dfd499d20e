"""Make tests/vectors/bundles: bundles that hold, and bundles with one thing wrong, each named. The same bytes each time.

PYTHONPATH=src:tools python -m tools.vectors
"""

import base64
import json
import struct
import zlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from tools.vector_drafts import CONTENT, INDEX, KEY, LABEL, VECTORS, Draft, attested, b64, draft, entry, vector
from tools.vector_parts import (
    FOLDER,
    HOUR,
    LOG,
    LOG_ML_DSA,
    LOG_SM2,
    MINUTE,
    OTHER_LOG,
    OTHER_ROOT,
    ROOT,
    START,
    STRANGER,
    TSA,
    WITNESS,
    WITNESS_ML_DSA,
    Authority,
    ec_key,
    rsa_key,
    signed,
    token,
)
from tools.vector_tokens import (
    KEY_PURPOSE,
    Tree,
    attributes,
    certified,
    oid,
    other_certificate,
    parsed,
    signed_data,
    signer_info,
    with_change,
    written,
)

from mingwen.proofs import bundle, leaves, notes
from mingwen.proofs.canonical import canonical

Change = Callable[[Draft], object]
LEAF, FIELDS, PROOF = (f"entries/{INDEX}{ending}" for ending in (".json", ".fields.json", ".tlog-proof"))
FIRST, SECOND, LAST = (f"checkpoints/{size}.txt" for size in (4, 7, 10))


def changed(change: Change, **options: Any) -> bytes:
    """Change a draft, then put every digest right and sign: what is left wrong is what was changed."""
    made = draft(**options)
    change(made)
    return made.sealed()


def unmended(change: Change, **options: Any) -> bytes:
    """Change the files of a signed bundle and pack it again: the archive is right, its digests are not."""
    made = draft(**options)
    made.sealed()
    index = canonical(made.index)
    change(made)
    return made.closed(index)


def case(name: str, proves: str, change: Change, *codes: str, **arguments: Any) -> None:
    vector(name, proves, *codes, **arguments)(lambda: changed(change))


def put(name: str, data: bytes | Callable[[bytes], bytes]) -> Change:
    """Put other bytes into a file."""
    return lambda d: d.files.__setitem__(name, data if isinstance(data, bytes) else data(d.files[name]))


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def edit(name: str, **values: Any) -> Change:
    """Set values of a JSON file."""
    return lambda d: d.files.__setitem__(name, canonical({**d.json(name), **values}))


def index(change: Callable[[dict[str, Any]], object]) -> Change:
    return lambda d: change(d.index)


# Bundles that hold -------------------------------------------------------------------------------------------------------------
vector("holds", "A bundle without a fault; nobody said whose key it is.")(lambda: draft().sealed())
vector("holds-proven", "The same, under the key that the reader names.", key=[KEY])(lambda: draft().sealed())
vector(
    "holds-everything-named",
    "The reader names the key, the witness, the root, and gives the file.",
    key=[KEY],
    witness=[str(WITNESS.key)],
    root=["root.pem"],
    content="content.bin",
)(lambda: draft().sealed())
vector("holds-smallest", "One entry, one checkpoint, no others.")(
    lambda: draft(sizes=(7,), witnesses=(), stamped=lambda *_: (), content=False).sealed()
)
vector("holds-concealed", "Fields are kept back, their digests stand for them.", key=[KEY])(
    lambda: draft(hide=("by", "file", "label")).sealed()
)
vector("holds-erased", "All fields are gone; the entry still stands in the log.", key=[KEY])(
    lambda: draft(erased=tuple(leaves.fields(entry(INDEX)))).sealed()
)
vector("holds-several", "Several entries in one bundle.")(lambda: draft(entries=(1, 5, 8)).sealed())
vector("holds-sm2", "A log that signs by SM2 alone.", key=[str(LOG_SM2.key)])(lambda: draft(keys=(LOG_SM2,)).sealed(LOG_SM2))
vector(
    "holds-three-keys",
    "A log that signs by Ed25519, SM2 and ML-DSA-44; one of the two note keys is named.",
    key=[str(LOG_SM2.key)],
)(lambda: draft(keys=(LOG, LOG_SM2, LOG_ML_DSA)).sealed(LOG, LOG_SM2))
vector(
    "holds-ml-dsa-witness",
    "A witness that cosigns by ML-DSA-44, named by the reader.",
    key=[KEY],
    witness=[str(WITNESS_ML_DSA.key)],
)(lambda: draft(witnesses=(WITNESS_ML_DSA,)).sealed())
vector("holds-unknown-cosignature", "A cosignature by a key that nobody gave is passed over.")(
    lambda: changed(lambda d: [d.index["keys"].remove(str(STRANGER.key))], witnesses=(WITNESS, STRANGER))
)
vector("holds-rsa-stamp", "Time stamps by an authority with an RSA key.", root=["root.pem"])(
    lambda: draft(stamped=lambda t, s: (token(t, attested(s), Authority("RSA", rsa_key(), ROOT)),)).sealed()
)
vector("holds-sm3-imprint", "Time stamps over the SM3 of the checkpoint.", root=["root.pem"])(
    lambda: draft(stamped=lambda t, s: (token(t, attested(s), imprint_by="sm3"),)).sealed()
)
vector("holds-extra-report", "A file that only digests speak of, as a report.")(
    lambda: changed(lambda d: d.files.__setitem__("report.en.html", b"<p>"))
)
vector("holds-root-not-named", "A time stamp whose root stands in the token: told, not trusted.", key=[KEY])(
    lambda: draft().sealed()
)
vector("holds-stripped-stamps", "Without time stamps it still holds, with less said of the time.")(
    lambda: draft(stamped=lambda *_: ()).sealed()
)
vector("holds-four-minutes-late", "A clock that is four minutes ahead of the witness.")(
    lambda: draft(at={INDEX: attested(7) + 4 * MINUTE}).sealed()
)
vector("holds-clock-behind", "A clock that is four minutes behind what others attest.")(
    lambda: draft(at={INDEX: attested(4) - 3 * MINUTE}).sealed()
)

# 1. The archive ----------------------------------------------------------------------------------------------------------------
MALFORMED, OTHER_FORM, BAD_INDEX = "archive.malformed", "archive.not-canonical", "archive.index"


def bytes_of(name: str, proves: str, code: str, change: Callable[[bytes], bytes]) -> None:
    vector(name, proves, code)(lambda: change(draft().sealed()))


def member(
    name: bytes, data: bytes, *, method: int = 0, flags: int = 0, extra: bytes = b"", packed: bytes | None = None
) -> bytes:
    """Write a local header of another kind, and its data."""
    inside = data if packed is None else packed
    sizes = zlib.crc32(data), len(inside), len(data), len(name), len(extra)
    return b"PK\3\4" + struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 33, *sizes) + name + extra + inside


def replaced(files: Callable[[dict[str, bytes]], list[tuple[str, bytes]]]) -> bytes:
    """Pack other rows of files than the one form has, in this order."""
    from mingwen.proofs import verifier  # noqa: PLC0415 - its packer takes rows

    made = draft().sealed()
    out = bundle_files(made)
    return verifier.packed(files(out))


def bundle_files(data: bytes) -> dict[str, bytes]:
    """Take a bundle apart."""
    out, at = {}, 0
    while data[at : at + 4] == b"PK\3\4":
        size, name = struct.unpack_from("<18xI4xH", data, at)
        start = at + 30 + name
        out[data[at + 30 : start].decode()] = data[start : start + size]
        at = start + size
    return out


def before_directory(data: bytes, more: bytes) -> bytes:
    """Put bytes between the last file and the directory, and tell the directory."""
    at = struct.unpack_from("<I", data, len(data) - 6)[0]
    return data[:at] + more + data[at:-6] + struct.pack("<IH", at + len(more), 0)


def deflated(data: bytes) -> bytes:
    files = bundle_files(data)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = squeeze.compress(files["bundle.json"]) + squeeze.flush()
    first = member(b"bundle.json", files["bundle.json"], method=8, packed=packed)
    return first + data[30 + len("bundle.json") + len(files["bundle.json"]) :]


bytes_of("zip-empty", "Nothing at all.", MALFORMED, lambda _: b"")
bytes_of("zip-other-file", "Some other file.", MALFORMED, lambda _: b"%PDF-1.7 no bundle")
bytes_of("zip-truncated", "Cut off in the middle of a file.", MALFORMED, lambda data: data[: len(data) // 2])
bytes_of(
    "zip-prefixed",
    "Bytes before the archive, as of a program that unpacks itself.",
    MALFORMED,
    lambda data: b"#!/bin/sh\n" + data,
)
bytes_of("zip-tail-cut", "The directory is cut off.", OTHER_FORM, lambda data: data[:-30])
bytes_of("zip-appended", "A byte behind the archive.", OTHER_FORM, lambda data: data + b"\0")
bytes_of("zip-comment", "A comment on the archive.", OTHER_FORM, lambda data: data[:-2] + b"\5\0hello")
bytes_of("zip-between", "Bytes between the files and the directory.", OTHER_FORM, lambda data: before_directory(data, b"hidden"))
bytes_of("zip-deflated", "A deflated file.", OTHER_FORM, deflated)
bytes_of("zip-flipped", "One bit of a file is flipped.", OTHER_FORM, lambda data: flip(200)(data))
bytes_of("zip-flipped-date", "One bit of a date is flipped.", OTHER_FORM, lambda data: flip(12)(data))
bytes_of("zip-encrypted-flag", "The flag that says a file is encrypted.", OTHER_FORM, lambda data: data[:6] + b"\1\0" + data[8:])
bytes_of(
    "zip-64",
    "A ZIP64 extra field in the first header.",
    OTHER_FORM,
    lambda data: member(b"bundle.json", bundle_files(data)["bundle.json"], extra=struct.pack("<HHQQ", 1, 16, 1, 1)) + data[5000:],
)
bytes_of("zip-directory-differs", "The directory calls a file by another name.", OTHER_FORM, lambda data: renamed(data))
vector("zip-twice", "Two files of one name.", OTHER_FORM)(lambda: replaced(lambda f: [*f.items(), list(f.items())[-1]]))
vector("zip-unordered", "Files in another order.", OTHER_FORM)(
    lambda: replaced(lambda f: [*list(f.items())[:2], *list(f.items())[:1:-1]])
)
vector("zip-traversal", "A name that climbs out of its folder.", OTHER_FORM)(
    lambda: replaced(lambda f: [*f.items(), ("x/../../y", b"")])
)
vector("zip-backslash", "A name with a backslash.", OTHER_FORM)(lambda: replaced(lambda f: [*f.items(), ("x\\y", b"")]))
vector("zip-no-note", "No bundle.note.", OTHER_FORM)(
    lambda: replaced(lambda f: [(n, d) for n, d in f.items() if n != "bundle.note"])
)


def renamed(data: bytes) -> bytes:
    at = data.rindex(b"bundle.note")
    return data[:at] + b"bundle.nota" + data[at + 11 :]


def raw_index(change: Callable[[bytes], bytes]) -> bytes:
    """Change the very bytes of bundle.json, and sign that."""
    made = draft()
    made.sealed()
    return made.closed(change(canonical(made.index)))


def bad_index(name: str, proves: str, change: Callable[[dict[str, Any]], object]) -> None:
    case(name, proves, index(change), BAD_INDEX)


vector("index-duplicate-key", "A key that stands twice in bundle.json.", BAD_INDEX)(
    lambda: raw_index(lambda b: b[:-1] + b',"origin":"example.com/log"}')
)
vector("index-spaces", "bundle.json with a space in it.", BAD_INDEX)(lambda: raw_index(lambda b: b.replace(b",", b", ", 1)))
vector("index-deep", "bundle.json nested a thousand deep.", BAD_INDEX)(lambda: raw_index(lambda _: b"[" * 1000 + b"]" * 1000))
vector("index-surrogate", "Half a character in bundle.json.", BAD_INDEX)(
    lambda: raw_index(lambda b: b.replace(b'"mingwen"', b'"\\ud800"', 1))
)
bad_index("index-unknown-field", "A field that the format does not name.", lambda i: i.__setitem__("more", 1))
bad_index("index-other-version", "Version 2 of the format.", lambda i: i.__setitem__("format", "mingwen-evidence/2"))
bad_index("index-no-entries", "No entry.", lambda i: i.__setitem__("entries", []))
bad_index("index-key-twice", "A key twice.", lambda i: i.__setitem__("keys", i["keys"] * 2))
bad_index(
    "index-bad-key",
    "A verifier key whose number is not its own.",
    lambda i: i.__setitem__("keys", [f"example.com/log+00000000+{KEY.split('+', 2)[2]}"]),
)
bad_index("index-no-log-key", "No key of the log, only of a witness.", lambda i: i.__setitem__("keys", i["keys"][1:]))
bad_index(
    "index-unlisted",
    "A stamp that the list of files lacks.",
    lambda i: i["checkpoints"][0]["stamps"].append("checkpoints/4.9.tst"),
)
vector("file-missing", "A file is dropped.", "archive.file-missing")(lambda: dropped("report.en.html"))
vector("file-extra", "A file is slipped in.", "archive.file-extra")(lambda: unmended(put("z.txt", b"also")))
vector("file-changed", "A report is changed.", "archive.file-changed")(lambda: swapped_report())
vector("leaf-flipped", "One bit of the entry is flipped.", "archive.file-changed", "entry.malformed", "proof.inclusion")(
    lambda: unmended(put(LEAF, flip(2)))
)
vector("stamp-dropped", "A time stamp is dropped from the archive.", "archive.file-missing", "stamp.malformed")(
    lambda: unmended(lambda d: d.files.pop("checkpoints/4.0.tst"))
)
vector("note-other", "bundle.note speaks of another bundle.", "archive.note")(lambda: draft().sealed(note=bundle.note(b"{}")))
vector("note-other-key", "bundle.note is signed by another key of the same name.", "archive.signature")(
    lambda: draft().sealed(OTHER_LOG)
)
vector("note-witness", "bundle.note is signed by a witness.", "archive.signature")(lambda: draft().sealed(STRANGER))
vector("note-replayed", "The signature is that of another bundle.", "archive.signature")(lambda: replayed())


def with_report() -> Draft:
    made = draft()
    made.files["report.en.html"] = b"<p>The act took place.</p>"
    made.sealed()
    return made


def dropped(name: str) -> bytes:
    made = with_report()
    del made.files[name]
    return made.closed(canonical(made.index))


def swapped_report() -> bytes:
    made = with_report()
    made.files["report.en.html"] = b"<p>Nothing took place.</p>"
    return made.closed(canonical(made.index))


def replayed() -> bytes:
    made = draft(entries=(6,), content=False)
    made.sealed()
    data, other = canonical(made.index), bundle.note(b"{}")
    line = notes.Signature(LOG.key.name, LOG.key.id, LOG.sign(other).value)
    return bundle.packed({"bundle.json": data, "bundle.note": signed(bundle.note(data), line).encode(), **made.files})


# 2. and 3. Entries and fields --------------------------------------------------------------------------------------------------
def text_of(name: str, value: object, salt: bytes = bytes(16)) -> str:
    return b64url(canonical([b64url(salt), name, value]))


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def disclosed(change: Callable[[list[str]], list[str]]) -> Change:
    return lambda d: edit(FIELDS, disclosed=change(d.json(FIELDS)["disclosed"]))(d)


def hidden(change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> Change:
    return lambda d: edit(FIELDS, hidden=change(d.json(FIELDS)["hidden"]))(d)


DIGESTS = ("field.sha256", "field.sm3")
case("entry-version", "A leaf of version 2.", edit(LEAF, v=2), "entry.malformed", "proof.inclusion")
case("entry-extra", "A leaf that says more.", edit(LEAF, more="x"), "entry.malformed", "proof.inclusion")
case("entry-backdated", "The time of an entry is changed.", edit(LEAF, at="2026-11-20T04:00:00.000000Z"), "proof.inclusion")
case("entry-kind", "An entry is made to say another act.", edit(LEAF, kind="label.propagated"), "proof.inclusion")
case("field-value", "The value of a field is changed.", disclosed(lambda r: [text_of("by", "somebody else"), *r[1:]]), *DIGESTS)
case("field-dropped", "A field is dropped.", disclosed(lambda r: r[1:]), "field.count", *DIGESTS)
case("field-added", "A field is added.", disclosed(lambda r: [text_of("a", 1), *r]), "field.count", *DIGESTS)
case("field-replaced", "A field gives way to another.", disclosed(lambda r: [text_of("a", 1), *r[1:]]), *DIGESTS)
case("field-unordered", "Fields in another order.", disclosed(lambda r: r[::-1]), "field.malformed")
case(
    "field-twice", "Two fields of one name.", disclosed(lambda r: [r[0], text_of("by", "x"), *r[2:]]), "field.duplicate", *DIGESTS
)
case("field-padded", "A disclosure with padding.", disclosed(lambda r: [r[0] + "=", *r[1:]]), "field.malformed")
case("field-short-salt", "A salt of 8 bytes.", disclosed(lambda r: [text_of("by", "x", bytes(8)), *r[1:]]), "field.malformed")
vector("field-concealed-sm3", "The SM3 of a field that is kept back is another one.", "field.sm3")(
    lambda: changed(hidden(lambda rows: [{**rows[0], "sm3": b64(bytes(32))}]), hide=("by",))
)
vector("field-concealed-sha256", "The SHA-256 of a field that is kept back is another one.", "field.sha256")(
    lambda: changed(hidden(lambda rows: [{**rows[0], "sha256": b64(bytes(32))}]), hide=("by",))
)
vector("field-of-other-entry", "The fields are those of another entry.", *DIGESTS, "field.count")(
    lambda: changed(put(FIELDS, draft(entries=(6,), content=False).files["entries/6.fields.json"]), content=False)
)


# 4. Inclusion ------------------------------------------------------------------------------------------------------------------
def lines(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    return put(PROOF, lambda data: b"\n".join(change(data.split(b"\n"))))


def other_proof(**options: Any) -> Change:
    return put(PROOF, lambda _: draft(content=False, **options).files[PROOF])


case(
    "proof-flipped",
    "One hash of the proof is another.",
    lines(lambda r: [*r[:2], b64(bytes(32)).encode(), *r[3:]]),
    "proof.inclusion",
)
case("proof-short", "A hash of the proof is dropped.", lines(lambda r: [*r[:2], *r[3:]]), "proof.inclusion")
case("proof-long", "A hash too many.", lines(lambda r: [*r[:2], r[2], *r[2:]]), "proof.inclusion")
case("proof-swapped", "Two hashes of the proof change places.", lines(lambda r: [*r[:2], r[3], r[2], *r[4:]]), "proof.inclusion")
case("proof-other-index", "The proof is for another place.", lines(lambda r: [r[0], b"index 4", *r[2:]]), "proof.other")
case("proof-extra", "The proof has an extra line.", lines(lambda r: [r[0], b"extra AAAA", *r[1:]]), "proof.malformed")
case("proof-no-proof", "No proof.", put(PROOF, b"\xff\xfe"), "proof.malformed")
case(
    "proof-other-checkpoint", "The proof leads to a checkpoint that is not in the bundle.", other_proof(sizes=(6,)), "proof.other"
)
case(
    "entries-swapped",
    "The leaf is that of another entry.",
    put(LEAF, draft(entries=(6,), content=False).files["entries/6.json"]),
    "proof.inclusion",
    "field.count",
    *DIGESTS,
)


# 5. and 6. Checkpoints, one log ------------------------------------------------------------------------------------------------
def resigned(name: str, change: Callable[[str], str], *signers: Any) -> Change:
    """Change the text of a checkpoint, and have it signed."""

    def work(d: Draft) -> None:
        text = change(d.files[name].decode().partition("\n\n")[0] + "\n")
        d.files[name] = signed(text, *(s.sign(text, attested(10)) for s in signers or (LOG, WITNESS))).encode()

    return work


vector("checkpoint-none", "A checkpoint that is none.", "checkpoint.malformed")(lambda: changed(put(LAST, b"no checkpoint")))
case("checkpoint-extension", "A checkpoint with a fourth line.", resigned(LAST, lambda t: t + "more\n"), "checkpoint.malformed")
case(
    "checkpoint-origin", "A checkpoint of another log.", resigned(LAST, lambda t: t.replace("log", "lag", 1)), "checkpoint.origin"
)
case(
    "checkpoint-size",
    "The size in the list is another one.",
    index(lambda i: i["checkpoints"][2].__setitem__("size", 11)),
    "checkpoint.size",
)
case("checkpoint-unsigned", "Only the witness signed the checkpoint.", resigned(LAST, str, WITNESS), "checkpoint.unsigned")
case(
    "checkpoint-other-key",
    "Another key of the same name signed it.",
    resigned(LAST, str, OTHER_LOG, WITNESS),
    "checkpoint.unsigned",
)
case("checkpoint-signature", "The log's signature is over something else.", put(LAST, lambda d: moved(d)), "checkpoint.signature")
vector("checkpoint-one-of-two", "One of the log's two keys did not sign the last checkpoint.", "checkpoint.unsigned")(
    lambda: changed(resigned(LAST, str, LOG, WITNESS), keys=(LOG, LOG_SM2))
)
vector("checkpoint-sm2-signature", "The log's SM2 signature is over something else.", "checkpoint.signature")(
    lambda: draft_sm2_broken()
)


def moved(data: bytes) -> bytes:
    text, _, below = data.decode().partition("\n\n")
    wrong = LOG.sign("something else\n")
    return f"{text}\n\n{wrong}{below.splitlines(keepends=True)[1]}".encode()


def draft_sm2_broken() -> bytes:
    made = draft(keys=(LOG_SM2,))
    text = made.files[LAST].decode().partition("\n\n")[0] + "\n"
    made.files[LAST] = signed(text, LOG_SM2.sign("something else\n"), WITNESS.sign(text, attested(10))).encode()
    return made.sealed(LOG_SM2)


FORK = {2: b"another leaf"}
"""A leaf of another history."""


def forked(d: Draft) -> None:
    """The last checkpoint is that of another history, as signed by the log; its proof is the one for that history."""
    other = draft(tree=FORK)
    d.files[LAST] = other.files[LAST]
    d.index["checkpoints"][2]["consistency"] = other.index["checkpoints"][2]["consistency"]


case("log-fork", "The log signed two histories.", forked, "log.inconsistent")
case("log-order", "Checkpoints in another order.", index(lambda i: i["checkpoints"].reverse()), "log.order", "log.inconsistent")
case("log-same-size", "Two checkpoints of one size.", lambda d: twice(d), "log.order")
case(
    "log-proof-dropped",
    "The proof that a checkpoint continues the other is empty.",
    index(lambda i: i["checkpoints"][2].__setitem__("consistency", [])),
    "log.inconsistent",
)
case(
    "log-proof-first",
    "A proof before the first checkpoint.",
    index(lambda i: i["checkpoints"][0].__setitem__("consistency", [b64(bytes(32))])),
    "log.inconsistent",
)
case(
    "log-proof-flipped",
    "One hash of it is another.",
    index(lambda i: i["checkpoints"][1]["consistency"].__setitem__(0, b64(bytes(32)))),
    "log.inconsistent",
)
vector("log-replayed", "An old checkpoint is shown as the newest: it does not include the entry.", "proof.inclusion")(
    lambda: draft(sizes=(4,)).sealed()
)


def twice(d: Draft) -> None:
    d.files["checkpoints/7b.txt"] = d.files[SECOND]
    d.index["checkpoints"].insert(2, {"size": 7, "note": "checkpoints/7b.txt", "stamps": [], "consistency": []})


# 7. Witnesses ------------------------------------------------------------------------------------------------------------------
vector("witness-signature", "A cosignature is over something else.", "witness.signature")(
    lambda: changed(lambda d: cosigned(d, "something else\n"))
)
vector("witness-missing", "The witness whom the reader names did not sign.", "witness.missing", witness=[str(STRANGER.key)])(
    lambda: draft().sealed()
)
vector(
    "witness-only-before",
    "The witness whom the reader names signed only before the entry.",
    "witness.missing",
    witness=[str(WITNESS.key)],
)(lambda: changed(unwitnessed))
vector("witness-ml-dsa-signature", "A cosignature by ML-DSA-44 whose time was changed.", "witness.signature")(
    lambda: changed(lambda d: put(LAST, later)(d), witnesses=(WITNESS_ML_DSA,))
)


def unwitnessed(d: Draft) -> None:
    """Leave the witness's signature on the first checkpoint alone."""
    for name in (LAST, SECOND):
        resigned(name, str, LOG)(d)
    d.files[PROOF] = d.files[PROOF].partition(b"\n\n")[0] + b"\n\n" + d.files[SECOND]


def cosigned(d: Draft, other: str) -> None:
    text = d.files[LAST].decode().partition("\n\n")[0] + "\n"
    d.files[LAST] = signed(text, LOG.sign(text), WITNESS.sign(other, attested(10))).encode()


def later(data: bytes) -> bytes:
    note = notes.parse(data)
    log, witness = note.signatures
    value = witness.value[:7] + bytes([witness.value[7] ^ 1]) + witness.value[8:]
    return signed(note.text, log, notes.Signature(witness.name, witness.id, value)).encode()


# 8. Time stamps ----------------------------------------------------------------------------------------------------------------
def stamp(name: str, proves: str, make: Callable[[str, int], bytes], *codes: str, **arguments: Any) -> None:
    vector(name, proves, *codes, **arguments)(lambda: draft(stamped=lambda t, s: (make(t, s),) if s == 7 else ()).sealed())


def by(name: str, **odd: Any) -> Authority:
    return Authority(name, ec_key(name), ROOT, **odd)


ANY, CODE = ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING
stamp("stamp-none", "A time stamp that is none.", lambda *_: b"0\x03\x02\x01\x01", "stamp.malformed")
stamp("stamp-truncated", "A time stamp that is cut off.", lambda t, s: token(t, attested(s))[:-40], "stamp.malformed")
stamp("stamp-of-other", "The time stamp of something else.", lambda _, s: token("something else\n", attested(s)), "stamp.imprint")
stamp("stamp-sha1", "A time stamp over a SHA-1.", lambda t, s: token(t, attested(s), imprint_by="sha1"), "stamp.imprint")
stamp("stamp-signature", "Its signature does not hold.", lambda t, s: token(t, attested(s), flipped=True), "stamp.signature")
stamp("stamp-other-digest", "It signs for another content.", lambda t, s: token(t, attested(s), of_other=True), "stamp.signature")
stamp(
    "stamp-no-certificate",
    "The signer's certificate is missing.",
    lambda t, s: token(t, attested(s), certificates=(ROOT,)),
    "stamp.signature",
)
stamp(
    "stamp-purpose",
    "A certificate for other purposes too.",
    lambda t, s: token(t, attested(s), by("two", purposes=(ANY, CODE))),
    "stamp.purpose",
)
stamp(
    "stamp-not-critical",
    "A purpose that is not critical.",
    lambda t, s: token(t, attested(s), by("soft", critical=False)),
    "stamp.purpose",
)
stamp(
    "stamp-no-purpose",
    "A certificate without a purpose.",
    lambda t, s: token(t, attested(s), by("none", purposes=None)),
    "stamp.purpose",
)
stamp(
    "stamp-expired",
    "The authority's certificate had expired.",
    lambda t, s: token(t, attested(s), by("old", ends=START)),
    "stamp.chain",
)
stamp("stamp-no-root", "Nothing leads to a root.", lambda t, s: token(t, attested(s), certificates=(TSA,)), "stamp.chain")
stamp(
    "stamp-named-root",
    "The root is not in the token, the reader brings it.",
    lambda t, s: token(t, attested(s), certificates=(TSA,)),
    root=["root.pem"],
)
stamp(
    "stamp-not-an-authority",
    "An ordinary certificate issued the authority's.",
    lambda t, s: token(
        t,
        attested(s),
        Authority("below", ec_key("below"), TSA),
        certificates=(Authority("below", ec_key("below"), TSA), TSA, ROOT),
    ),
    "stamp.chain",
)
stamp(
    "stamp-untrusted",
    "It leads to another root than the reader names.",
    lambda t, s: token(t, attested(s)),
    "stamp.untrusted",
    root=["other-root.pem"],
)
stamp(
    "stamp-forged-root",
    "An authority with the root's name and another key.",
    lambda t, s: token(
        t, attested(s), Authority("Forged", ec_key("forged"), Authority("Test root", ec_key("false"), authority=True))
    ),
    "stamp.untrusted",
    root=["root.pem"],
)


def below(name: str, above: Authority) -> list[Authority]:
    """A certificate for time stamps, and all above it."""
    way = [certified(name, above, CRITICAL_EKU)]
    while above_it := way[-1].above:
        way.append(above_it)
    return way


def long_length(data: bytes) -> bytes:
    return data[:1] + b"\x83\0" + data[2:]


def changed_stamp(name: str, proves: str, change: Callable[[Tree], object], *codes: str, **options: Any) -> None:
    make = with_change(change, **options)
    stamp(name, proves, lambda t, s: make(t, attested(s)), *codes)


def certified_stamp(name: str, proves: str, signer: Authority, *codes: str, certificates: tuple[Authority, ...] = ()) -> None:
    held = certificates or (signer, *((signer.above,) if signer.above else ()), ROOT)
    stamp(name, proves, lambda t, s: token(t, attested(s), signer, certificates=tuple(dict.fromkeys(held))), *codes)


def doubled(tree: Tree) -> None:
    attributes(tree).append(attributes(tree)[0])


CRITICAL_EKU = (KEY_PURPOSE, True)
CA = (x509.BasicConstraints(ca=True, path_length=None), True)
CA_0 = (x509.BasicConstraints(ca=True, path_length=0), True)
STRANGE = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)
CIPHER = (x509.KeyUsage(False, False, True, *[False] * 6), True)  # noqa: FBT003 - encipherment alone
changed_stamp(
    "stamp-other-scheme",
    "It says it is signed by another algorithm.",
    lambda t: signer_info(t)[4].__setitem__(1, [oid("2a8648ce3d040304")]),
    "stamp.signature",
)
changed_stamp("stamp-unsigned-attributes", "Unsigned attributes.", lambda t: signer_info(t).append([0xA1, []]), "stamp.malformed")
changed_stamp("stamp-revocations", "Revocation lists.", lambda t: signed_data(t).insert(4, [0xA1, []]), "stamp.malformed")
changed_stamp("stamp-attribute-twice", "A signed attribute twice.", doubled, "stamp.malformed", anew=True)
changed_stamp(
    "holds-odd-certificate",
    "Something among the certificates is none; nobody needs it.",
    lambda t: signed_data(t)[3][1].append(other_certificate()),
)
changed_stamp(
    "stamp-certificate-longer",
    "Its issuer's certificate holds an element too many.",
    lambda t: next(c for c in signed_data(t)[3][1] if c[1][0][1][3] == c[1][0][1][5])[1].append([0x05, b""]),
    "stamp.chain",
)
stamp("stamp-not-der", "A length too long.", lambda t, s: long_length(token(t, attested(s))), "stamp.malformed")
certified_stamp(
    "stamp-curve",
    "A key on a curve that not every verifier knows.",
    certified("k1", ROOT, CRITICAL_EKU, key=ec.derive_private_key(5**100, ec.SECP256K1())),
    "stamp.signature",
)
stamp(
    "stamp-short-rsa",
    "An RSA key of 1024 bits.",
    lambda t, s: token(t, attested(s), Authority("RSA 1024", rsa_key("rsa-1024", 1024), ROOT)),
    "stamp.signature",
)
certified_stamp(
    "stamp-weak-chain",
    "Its certificate is signed over a SHA-224.",
    certified("weak", ROOT, CRITICAL_EKU, hashed=hashes.SHA224()),
    "stamp.chain",
)
certified_stamp(
    "stamp-key-usage",
    "A key that may only encipher.",
    certified("cipher", ROOT, CRITICAL_EKU, CIPHER),
    "stamp.purpose",
)
certified_stamp(
    "stamp-critical-extension",
    "A certificate with a critical extension that nobody knows.",
    certified("strange", ROOT, CRITICAL_EKU, STRANGE),
    "stamp.chain",
)
certified_stamp(
    "stamp-issuer-purpose",
    "Its issuer is an authority for other purposes.",
    certified("coded", certified("coder", ROOT, CA, (x509.ExtendedKeyUsage([CODE]), False)), CRITICAL_EKU),
    "stamp.chain",
)
certified_stamp(
    "stamp-path-length",
    "An authority below one that allows none.",
    certified("low", certified("middle", certified("high", None, CA_0), CA), CRITICAL_EKU),
    "stamp.chain",
    certificates=tuple(below("low", certified("middle", certified("high", None, CA_0), CA))),
)
# 9. Times ----------------------------------------------------------------------------------------------------------------------
vector("time-future", "An entry says it is later than a witness saw it.", "time.future")(
    lambda: draft(at={INDEX: attested(7) + HOUR}).sealed()
)
vector("time-backdated", "An entry says it is a day older; others saw the log without it.", "time.backdated")(
    lambda: draft(at={INDEX: entry(INDEX).at - timedelta(days=1)}).sealed()
)
vector(
    "time-backdated-named",
    "The same, by what the named witness and root attest.",
    "time.backdated",
    key=[KEY],
    witness=[str(WITNESS.key)],
    root=["root.pem"],
)(lambda: draft(at={INDEX: entry(INDEX).at - timedelta(days=1)}).sealed())
vector("time-cosigned-early", "The witness's time contradicts the entry's.", "time.future")(
    lambda: draft(cosigned=lambda size: attested(size) - timedelta(days=1)).sealed()
)


# What verifiers might read in two ways
def labelled(text: str) -> str:
    return LABEL.replace('"Label":"1"', text)


def two_labels(theirs: str, ours: str) -> bytes:
    return draft(label=labelled(theirs).encode(), detail={"label": labelled(ours)}).sealed()


for name, proves, theirs, ours in (
    ("content-label-nan", "The label in the file is no JSON.", '"x":NaN,"Label":"1"', '"Label":"1"'),
    ("content-label-numbers", "1 and true are not the same label.", '"Label":1', '"Label":true'),
    ("content-label-null", "Nothing is not an empty text.", '"Label":null', '"Label":""'),
):
    vector(name, proves, "content.label")(partial(two_labels, theirs, ours))
vector("holds-label-huge-number", "A number of 5,000 figures stands beside the label.")(
    lambda: draft(label=labelled(f'"x":{"9" * 5000},"Label":"1"').encode()).sealed()
)
vector("content-sha256-list", "The entry gives an empty list as the digest.", "content.digest")(
    lambda: draft(detail={"sha256": []}).sealed()
)
vector("field-unordered-commas", "Fields in another order, whose names read the same with commas between.", "field.malformed")(
    lambda: changed(disclosed(swapped), detail={"a": 1, "a,a": 2})
)
case(
    "checkpoint-short-signature",
    "A line of signature that holds the number of a key, and nothing more.",
    put(LAST, lambda d: d + "\u2014 somebody AAAAAA==\n".encode()),
    "checkpoint.malformed",
)
vector("checkpoint-sm2-not-der", "The numbers of an SM2 signature have zeros before them.", "checkpoint.signature")(
    lambda: changed(padded_sm2, keys=(LOG, LOG_SM2))
)


def swapped(rows: list[str]) -> list[str]:
    """Change the places of the fields ``a`` and ``a,a``, which come first."""
    return [rows[1], rows[0], *rows[2:]]


def padded_sm2(d: Draft) -> None:
    note = notes.parse(d.files[LAST])
    lines = [s if s.id != LOG_SM2.key.id else notes.Signature(s.name, s.id, zeroed(s.value)) for s in note.signatures]
    d.files[LAST] = signed(note.text, *lines).encode()


def zeroed(signature: bytes) -> bytes:
    [[tag, numbers]] = parsed(signature)
    return written([[tag, [[kind, b"\0\0" + number] for kind, number in numbers]]])


# 10. and 11. The content, keys -------------------------------------------------------------------------------------------------
case(
    "content-entry",
    "The entry that tells of the content is missing.",
    index(lambda i: i["content"].__setitem__("entry", 6)),
    "content.entry",
)
case(
    "content-sha256",
    "Another file is said to be the content.",
    index(lambda i: i["content"].__setitem__("sha256", "0" * 64)),
    "content.digest",
)
case("content-sm3", "Another SM3.", index(lambda i: i["content"].__setitem__("sm3", "0" * 64)), "content.digest")
case(
    "content-label",
    "The label in the file is another.",
    put("labels/0.txt", lambda d: d.replace(b"vector-5", b"vector-6")),
    "content.label",
)
case("content-label-none", "The label in the file is no label.", put("labels/0.txt", b"AIGC"), "content.label")
vector("content-other", "The reader's file is another.", "content.other", content="other.bin")(lambda: draft().sealed())
vector("content-not-told", "The reader has a file, and the bundle tells of none.", "content.other", content="content.bin")(
    lambda: draft(content=False).sealed()
)
vector("key-other", "The reader names another key of the same name.", "key.untrusted", key=[str(OTHER_LOG.key)])(
    lambda: draft().sealed()
)
vector("key-not-on-note", "The key that the reader names signed the log, but not the bundle.", "key.untrusted", key=[KEY])(
    lambda: draft(keys=(LOG, OTHER_LOG)).sealed(OTHER_LOG)
)
vector("key-forged-log", "A whole log forged under another key of the same name.", "key.untrusted", key=[KEY])(
    lambda: draft(keys=(OTHER_LOG,)).sealed(OTHER_LOG)
)


def said(name: str) -> dict[str, Any]:
    """Return what a verifier has to say of a bundle."""
    v = VECTORS[name]
    outcome = "broken" if v.codes else "proven" if v.arguments.get("key") else "consistent"
    return {"proves": v.proves, "outcome": outcome, "codes": sorted(set(v.codes)), "arguments": v.arguments}


def main(folder: Path = FOLDER) -> None:
    """Write all vectors."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, v in VECTORS.items():
        (folder / f"{name}.zip").write_bytes(v.make())
    others = {"content.bin": CONTENT, "other.bin": b"another file\n", "root.pem": ROOT.pem, "other-root.pem": OTHER_ROOT.pem}
    for name, data in others.items():
        (folder / name).write_bytes(data)
    expected = {name: said(name) for name in sorted(VECTORS)}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
