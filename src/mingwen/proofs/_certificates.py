"""Certificates of time-stamping authorities: what stands in one, what signed it, and the way from one up to a root (RFC 5280)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mingwen.domain import sm2, sm2_signatures
from mingwen.domain._der import BIT_STRING, INTEGER, OCTET_STRING, OID, SEQUENCE
from mingwen.domain.errors import Malformed, Unproven
from mingwen.proofs import _asn1
from mingwen.proofs._asn1 import BOOLEAN, GENERALIZED_TIME, NULL, UTC_TIME, oid

MOST_STEPS: Final = 8
"""Certificates on the way to a root, both ends included."""

BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE = oid("2.5.29.19"), oid("2.5.29.15"), oid("2.5.29.37")
SUBJECT_KEY_ID, CERTIFICATE_POLICIES = oid("2.5.29.14"), oid("2.5.29.32")
TIME_STAMPING, ANY_USAGE = oid("1.3.6.1.5.5.7.3.8"), oid("2.5.29.37.0")
_UNDERSTOOD: Final = {BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_KEY_ID, CERTIFICATE_POLICIES}
"""Any other one that is critical makes a certificate unusable (RFC 5280 §4.2)."""
_DIGITAL_SIGNATURE, _NON_REPUDIATION, _CERT_SIGN = 0x80, 0x40, 0x04

Hash: TypeAlias = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
HASHES: Final[Mapping[bytes, Hash]] = {
    oid("2.16.840.1.101.3.4.2.1"): hashes.SHA256(),
    oid("2.16.840.1.101.3.4.2.2"): hashes.SHA384(),
    oid("2.16.840.1.101.3.4.2.3"): hashes.SHA512(),
}
"""SHA-1 and older ones are not among them."""
SM3: Final = oid("1.2.156.10197.1.401")
_RSA, _PSS, _MGF1 = oid("1.2.840.113549.1.1.1"), oid("1.2.840.113549.1.1.10"), oid("1.2.840.113549.1.1.8")
_ED25519, _SM2 = oid("1.3.101.112"), oid("1.2.156.10197.1.501")
_WITH_RSA: Final[Mapping[bytes, Hash]] = {
    oid("1.2.840.113549.1.1.11"): hashes.SHA256(),
    oid("1.2.840.113549.1.1.12"): hashes.SHA384(),
    oid("1.2.840.113549.1.1.13"): hashes.SHA512(),
}
_WITH_ECDSA: Final[Mapping[bytes, Hash]] = {
    oid("1.2.840.10045.4.3.2"): hashes.SHA256(),
    oid("1.2.840.10045.4.3.3"): hashes.SHA384(),
    oid("1.2.840.10045.4.3.4"): hashes.SHA512(),
}
_RSA_BITS: Final = range(2048, 16_385)
_CURVES: Final = {"secp256r1", "secp384r1", "secp521r1"}
"""Those that every verifier of a bundle knows."""
_DEFAULT_SALT_BYTES: Final = 20
_MOST_SALT_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a verifier asks of one; nothing here is checked but the form."""

    der: bytes
    signed: bytes
    """TBSCertificate, as it stands."""
    algorithm: bytes
    """AlgorithmIdentifier of the signature."""
    signature: bytes
    serial: bytes
    """INTEGER, in DER."""
    issuer: bytes
    subject: bytes
    """Names in DER: equal ones are written equally (RFC 5280 §7.1 lets one compare so)."""
    valid_from: datetime
    valid_until: datetime
    public_key: bytes
    """SubjectPublicKeyInfo."""
    extensions: Mapping[bytes, bytes]
    critical: frozenset[bytes]

    @property
    def self_issued(self) -> bool:
        """Are issuer and subject one?"""
        return self.issuer == self.subject

    @property
    def key_usage(self) -> int | None:
        """The first eight bits of the key's usage; None where it is free."""
        found = self.extensions.get(KEY_USAGE)
        return _asn1.element(found, BIT_STRING).body[1:2].ljust(1, b"\0")[0] if found is not None else None

    @property
    def purposes(self) -> tuple[bytes, ...] | None:
        """Its extended usages; None where they are free."""
        found = self.extensions.get(EXTENDED_KEY_USAGE)
        return tuple(e.body for e in _asn1.sequence(found).rest(OID)) if found is not None else None

    @property
    def key_id(self) -> bytes | None:
        """Its SubjectKeyIdentifier."""
        found = self.extensions.get(SUBJECT_KEY_ID)
        return _asn1.element(found, OCTET_STRING).body if found is not None else None

    @property
    def steps_below(self) -> int | None:
        """How many authorities may stand between it and the last certificate; None if it is no authority."""
        row = _asn1.sequence(self.extensions.get(BASIC_CONSTRAINTS, b"\x30\0"))
        authority, most = _asn1.boolean(row.maybe(BOOLEAN)), row.maybe(INTEGER)
        row.end()
        return (_asn1.integer(most) if most else MOST_STEPS) if authority else None


def certificate(der: bytes) -> Certificate:
    """Take a certificate apart (RFC 5280 §4.1).

    Raises:
        Malformed: it is none (``stamp.malformed``).
    """
    outer = _asn1.sequence(der)
    signed, algorithm, signature = outer.take(SEQUENCE), outer.take(SEQUENCE), outer.take(BIT_STRING)
    outer.end()
    row = signed.row
    row.maybe(0xA0)  # the version
    serial, inner, issuer = row.take(INTEGER), row.take(SEQUENCE), row.take(SEQUENCE)
    validity, subject, key = row.take(SEQUENCE).row, row.take(SEQUENCE), row.take(SEQUENCE)
    valid_from, valid_until = (_asn1.time(validity.take(UTC_TIME, GENERALIZED_TIME)) for _ in range(2))
    validity.end()
    row.maybe(0x81), row.maybe(0x82)  # unique identifiers, which nobody uses
    further = row.maybe(0xA3)
    row.end()
    if inner.whole != algorithm.whole:
        raise _asn1.malformed("a certificate that names its algorithm twice alike", "two")
    found = extensions(further.body) if further else {}
    return Certificate(
        der=der,
        signed=signed.whole,
        algorithm=algorithm.whole,
        signature=_asn1.bits(signature),
        serial=serial.whole,
        issuer=issuer.whole,
        subject=subject.whole,
        valid_from=valid_from,
        valid_until=valid_until,
        public_key=key.whole,
        extensions={name: value for name, (_, value) in found.items()},
        critical=frozenset(name for name, (critical, _) in found.items() if critical),
    )


def extensions(data: bytes) -> dict[bytes, tuple[bool, bytes]]:
    """Read Extensions: whether it is critical, and its value, by the content of its OBJECT IDENTIFIER."""
    found: dict[bytes, tuple[bool, bytes]] = {}
    for element in _asn1.sequence(data).rest(SEQUENCE):
        row = element.row
        name, critical, value = row.take(OID).body, _asn1.boolean(row.maybe(BOOLEAN)), row.take(OCTET_STRING).body
        row.end()
        if name in found:
            raise _asn1.malformed("each extension once", f"{_asn1.dotted(name)} twice")
        found[name] = critical, value
    return found


def for_time_stamps(signer: Certificate) -> bool:
    """Say whether a certificate is for time stamps and nothing else, critically so (RFC 3161 §2.3)."""
    usage = signer.key_usage
    may_sign = usage is None or usage & (_DIGITAL_SIGNATURE | _NON_REPUDIATION)
    return signer.purposes == (TIME_STAMPING,) and EXTENDED_KEY_USAGE in signer.critical and bool(may_sign)


def path(signer: Certificate, at: datetime, present: Sequence[Certificate], named: Sequence[Certificate]) -> list[Certificate]:
    """Find the shortest way from ``signer`` to a root: to one of ``named``, else to a self-signed one of ``present``.

    Each certificate is valid ``at`` that time, and signed by the next, which is an authority and may sign certificates.

    Raises:
        Unproven: there is no such way (``stamp.chain``); there is one, and to none of ``named`` (``stamp.untrusted``).
    """
    trusted = {c.der for c in named}
    pool = {c.der: c for c in (*named, *present) if _usable(c, at)}
    ends: list[list[Certificate]] = []
    ways = [[signer]] if _usable(signer, at) else []
    pool.pop(signer.der, None)
    for way in ways:  # which grows: a search in width, that comes to each certificate once
        last = way[-1]
        if last.der in trusted:
            return way
        if last.self_issued and signed_by(last, last):
            ends.append(way)
        if len(way) < MOST_STEPS:
            above = [c for c in pool.values() if c.subject == last.issuer and _may_issue(c, way) and signed_by(last, c)]
            ways += [[*way, c] for c in above if pool.pop(c.der)]
    if not ends:
        raise Unproven(
            "stamp.chain",
            f"expected certificates valid at {at:%Y-%m-%d %H:%M:%S} UTC that lead from the signer to a root, found none",
            hint="name the authority's root, if it is not in the time stamp",
        )
    if named:
        raise Unproven(
            "stamp.untrusted",
            "expected the time stamp to lead to one of the roots that were named, it leads to another",
            hint="name this authority's root too, if you trust it",
        )
    return ends[0]


def signed_by(lower: Certificate, upper: Certificate) -> bool:
    """Say whether the key of ``upper`` signed ``lower``."""
    return holds(upper.public_key, lower.algorithm, None, lower.signed, lower.signature)


def holds(public_key: bytes, algorithm: bytes, digest: bytes | None, signed: bytes, signature: bytes) -> bool:
    """Say whether a signature by ``algorithm`` (AlgorithmIdentifier) holds.

    ``digest`` is the hash that stands beside it (content of its OBJECT IDENTIFIER), with which the algorithm must agree.
    """
    row = _asn1.sequence(algorithm)
    name, parameters = row.take(OID).body, list(row.rest())
    if name == _SM2:
        return digest in (SM3, None) and _sm2_holds(public_key, signed, signature)
    try:
        hash_, scheme = _scheme(name, parameters, digest)
        key = load_der_public_key(public_key)
        if isinstance(key, rsa.RSAPublicKey) and scheme and hash_ and key.key_size in _RSA_BITS:
            key.verify(signature, signed, scheme, hash_)
        elif isinstance(key, ec.EllipticCurvePublicKey) and name in _WITH_ECDSA and key.curve.name in _CURVES:
            key.verify(signature, signed, ec.ECDSA(_WITH_ECDSA[name]))
        elif isinstance(key, ed25519.Ed25519PublicKey) and name == _ED25519:
            key.verify(signature, signed)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, Malformed):
        return False
    return True


def is_usual(algorithm: bytes) -> bool:
    """Say whether a token may be signed so (docs/reference/evidence-bundle.md): PKCS #1 v1.5, ECDSA or SM2."""
    return _asn1.sequence(algorithm).take(OID).body not in {_PSS, _ED25519}


def _scheme(
    name: bytes, parameters: Sequence[_asn1.Element], digest: bytes | None
) -> tuple[Hash | None, padding.PKCS1v15 | padding.PSS | None]:
    """Return the hash and, for RSA, the padding; ``ValueError`` where the parts do not agree."""
    beside = HASHES.get(digest) if digest else None
    hash_: Hash | None
    scheme: padding.PKCS1v15 | padding.PSS | None
    if name == _PSS:
        hash_, scheme = _pss(parameters)
    elif [p.whole for p in parameters] not in ([], [bytes([NULL, 0])]):
        raise ValueError("parameters where none belong")
    else:
        hash_ = _WITH_RSA.get(name) or _WITH_ECDSA.get(name) or (beside if name == _RSA else None)
        scheme = padding.PKCS1v15() if name in _WITH_RSA or name == _RSA else None
    if digest and name != _ED25519 and (beside is None or hash_ is None or hash_.name != beside.name):
        raise ValueError("two hashes")
    return hash_, scheme


def _pss(parameters: Sequence[_asn1.Element]) -> tuple[Hash | None, padding.PSS]:
    """Read RSASSA-PSS-params (RFC 4055 §3.1); whatever is left out means SHA-1, which is not taken."""
    [whole] = parameters
    row = whole.row
    hash_ = _hash(row.take(0xA0).row)
    mask = _asn1.sequence(row.take(0xA1).body)
    if mask.take(OID).body != _MGF1:
        raise ValueError("another mask")
    written = row.maybe(0xA2)
    row.end()
    salt = _asn1.integer(written.row.take(INTEGER)) if written else _DEFAULT_SALT_BYTES
    if not 0 <= salt <= _MOST_SALT_BYTES:
        raise ValueError("a salt of another length")
    return hash_, padding.PSS(padding.MGF1(_hash(mask)), salt)


def _hash(row: _asn1.Row) -> Hash:
    name = digest_name(row.take(SEQUENCE))
    if name not in HASHES:
        raise ValueError("another hash")
    return HASHES[name]


def digest_name(element: _asn1.Element) -> bytes:
    """Read the AlgorithmIdentifier of a hash, which has no parameters, or a NULL for them (RFC 5754 §2)."""
    row = element.row
    name, nothing = row.take(OID).body, row.maybe(NULL)
    row.end()
    if nothing and nothing.body:
        raise _asn1.malformed("a NULL", nothing.whole[:8].hex(" "))
    return name


def _sm2_holds(public_key: bytes, signed: bytes, signature: bytes) -> bool:
    try:
        return sm2_signatures.verify(sm2.point_of(public_key), signed, signature)
    except Malformed:
        return False


def _usable(one: Certificate, at: datetime) -> bool:
    return one.valid_from <= at <= one.valid_until and one.critical <= _UNDERSTOOD


def _may_issue(one: Certificate, way: Iterable[Certificate]) -> bool:
    """Say whether a certificate is one of an authority that may stand above ``way`` (RFC 5280 §6.1.4 k to n)."""
    between = sum(not c.self_issued for c in list(way)[1:])
    steps, usage, purposes = one.steps_below, one.key_usage, one.purposes
    may_sign = usage is None or bool(usage & _CERT_SIGN)
    return (
        steps is not None
        and between <= steps
        and may_sign
        and (purposes is None or bool({TIME_STAMPING, ANY_USAGE} & {*purposes}))
    )
