"""SecurityData: what a provider may put into ReservedCode1 to protect a label (TC260-PG-202511A).

``message`` is what is signed, ``build`` writes the guide's form, ``parse`` reads that form and the spellings real
files have, ``check`` asks whether a signature in it holds. Who the key belongs to is not said here: a signature by
the key that stands beside it proves integrity only, until the caller compares the fingerprint with one it trusts.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from mingwen.domain import digests, sm2, sm2_signatures
from mingwen.domain.errors import Refused

SM3_WITH_SM2 = "1.2.156.10197.1.501"
"""The one algorithm the guide names; the signer's identity is the default 1234567812345678."""
TYPE = "TC260PG"
VERSION = 1

MAX_CHARS = 8 * 1024
MAX_ENTRIES = 16
MAX_SIGNATURES = 4
MAX_KEYS = 4
"""4 × 4 × 2 parities × 2 forms: at most 64 verifications, about 0.13 s."""

_LABEL_TBS = ("Md", "LabelMataData")
"""TBSData.Type of a signature over the label: the guide's word, and that of StepFun's and MiniMax's files."""
_PUBLIC_PARTS = ("PubSD", "PubSd")
"""The guide's name, and Honor's."""

Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""``(point of 65 bytes, message, signature in DER) → does it hold``; any bytes may come, none may raise."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One entry of type DS."""

    algorithm: str
    """OID, dotted."""
    der: bytes
    covers: str
    """TBSData.Type as written: Md, Bnd, LabelMataData, Binding, Content, …"""
    key_id: str


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of another type with a key or a certificate in it."""

    kind: str
    """PubKey as a rule."""
    algorithm: str
    value: bytes
    """In any of the forms of ``sm2.points``; or none of them."""
    key_id: str


@dataclass(frozen=True, slots=True)
class SecurityData:
    """What was found, as far as it can be read."""

    signatures: tuple[Signature, ...] = ()
    keys: tuple[Key, ...] = ()
    problems: tuple[str, ...] = ()
    """Codes: security.json, .too-large, .type, .version, .entry, .too-many."""


class Outcome(StrEnum):
    """What a check came to."""

    VERIFIED = "verified"
    FAILED = "failed"
    UNCHECKABLE = "uncheckable"


class Form(StrEnum):
    """What SM2 signed."""

    DIRECT = "direct"
    """The message itself, as the guide has it."""
    PREHASHED = "sm3-prehash"
    """The message's SM3 digest: hashed twice, as in StepFun's files."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to, and why."""

    outcome: Outcome
    reason: str = ""
    """A code, empty if verified: security.no-signature, .no-label-signature, .algorithm, .no-key, .mismatch, .message-unknown."""
    form: Form | None = None
    fingerprint: str = ""
    """Of the key that verified: ``sm2.fingerprint``; to be compared with a trusted one."""


def message(label: str, content_producer: str, produce_id: str) -> bytes:
    """Return what is signed: ``"Label":"1","ContentProducer":"…","ProduceID":"…"`` (Appendix A.1).

    The guide speaks of an ASCII string. What it does with other characters is UNKNOWN: we take UTF-8, and write
    quotes, backslashes and control characters as JSON does, so that no two labels have the same message.
    """
    fields = {"Label": label, "ContentProducer": content_producer, "ProduceID": produce_id}
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))[1:-1]
    return text.encode("utf-8", "surrogatepass")  # a lone surrogate can come out of JSON and must not stop a reader


def build(signature: bytes, key: bytes) -> str:
    """Write SecurityData as compact JSON: ``signature`` in DER, ``key`` as SubjectPublicKeyInfo or X.509 in DER.

    The name of a certificate's entry is UNKNOWN; ``Cert`` with ``KeyValue`` is our default.

    Raises:
        Refused: the certificate is too large for a label (``security.too-large``).
    """
    entries = (
        {"Type": "DS", "AlgID": SM3_WITH_SM2, "TBSData": {"Type": _LABEL_TBS[0]}, "Signature": signature.hex().upper()},
        {"Type": "Cert" if sm2.is_certificate(key) else "PubKey", "AlgID": SM3_WITH_SM2, "KeyValue": key.hex().upper()},
    )
    data = {"SecurityData": {"Type": TYPE, "Version": VERSION, "PubSD": entries}}
    text = json.dumps(data, separators=(",", ":"))
    if len(text) > MAX_CHARS:
        raise Refused(
            "security.too-large",
            f"expected SecurityData of at most {MAX_CHARS} characters, got {len(text)}",
            hint="give the public key instead of the certificate",
        )
    return text


def parse(reserved_code: str | Mapping[str, object]) -> SecurityData | None:
    """Read ReservedCode1 or ReservedCode2; None if it holds something else, which is allowed and opaque to us.

    Takes the JSON text, or the object itself (Honor nests it). What is broken inside is told by
    ``SecurityData.problems``; nothing is raised, whatever comes.
    """
    if isinstance(reserved_code, str):
        if '"SecurityData"' not in reserved_code:
            return None
        if len(reserved_code) > MAX_CHARS:
            return SecurityData(problems=("security.too-large",))
        try:
            outer: object = json.loads(reserved_code, object_pairs_hook=_unique)
        except (ValueError, RecursionError):
            return SecurityData(problems=("security.json",))
    else:
        outer = reserved_code
    inner = _object(outer).get("SecurityData")
    return _read(inner) if isinstance(inner, Mapping) else None


def check(data: SecurityData, signed: bytes, verify: Verify = sm2_signatures.verify) -> Verdict:
    """Say whether a signature over the label holds with a key in the same SecurityData.

    Steps: 1. signatures that cover the label; 2. of an algorithm we know; 3. keys that are SM2 points; 4. each
    signature with each point, over ``signed`` itself and over its SM3 digest. The first that holds decides.
    """
    if not data.signatures:
        return _uncheckable("security.no-signature")
    over_label = [s for s in data.signatures if s.covers in _LABEL_TBS]
    if not over_label:
        return _uncheckable("security.no-label-signature")
    known = [s for s in over_label if s.algorithm == SM3_WITH_SM2]
    if not known:
        return _uncheckable("security.algorithm")
    points = [p for key in data.keys for p in sm2.points(key.value)]
    if not points:
        return _uncheckable("security.no-key")
    for form, digest in ((Form.DIRECT, signed), (Form.PREHASHED, digests.sm3(signed))):
        for signature in known:
            for point in points:
                if verify(point, digest, signature.der):
                    return Verdict(Outcome.VERIFIED, form=form, fingerprint=sm2.fingerprint(point))
    return Verdict(Outcome.FAILED, "security.mismatch")


def _uncheckable(reason: str) -> Verdict:
    return Verdict(Outcome.UNCHECKABLE, reason)


def _read(inner: Mapping[str, object]) -> SecurityData:
    problems = _head_problems(inner)
    entries = [e for name in _PUBLIC_PARTS for e in _list(inner.get(name))]
    signatures: list[Signature] = []
    keys: list[Key] = []
    for entry in entries[:MAX_ENTRIES]:
        found = _entry(_object(entry))
        if isinstance(found, Signature):
            signatures.append(found)
        elif isinstance(found, Key):
            keys.append(found)
        else:
            problems.append("security.entry")
    if len(entries) > MAX_ENTRIES or len(signatures) > MAX_SIGNATURES or len(keys) > MAX_KEYS:
        problems.append("security.too-many")
    return SecurityData(tuple(signatures[:MAX_SIGNATURES]), tuple(keys[:MAX_KEYS]), tuple(dict.fromkeys(problems)))


def _head_problems(inner: Mapping[str, object]) -> list[str]:
    problems = [] if inner.get("Type") == TYPE else ["security.type"]
    version = inner.get("Version")
    return problems if version == VERSION and not isinstance(version, bool) else [*problems, "security.version"]


def _entry(entry: Mapping[str, object]) -> Signature | Key | None:
    kind, algorithm, key_id = _text(entry.get("Type")), _text(entry.get("AlgID")), _text(entry.get("KeyID"))
    value = _hex(entry.get("Signature" if kind == "DS" else "KeyValue"))
    if not value:
        return None
    if kind == "DS":
        return Signature(algorithm, value, _text(_object(entry.get("TBSData")).get("Type")), key_id)
    return Key(kind, algorithm, value, key_id)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")  # becomes security.json
    return found


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Iterator[object]:
    yield from value if isinstance(value, list) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _hex(value: object) -> bytes:
    """Return the bytes, or none of them if this is no hexadecimal of a bearable length."""
    if not isinstance(value, str) or len(value) > MAX_CHARS:
        return b""
    try:
        return bytes.fromhex(value)
    except ValueError:
        return b""
