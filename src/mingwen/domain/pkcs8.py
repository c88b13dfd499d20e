"""SM2 private keys as OpenSSL writes them: PKCS#8 (RFC 5958), plain or with a passphrase (PBES2, RFC 8018), and SEC 1."""

import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mingwen.domain import _der, sm2
from mingwen.domain.errors import Malformed, Refused

MAX_ITERATIONS = 10_000_000
"""Of PBKDF2, about ten seconds; OpenSSL's default is 2,048."""

_VERSION_0 = _der.encode(_der.INTEGER, b"\x00")
_VERSION_1 = _der.encode(_der.INTEGER, b"\x01")
_PBES2 = bytes.fromhex("2a864886f70d01050d")  # 1.2.840.113549.1.5.13
_PBKDF2 = bytes.fromhex("2a864886f70d01050c")  # 1.2.840.113549.1.5.12
_HMACS = {bytes.fromhex("2a864886f70d0207"): "sha1", bytes.fromhex("2a864886f70d0209"): "sha256"}  # 1.2.840.113549.2.{7,9}
_AES_CBC = {
    bytes.fromhex("60864801650304" + "0102"): 16,
    bytes.fromhex("60864801650304" + "012a"): 32,
}  # 2.16.840.1.101.3.4.1.{2,42}
_BLOCK_BYTES = 16


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and its point, as they stood side by side; whether they belong together is not known yet."""

    secret: bytes = field(repr=False)
    """32 bytes, big endian."""
    point: bytes


def encode(pair: KeyPair) -> bytes:
    """Write PKCS#8 with the public key inside, byte for byte as ``openssl genpkey`` does."""
    public = _der.encode(_der.CONTEXT_1, _der.encode(_der.BIT_STRING, b"\x00", pair.point))
    sec1 = _der.encode(_der.SEQUENCE, _VERSION_1, _der.encode(_der.OCTET_STRING, pair.secret), public)
    return _der.encode(_der.SEQUENCE, _VERSION_0, sm2.ALGORITHM_DER, _der.encode(_der.OCTET_STRING, sec1))


def decode(der: bytes) -> KeyPair:
    """Read an SM2 private key from PKCS#8 or SEC 1.

    Raises:
        Malformed: it is neither, has another curve, or no public key inside (``der.malformed``, ``key.not-sm2``).
    """
    parts = _der.inside(der, _der.INTEGER)
    if len(parts) > 2 and (parts[1].tag, parts[2].tag) == (_der.SEQUENCE, _der.OCTET_STRING):  # noqa: PLR2004 - PKCS#8 has three
        if parts[1].whole != sm2.ALGORITHM_DER:
            raise _not_sm2("another algorithm or curve")
        return _sec1(parts[2].body, curve=sm2.CURVE_OID_DER)
    return _sec1(der, curve=b"")


def decrypt(der: bytes, passphrase: bytes) -> bytes:
    """Open an ``ENCRYPTED PRIVATE KEY``: PBES2 with PBKDF2 and AES-CBC, OpenSSL's default.

    Raises:
        Malformed: it is not built so (``der.malformed``, ``key.encryption``).
        Refused: the passphrase is wrong (``key.passphrase``).
    """
    scheme, box = _der.inside(der, _der.SEQUENCE, _der.OCTET_STRING)[:2]
    name, settings = _der.inside(scheme.whole, _der.OID, _der.SEQUENCE)[:2]
    if name.body != _PBES2:
        raise _unknown_encryption()
    derivation, cipher = _der.inside(settings.whole, _der.SEQUENCE, _der.SEQUENCE)[:2]
    cipher_name, iv = _der.inside(cipher.whole, _der.OID, _der.OCTET_STRING)[:2]
    if cipher_name.body not in _AES_CBC or len(iv.body) != _BLOCK_BYTES or not box.body or len(box.body) % _BLOCK_BYTES:
        raise _unknown_encryption()
    key = _derive(derivation.whole, passphrase, _AES_CBC[cipher_name.body])
    opener = Cipher(algorithms.AES(key), modes.CBC(iv.body)).decryptor()
    padded = opener.update(box.body) + opener.finalize()
    plain = padded[: -padded[-1]] if 1 <= padded[-1] <= _BLOCK_BYTES else b""
    if not _der.is_sequence(plain):  # one wrong passphrase in 256 gives good padding, none gives good DER
        raise Refused("key.passphrase", "expected the key's passphrase, got another", hint="type it again; nobody can recover it")
    return plain


def _derive(der: bytes, passphrase: bytes, key_bytes: int) -> bytes:
    name, settings = _der.inside(der, _der.OID, _der.SEQUENCE)[:2]
    salt, count, *rest = _der.inside(settings.whole, _der.OCTET_STRING, _der.INTEGER)
    algorithms_named = [e for e in rest if e.tag == _der.SEQUENCE]  # a key length may stand before it
    hmac = _der.inside(algorithms_named[0].whole, _der.OID)[0].body if algorithms_named else next(iter(_HMACS))  # default SHA-1
    iterations = int.from_bytes(count.body, "big")
    if name.body != _PBKDF2 or hmac not in _HMACS or not 1 <= iterations <= MAX_ITERATIONS:
        raise _unknown_encryption()
    return hashlib.pbkdf2_hmac(_HMACS[hmac], passphrase, salt.body, iterations, key_bytes)


def _sec1(der: bytes, *, curve: bytes) -> KeyPair:
    """Read ECPrivateKey (RFC 5915); ``curve`` is the one named outside, if any."""
    version, secret, *rest = _der.inside(der, _der.INTEGER, _der.OCTET_STRING)
    named = {e.tag: e.body for e in rest}
    if (
        version.whole != _VERSION_1
        or len(secret.body) != sm2.FIELD_BYTES
        or named.get(_der.CONTEXT_0, curve) != sm2.CURVE_OID_DER
    ):
        raise _not_sm2("another curve or size")
    bits = _der.elements(named.get(_der.CONTEXT_1, b""))
    if len(bits) != 1 or not sm2.is_point(bits[0].body[1:]):
        raise _not_sm2("no point of it inside")
    return KeyPair(secret.body, bits[0].body[1:])


def _not_sm2(came: str) -> Malformed:
    return Malformed(
        "key.not-sm2",
        f"expected an SM2 private key with its public key inside, got {came}",
        hint="`openssl pkey -in key.pem -out whole.pem` adds the public key; only the curve SM2 will do",
    )


def _unknown_encryption() -> Malformed:
    return Malformed(
        "key.encryption",
        "expected PBES2 with PBKDF2 (SHA-1 or SHA-256) and AES-CBC (128 or 256 bits), got another encryption",
        hint="rewrite the key with `openssl pkey -aes256`",
    )
