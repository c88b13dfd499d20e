"""Verifying SM2 signatures (GB/T 32918.2 §7) in plain integers: everything here is public, nothing need be constant in time.

Why not by the library that signs: docs/adr/0003-sm2.md.
"""

from typing import TypeAlias

from mingwen.domain import _der, sm2
from mingwen.domain.digests import sm3
from mingwen.domain.errors import Malformed

SIGNER_ID = b"1234567812345678"
"""GB/T 35276: the default identity, which TC260-PG-202511A takes."""

_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
    1,
)
"""The generator (GB/T 32918.5)."""
_P = sm2.PRIME
_N = sm2.ORDER
_HEAD = (8 * len(SIGNER_ID)).to_bytes(2, "big") + SIGNER_ID + b"".join(v.to_bytes(32, "big") for v in (sm2.A, sm2.B, *_G[:2]))

Jacobian: TypeAlias = tuple[int, int, int]
"""(X, Y, Z) for x = X/Z², y = Y/Z³; Z = 0 is the point at infinity."""
_INFINITY: Jacobian = (1, 1, 0)


def verify(point: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether a signature in DER over ``message`` holds for a point of 65 bytes; any bytes may come."""
    numbers = _numbers(signature)
    if numbers is None or not sm2.is_point(point):
        return False
    r, s = numbers
    t = (r + s) % _N
    if t == 0:
        return False
    x, _, z = _sum(s, _G, t, (int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big"), 1))
    if z == 0:
        return False
    digest = sm3(sm3(_HEAD + point[1:]) + message)
    return (int.from_bytes(digest, "big") + x * pow(z, -2, _P) % _P) % _N == r


def _numbers(der: bytes) -> tuple[int, int] | None:
    """Return r and s if the bytes are SEQUENCE { r, s } with both from 1 to n-1, shortest form."""
    try:
        elements = _der.inside(der, _der.INTEGER, _der.INTEGER)
    except Malformed:
        return None
    r, s = (int.from_bytes(e.body, "big", signed=True) for e in elements[:2])
    if not (0 < r < _N and 0 < s < _N) or der != _der.encode(_der.SEQUENCE, _der.integer(r), _der.integer(s)):
        return None
    return r, s


def _sum(u: int, p: Jacobian, v: int, q: Jacobian) -> Jacobian:
    """Return u·p + v·q, both factors bit by bit in one pass (Shamir's trick)."""
    terms = (_INFINITY, p, q, _add(p, q))
    total = _INFINITY
    for bit in range(_N.bit_length() - 1, -1, -1):
        total = _add(_double(total), terms[(u >> bit & 1) | (v >> bit & 1) << 1])
    return total


def _double(p: Jacobian) -> Jacobian:
    x, y, z = p
    y2, z2 = y * y % _P, z * z % _P
    slope = 3 * (x - z2) * (x + z2) % _P  # since a = -3
    s = 4 * x * y2 % _P
    x3 = (slope * slope - 2 * s) % _P
    return x3, (slope * (s - x3) - 8 * y2 * y2) % _P, 2 * y * z % _P


def _add(p: Jacobian, q: Jacobian) -> Jacobian:
    if p[2] == 0 or q[2] == 0:
        return q if p[2] == 0 else p
    (x1, y1, z1), (x2, y2, z2) = p, q
    z1z1, z2z2 = z1 * z1 % _P, z2 * z2 % _P
    u1, s1 = x1 * z2z2 % _P, y1 * z2z2 * z2 % _P
    h, r = (x2 * z1z1 - u1) % _P, (y2 * z1z1 * z1 - s1) % _P
    if h == 0:
        return _double(p) if r == 0 else _INFINITY
    h2 = h * h % _P
    h3, v = h * h2 % _P, u1 * h2 % _P
    x3 = (r * r - h3 - 2 * v) % _P
    return x3, (r * (v - x3) - s1 * h3) % _P, z1 * z2 * h % _P
