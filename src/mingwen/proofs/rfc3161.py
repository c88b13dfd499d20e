"""Time stamps (RFC 3161, with RFC 5816): asking an authority, reading its answer, and checking a token with nothing but that.

A token is CMS SignedData (RFC 5652) around a TSTInfo. Every byte of it is signed, or must be what the signed part makes it, or
belongs to a certificate that the signer does not need; unsigned attributes and revocation lists are refused.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from mingwen.domain import digests
from mingwen.domain._der import BIT_STRING, INTEGER, OCTET_STRING, OID, SEQUENCE, encode
from mingwen.domain._der import integer as encode_integer
from mingwen.domain.errors import Malformed, Misused, Unavailable, Unproven
from mingwen.proofs import _asn1, _certificates
from mingwen.proofs._asn1 import BOOLEAN, GENERALIZED_TIME, SET, Row, malformed, oid
from mingwen.proofs._certificates import Certificate

MOST_BYTES: Final = _asn1.MOST_BYTES
MOST_CERTIFICATES: Final = 6
"""As many as the verifiers of bundles take."""

_SIGNED_DATA, _TST_INFO = oid("1.2.840.113549.1.7.2"), oid("1.2.840.113549.1.9.16.1.4")
_CONTENT_TYPE, _MESSAGE_DIGEST = oid("1.2.840.113549.1.9.3"), oid("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE, _SIGNING_CERTIFICATE_V2 = oid("1.2.840.113549.1.9.16.2.12"), oid("1.2.840.113549.1.9.16.2.47")
_Digest: TypeAlias = Callable[[bytes], bytes]
_NAMES: Final = dict(zip(("sha256", "sha384", "sha512", "sm3"), (*_certificates.HASHES, _certificates.SM3), strict=True))
_DIGESTS: Final[Mapping[bytes, _Digest]] = {
    _NAMES["sha256"]: digests.sha256,
    _NAMES["sha384"]: lambda data: hashlib.sha384(data).digest(),
    _NAMES["sha512"]: lambda data: hashlib.sha512(data).digest(),
    _NAMES["sm3"]: digests.sm3,
}
_STRONG: Final = ", ".join(_NAMES)
_BINDINGS: Final[Mapping[bytes, _Digest]] = {
    _SIGNING_CERTIFICATE: lambda der: hashlib.sha1(der, usedforsecurity=False).digest(),  # the key binds; RFC 5035 §5 fixes SHA-1
    _SIGNING_CERTIFICATE_V2: digests.sha256,
}
""""Which certificate it is" among signed attributes, and the hash where none is named."""

_CONTEXT_0, _CONTEXT_1, _KEY_ID = 0xA0, 0xA1, 0x80
_MOST_ACCURACY_SECONDS: Final = 2**31

_GRANTED: Final = {0, 1}
_STATUS: Final = {2: "rejection", 3: "waiting", 4: "revocationWarning", 5: "revocationNotification"}
_FAILURES: Final = {
    0: "badAlg",
    2: "badRequest",
    5: "badDataFormat",
    14: "timeNotAvailable",
    15: "unacceptedPolicy",
    16: "unacceptedExtension",
    17: "addInfoNotAvailable",
    25: "systemFailure",
}
"""The bits of PKIFailureInfo (RFC 3161 §2.4.2)."""
_MOST_WORDS: Final = 300
"""Characters of what an authority says."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says; nothing here is checked but the form."""

    algorithm: str
    """Of the imprint: an object identifier, in figures and dots."""
    digest: bytes
    """The imprint."""
    gen_time: datetime
    """UTC."""
    serial: int
    policy: str
    accuracy: timedelta | None
    nonce: int | None
    certificates: tuple[bytes, ...]
    """In DER, in the order found."""
    signer: bytes
    """SignerIdentifier in DER: issuer and serial number, or ``80`` and a key's number."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A time stamp that holds."""

    at: datetime
    """UTC."""
    root_der: bytes
    root_fingerprint_sha256: str
    """Of the root's DER, in hexadecimal."""
    trusted: bool | None
    """Did the reader name that root? None where none was named."""
    certificates: tuple[bytes, ...]
    """From the signer's to the root, in DER."""


@dataclass(frozen=True, slots=True)
class _Signer:
    """SignerInfo: who signed, and what exactly."""

    name: bytes
    digest: bytes
    """The hash, by the content of its OBJECT IDENTIFIER."""
    attributes: Mapping[bytes, bytes]
    """The one value of each in DER, by the content of its OBJECT IDENTIFIER."""
    signed: bytes
    algorithm: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class _Signed:
    """A token, and what its signature stands on."""

    token: Token
    content: bytes
    certificates: tuple[Certificate, ...]
    signer: _Signer


def request(digest: bytes, *, algorithm: str = "sha256", nonce: int) -> bytes:
    """Write a TimeStampReq (RFC 3161 §2.4.1) that asks for certificates too; ``algorithm``: sha256, sha384, sha512 or sm3."""
    imprint = encode(SEQUENCE, _algorithm(_NAMES[algorithm]), encode(OCTET_STRING, digest))
    return encode(SEQUENCE, encode_integer(1), imprint, encode_integer(nonce), _asn1.TRUE)


def token(response: bytes) -> bytes:
    """Take the token out of a TimeStampResp (RFC 3161 §2.4.2).

    Raises:
        Malformed: the answer is none (``stamp.malformed``).
        Unavailable: the authority says no (``stamp.refused``).
    """
    row = _asn1.sequence(response)
    state, found = row.take(SEQUENCE).row, list(row.rest(SEQUENCE))
    status = _asn1.integer(state.take(INTEGER))
    if status not in _GRANTED:
        said = "; ".join(filter(None, (*_words(state), *_failures(state))))[:_MOST_WORDS]
        hint = "ask the authority, or configure another one"
        raise Unavailable(
            "stamp.refused", f"expected a time stamp, got {_STATUS.get(status, status)}: {said or 'no reason'}", hint=hint
        )
    if len(found) != 1:
        raise malformed("one token", str(len(found)))
    return found[0].whole


def read(token_der: bytes) -> Token:
    """Read a TimeStampToken.

    Raises:
        Malformed: it is none (``stamp.malformed``).
    """
    return _signed(token_der).token


def verify(token_der: bytes, data: bytes, *, roots: Sequence[bytes] = ()) -> Verified:
    """Check a TimeStampToken over ``data``; ``roots`` are certificates in DER that the reader trusts.

    Raises:
        Malformed: it is none (``stamp.malformed``).
        Unproven: it is over other data (``stamp.imprint``), not signed (``stamp.signature``) by a certificate for that purpose
            alone (``stamp.purpose``) that leads to a root (``stamp.chain``), or to another root (``stamp.untrusted``).
        Misused: a root is no certificate (``stamp.root``).
    """
    named = [_root(der) for der in roots]
    found = _signed(token_der)
    digest = _DIGESTS.get(oid(found.token.algorithm))
    if digest is None or digest(data) != found.token.digest:
        came = "another" if digest else found.token.algorithm
        hint = "the time stamp belongs to other data"
        raise Unproven("stamp.imprint", f"expected the digest of the data by {_STRONG}, got {came}", hint=hint)
    signer = _signing(found)
    if not _certificates.for_time_stamps(signer):
        hint = "its authority must not sign with this certificate (RFC 3161 §2.3)"
        raise Unproven("stamp.purpose", "expected a certificate for time stamps alone, critically so, got another", hint=hint)
    way = _certificates.path(signer, found.token.gen_time, found.certificates, named)
    root = way[-1].der
    return Verified(
        at=found.token.gen_time,
        root_der=root,
        root_fingerprint_sha256=digests.sha256(root).hex(),
        trusted=True if named else None,
        certificates=tuple(c.der for c in way),
    )


def completed(token_der: bytes, certificates: Sequence[bytes]) -> bytes:
    """Add certificates that a token lacks, so that a stranger finds the way to its root; no signature covers the set of them.

    Raises:
        Malformed: it is no token, or grows beyond ``MOST_BYTES`` (``stamp.malformed``).
    """
    outer = _asn1.sequence(token_der)
    kind, row = outer.take(OID), outer.take(_CONTEXT_0).one(SEQUENCE).row
    before, present, after = [row.take() for _ in range(3)], row.maybe(_CONTEXT_0), list(row.rest())
    held = [e.whole for e in present.row.rest()] if present else []
    if set(certificates) <= set(held):
        return token_der
    whole = encode(_CONTEXT_0, *sorted({*held, *certificates}))  # X.690 §11.6
    parts = (*(e.whole for e in before), whole, *(e.whole for e in after))
    made = encode(SEQUENCE, kind.whole, encode(_CONTEXT_0, encode(SEQUENCE, *parts)))
    if len(made) > MOST_BYTES:
        raise malformed(f"at most {MOST_BYTES} bytes", f"{len(made)} with the certificates up to its root")
    return made


def _signing(found: _Signed) -> Certificate:
    """Return the certificate whose key signed the token (RFC 5652 §5.4 and §5.6)."""
    signer, attributes = found.signer, found.signer.attributes
    digest = _DIGESTS.get(signer.digest)
    if digest is None or attributes.get(_MESSAGE_DIGEST) != encode(OCTET_STRING, digest(found.content)):
        raise _unsigned(f"a signature over the digest of the content by {_STRONG}")
    if attributes.get(_CONTENT_TYPE) != encode(OID, _TST_INFO):
        raise _unsigned("a signature over a time stamp")
    meant = next((c for c in found.certificates if _is_meant(c, signer.name) and _is_bound(c, attributes)), None)
    if meant is None:
        raise _unsigned("the signer's certificate in the time stamp, and its digest under the signature")
    if not _certificates.is_usual(signer.algorithm):
        hint = "ask the authority for RSA with PKCS #1 v1.5, ECDSA or SM2, which every verifier of a bundle checks"
        raise Unproven("stamp.signature", "expected a signature by RSA, ECDSA or SM2, got one of another kind", hint=hint)
    if not _certificates.holds(meant.public_key, signer.algorithm, signer.digest, signer.signed, signer.signature):
        raise _unsigned("a signature that holds")
    return meant


def _is_meant(one: Certificate, signer: bytes) -> bool:
    return signer in {encode(SEQUENCE, one.issuer, one.serial), one.key_id is not None and encode(_KEY_ID, one.key_id)}


def _is_bound(one: Certificate, attributes: Mapping[bytes, bytes]) -> bool:
    """Say whether the signed attributes name this certificate: one of the two must be there, and none say otherwise."""
    named = [(attributes[name], digest) for name, digest in _BINDINGS.items() if name in attributes]
    return bool(named) and all(_binds(value, digest, one.der) for value, digest in named)


def _binds(value: bytes, digest: _Digest, der: bytes) -> bool:
    """Say whether the first ESSCertID or ESSCertIDv2 is that of a certificate (RFC 5035 §4 and §5)."""
    row = _asn1.sequence(value).take(SEQUENCE).row.take(SEQUENCE).row
    algorithm = row.maybe(SEQUENCE)
    made = _DIGESTS.get(_certificates.digest_name(algorithm)) if algorithm else digest
    return made is not None and row.take(OCTET_STRING).body == made(der)


def _signed(token_der: bytes) -> _Signed:
    """Take SignedData apart (RFC 5652 §5.1): version 3, one signer, no revocation lists."""
    outer = _asn1.sequence(token_der)
    _expect("SignedData", outer.take(OID).body == _SIGNED_DATA)
    row = outer.take(_CONTEXT_0).one(SEQUENCE).row
    outer.end()
    _expect("SignedData of version 3", _asn1.integer(row.take(INTEGER)) == 3)  # noqa: PLR2004 - RFC 5652 §5.1
    hashes, content, present, signers = row.take(SET).row, row.take(SEQUENCE).row, row.maybe(_CONTEXT_0), row.take(SET)
    row.end()
    _expect("a TSTInfo", content.take(OID).body == _TST_INFO)
    info = content.take(_CONTEXT_0).one(OCTET_STRING).body
    content.end()
    certificates = _all_certificates(present.row) if present else ()
    signer = _signer_info(signers.one(SEQUENCE).row)
    _expect("the signer's hash alone", [_certificates.digest_name(h) for h in hashes.rest(SEQUENCE)] == [signer.digest])
    return _Signed(_token(info, tuple(c.der for c in certificates), signer.name), info, certificates, signer)


def _all_certificates(row: Row) -> tuple[Certificate, ...]:
    ders = [e.whole for e in row.rest(SEQUENCE)]
    if len(ders) > MOST_CERTIFICATES:
        raise malformed(f"at most {MOST_CERTIFICATES} certificates", str(len(ders)))
    return tuple(_certificates.certificate(der) for der in ders)


def _signer_info(row: Row) -> _Signer:
    """Read SignerInfo (RFC 5652 §5.3), without unsigned attributes."""
    version, name = _asn1.integer(row.take(INTEGER)), row.take(SEQUENCE, _KEY_ID)
    _expect("a version that goes with how the signer is named", version == (1 if name.tag == SEQUENCE else 3))
    digest, attributes = _certificates.digest_name(row.take(SEQUENCE)), row.take(_CONTEXT_0)
    algorithm, signature = row.take(SEQUENCE).whole, row.take(OCTET_STRING).body
    row.end()
    # RFC 5652 §5.4: what is signed has the tag of a SET.
    return _Signer(name.whole, digest, _attributes(attributes.row), encode(SET, attributes.body), algorithm, signature)


def _attributes(row: Row) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for element in row.rest(SEQUENCE):
        inside = element.row
        name, value = inside.take(OID).body, inside.take(SET).one()
        inside.end()
        if name in found:
            raise malformed("each attribute once", f"{_asn1.dotted(name)} twice")
        found[name] = value.whole
    return found


def _token(info: bytes, certificates: tuple[bytes, ...], signer: bytes) -> Token:
    """Read TSTInfo (RFC 3161 §2.4.2)."""
    row = _asn1.sequence(info)
    _expect("a TSTInfo of version 1", _asn1.integer(row.take(INTEGER)) == 1)
    policy, imprint = _asn1.dotted(row.take(OID).body), row.take(SEQUENCE).row
    algorithm, digest = _asn1.dotted(_certificates.digest_name(imprint.take(SEQUENCE))), imprint.take(OCTET_STRING).body
    imprint.end()
    serial, at = _asn1.integer(row.take(INTEGER)), _asn1.time(row.take(GENERALIZED_TIME))
    accuracy = row.maybe(SEQUENCE)
    _asn1.boolean(row.maybe(BOOLEAN))  # may stamps be ordered by their times: nobody relies on it
    nonce = row.maybe(INTEGER)
    row.maybe(_CONTEXT_0)  # the authority's name, which its certificate says too
    further = row.maybe(_CONTEXT_1)
    row.end()
    if further and any(critical for critical, _ in _certificates.extensions(encode(SEQUENCE, further.body)).values()):
        raise malformed("no critical extension", "one")
    return Token(
        algorithm=algorithm,
        digest=digest,
        gen_time=at,
        serial=serial,
        policy=policy,
        accuracy=_accuracy(accuracy.row) if accuracy else None,
        nonce=_asn1.integer(nonce) if nonce else None,
        certificates=certificates,
        signer=signer,
    )


def _accuracy(row: Row) -> timedelta:
    parts = [row.maybe(tag) for tag in (INTEGER, 0x80, 0x81)]
    row.end()
    seconds, millis, micros = (_asn1.integer(p) if p else 0 for p in parts)
    if not (0 <= seconds <= _MOST_ACCURACY_SECONDS and 0 <= millis < 1000 and 0 <= micros < 1000):  # noqa: PLR2004 - the RFC's
        raise malformed("an accuracy", f"{len(parts)} numbers out of range")
    return timedelta(seconds=seconds, milliseconds=millis, microseconds=micros)


def _words(state: Row) -> list[str]:
    """Read PKIFreeText, as far as a terminal may show it."""
    said = state.maybe(SEQUENCE)
    texts = [e.body.decode(errors="replace") for e in said.row.rest(_asn1.UTF8_STRING)] if said else []
    return ["".join(c if c.isprintable() else " " for c in t).strip() for t in texts]


def _failures(state: Row) -> list[str]:
    found = state.maybe(BIT_STRING)
    state.end()
    mask = found.body[1:5].ljust(4, b"\0") if found else bytes(4)
    return [name for bit, name in _FAILURES.items() if mask[bit // 8] << bit % 8 & 0x80]


def _root(der: bytes) -> Certificate:
    try:
        return _certificates.certificate(der)
    except Malformed as e:
        hint = "give certificates in DER, one each"
        raise Misused("stamp.root", f"expected a root certificate, but: {e.message}", hint=hint) from e


def _algorithm(name: bytes) -> bytes:
    return encode(SEQUENCE, encode(OID, name), encode(_asn1.NULL))


def _expect(what: str, is_so: bool) -> None:  # noqa: FBT001 - a comparison
    if not is_so:
        raise malformed(what, "something else")


def _unsigned(expected: str) -> Unproven:
    hint = "the time stamp was changed, or never was one of its authority"
    return Unproven("stamp.signature", f"expected {expected}, it is not so", hint=hint)
