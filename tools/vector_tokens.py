"""Time stamps with one part changed: a token as a tree of elements, written anew; where what is signed changed, signed anew."""

import hashlib
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from tools.vector_parts import MINUTE, ROOT, START, TSA, Authority, ec_key, seed, token

from mingwen.domain import _der

Tree = list[list[Any]]
Make = Callable[[str, Any], bytes]
KEY_PURPOSE = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.TIME_STAMPING])


def parsed(data: bytes) -> Tree:
    """Take DER apart into rows of [tag, content or row]."""
    tree: Tree = []
    while data:
        more = max(0, data[1] - 128)
        start = 2 + more
        end = start + (int.from_bytes(data[2:start]) if more else data[1])
        body = data[start:end]
        tree.append([data[0], parsed(body) if data[0] & 0x20 else body])
        data = data[end:]
    return tree


def written(tree: Tree) -> bytes:
    return b"".join(_der.encode(tag, body if isinstance(body, bytes) else written(body)) for tag, body in tree)


def oid(text: str) -> list[Any]:
    return [0x06, bytes.fromhex(text)]


def signed_data(tree: Tree) -> Tree:
    return tree[0][1][1][1][0][1]  # type: ignore[no-any-return]


def signer_info(tree: Tree) -> Tree:
    return signed_data(tree)[-1][1][0][1]  # type: ignore[no-any-return]


def attributes(tree: Tree) -> Tree:
    return signer_info(tree)[3][1]  # type: ignore[no-any-return]


def with_change(change: Callable[[Tree], object], *, anew: bool = False, by: Authority = TSA) -> Make:
    """Make tokens with a change; ``anew``: what is under the signature changed, so sign again."""

    def make(text: str, at: Any) -> bytes:
        tree = parsed(token(text, at + MINUTE, by))
        change(tree)
        if anew:
            assert isinstance(by.key, ec.EllipticCurvePrivateKey)  # noqa: S101 - the others have no deterministic signatures
            message = _der.encode(0x31, written(attributes(tree)))
            signer_info(tree)[5][1] = by.key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return written(tree)

    return make


def certified(
    name: str,
    above: Authority | None = ROOT,
    *extensions: tuple[x509.ExtensionType, bool],
    key: ec.EllipticCurvePrivateKey | None = None,
    hashed: hashes.HashAlgorithm | None = None,
    seeded: str = "",
) -> Authority:
    """Make a certificate with these extensions and whether each is critical."""
    made = object.__new__(Authority)
    made.key, made.above = key or ec_key(seeded or name), above
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        issuer_name=above.cert.subject if above else subject,
        subject_name=subject,
        public_key=made.key.public_key(),
        serial_number=int.from_bytes(seed(f"{name} {seeded}")[:8]) | 1 << 62,
        not_valid_before=START.replace(year=2025),
        not_valid_after=START.replace(year=2036),
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    signer = above.key if above else made.key
    made.cert = builder.sign(signer, hashed or hashes.SHA256(), ecdsa_deterministic=True)  # type: ignore[arg-type]
    return made


def other_certificate() -> list[Any]:
    """An element among the certificates that is none."""
    return [0x30, [[0x04, hashlib.sha256(b"no certificate").digest()]]]
