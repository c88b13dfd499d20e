"""Points of the SM2 curve and the forms in which keys are written down (GB/T 32918, GB/T 35275).

A *point* here is always 65 bytes: 04, x, y. Nothing in this file signs or verifies.
"""

import hashlib

from mingwen.domain import _der
from mingwen.domain.errors import Malformed

# The recommended curve of GB/T 32918.5: y² = x³ + ax + b over the prime field p, of order n.
PRIME = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = PRIME - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
"""n: how many points the generator makes; private keys are 1 to n-2, r and s are 1 to n-1."""

FIELD_BYTES = 32
POINT_BYTES = 1 + 2 * FIELD_BYTES

_ID_EC_PUBLIC_KEY = _der.encode(_der.OID, bytes.fromhex("2a8648ce3d0201"))  # 1.2.840.10045.2.1, RFC 5480
CURVE_OID_DER = _der.encode(_der.OID, bytes.fromhex("2a811ccf5501822d"))  # 1.2.156.10197.1.301
ALGORITHM_DER = _der.encode(_der.SEQUENCE, _ID_EC_PUBLIC_KEY, CURVE_OID_DER)
"""AlgorithmIdentifier of an SM2 key, in SubjectPublicKeyInfo and PKCS#8 alike."""


def is_point(data: bytes) -> bool:
    """Say whether 65 bytes are a point on the curve."""
    if len(data) != POINT_BYTES or data[0] != 4:  # noqa: PLR2004 - SEC 1 §2.3.3: uncompressed
        return False
    x, y = int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big")
    return x < PRIME and y < PRIME and (y * y - _right_side(x)) % PRIME == 0


def with_x(x_bytes: bytes) -> tuple[bytes, ...]:
    """Return the two points with this 32-byte x, the one with even y first; none if x is off the curve."""
    x = int.from_bytes(x_bytes, "big")
    root = pow(_right_side(x), (PRIME + 1) // 4, PRIME)  # a square root, if there is one, since p ≡ 3 (mod 4)
    both = (root, PRIME - root) if root % 2 == 0 else (PRIME - root, root)
    candidates = (b"\x04" + x_bytes + y.to_bytes(FIELD_BYTES, "big") for y in both)
    return tuple(c for c in candidates if is_point(c))


def points(key: bytes) -> tuple[bytes, ...]:
    """Return every point that bytes found as a public key may mean: usually one, two for a bare x, none for no SM2 key.

    Forms: SubjectPublicKeyInfo, X.509 certificate, 65 and 64 bytes, 33 bytes that begin with 02 or 03 (SEC 1
    §2.3.3) or with a padding 00 (seen in MiniMax's files), 32 bytes of x.
    """
    if key[:1] == b"\x30":
        try:
            return (point_of(key),)
        except Malformed:
            pass  # a bare form may begin with 30 by chance
    match len(key), key[:1]:
        case (65, b"\x04"):
            candidates: tuple[bytes, ...] = (key,)
        case (64, _):
            candidates = (b"\x04" + key,)
        case (33, b"\x02" | b"\x03"):
            candidates = tuple(p for p in with_x(key[1:]) if p[-1] & 1 == key[0] & 1)
        case (33, b"\x00"):
            candidates = with_x(key[1:])
        case (32, _):
            candidates = with_x(key)
        case _:
            candidates = ()
    return tuple(c for c in candidates if is_point(c))


def point_of(der: bytes) -> bytes:
    """Return the point in a SubjectPublicKeyInfo or an X.509 certificate; the certificate is not judged.

    Raises:
        Malformed: it is neither, or its key is not on the SM2 curve (``der.malformed``, ``key.not-sm2``).
    """
    algorithm, key = _der.inside(_spki_in(der) if is_certificate(der) else der, _der.SEQUENCE, _der.BIT_STRING)[:2]
    if algorithm.whole != ALGORITHM_DER or not is_point(key.body[1:]):
        raise Malformed(
            "key.not-sm2",
            "expected a public key on the SM2 curve (1.2.156.10197.1.301), got another kind of key",
            hint="make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2`",
        )
    return key.body[1:]


def is_certificate(der: bytes) -> bool:
    """Say whether DER has the outline of an X.509 certificate: three parts, the last one a BIT STRING."""
    try:
        tags = [e.tag for e in _der.inside(der)]
    except Malformed:
        return False
    return tags == [_der.SEQUENCE, _der.SEQUENCE, _der.BIT_STRING]


def spki(point: bytes) -> bytes:
    """Write a point as SubjectPublicKeyInfo (DER, 91 bytes)."""
    return _der.encode(_der.SEQUENCE, ALGORITHM_DER, _der.encode(_der.BIT_STRING, b"\x00", point))


def fingerprint(point: bytes) -> str:
    """Name a key: ``sha256:`` and the SHA-256 of its 65-byte point in lower-case hex."""
    return "sha256:" + hashlib.sha256(point).hexdigest()


def _right_side(x: int) -> int:
    return (x * x * x + A * x + B) % PRIME


def _spki_in(certificate: bytes) -> bytes:
    """Return the seventh part of the certificate's body, or the sixth of a version 1 one (RFC 5280 §4.1)."""
    body = _der.inside(_der.inside(certificate)[0].whole)
    place = 6 if body and body[0].tag == _der.CONTEXT_0 else 5
    if len(body) <= place:
        raise Malformed("der.malformed", f"expected {place + 1} parts of a certificate, got {len(body)}", hint="it is cut off")
    return body[place].whole
