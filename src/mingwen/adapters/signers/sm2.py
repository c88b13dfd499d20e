"""Signing by SM2 with SM3 (OID 1.2.156.10197.1.501), over gmssl-pyx, and the keys for it in files.

Signing is left to C, since the time of pure Python tells about the secret. Verifying has no secret and stands in
``domain.sm2_signatures``.
"""

import base64
import binascii
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import gmssl_pyx

from mingwen.domain import pkcs8, sm2
from mingwen.domain.errors import Malformed, Refused, Unavailable
from mingwen.domain.sm2_signatures import SIGNER_ID, verify

__all__ = ["Sm2Signer", "load_private", "load_public", "new_key", "read_private", "save_private", "verify"]

MAX_FILE_BYTES = 64 * 1024

_ARMOR = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----\s([A-Za-z0-9+/=\s]*+)-----END \1-----")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2})++\s*")
_PLAIN = (b"PRIVATE KEY", b"EC PRIVATE KEY", b"SM2 PRIVATE KEY")
"""OpenSSL 3 writes the last for `openssl ec`, OpenSSL 1.1 the one before."""
_ENCRYPTED = b"ENCRYPTED PRIVATE KEY"
_PUBLIC = (b"PUBLIC KEY", b"CERTIFICATE")


@dataclass(frozen=True, slots=True)
class Sm2Signer:
    """A private key that signs; ``load_private`` and ``read_private`` make one."""

    secret: bytes = field(repr=False)
    public_point: bytes
    """65 bytes."""
    certificate: bytes | None = None
    """X.509 in DER, to be handed out instead of the bare key."""

    @property
    def spki_der(self) -> bytes:
        """The public key as SubjectPublicKeyInfo."""
        return sm2.spki(self.public_point)

    def sign(self, message: bytes) -> bytes:
        """Return a signature in DER, 70 to 72 bytes; another one each time.

        Raises:
            Unavailable: the library failed (``signer.failed``).
        """
        try:
            signature: bytes = gmssl_pyx.sm2_sign(self.secret, self.public_point[1:], message, SIGNER_ID)
        except gmssl_pyx.GmsslInnerError as error:
            raise _failed(error) from error
        return signature


def new_key() -> tuple[bytes, bytes]:
    """Make a key: the private one as PEM of PKCS#8, not encrypted, and the public one as PEM."""
    try:
        public, secret = gmssl_pyx.sm2_key_generate()
    except gmssl_pyx.GmsslInnerError as error:
        raise _failed(error) from error
    pair = pkcs8.KeyPair(secret, b"\x04" + public)
    return _pem(b"PRIVATE KEY", pkcs8.encode(pair)), _pem(b"PUBLIC KEY", sm2.spki(pair.point))


def load_private(pem: bytes, *, passphrase: bytes | None = None, certificate: bytes | None = None) -> Sm2Signer:
    """Take a signer out of PEM: PKCS#8 with or without a passphrase, or SEC 1; ``certificate`` is PEM or DER.

    Raises:
        Malformed: there is no SM2 private key in it (``key.not-private``, ``key.not-sm2``, ``der.malformed``, …).
        Refused: passphrase missing or wrong, public key or certificate of another key (``key.passphrase``, ``key.mismatch``).
    """
    pair = pkcs8.decode(_private_der(pem, passphrase))
    signer = Sm2Signer(pair.secret, pair.point, certificate and _public_der(certificate))
    if not 0 < int.from_bytes(pair.secret, "big") < sm2.ORDER - 1 or not verify(pair.point, b"", signer.sign(b"")):
        raise _mismatch("the public key that stands beside it")
    if signer.certificate and sm2.points(signer.certificate) != (pair.point,):
        raise _mismatch("the certificate")
    return signer


def load_public(data: bytes) -> bytes:
    """Return the point in a public key or certificate: PEM, DER, or hex of DER or of a point.

    Raises:
        Malformed: it is none of these, or x alone, which leaves two keys open (``key.not-public``).
    """
    found = sm2.points(_public_der(data))
    if len(found) != 1:
        raise Malformed(
            "key.not-public",
            f"expected one SM2 public key or certificate, got {len(data)} bytes that hold {len(found) or 'none'}",
            hint="give the PEM of `openssl pkey -pubout` or of the certificate",
        )
    return found[0]


def save_private(path: Path, pem: bytes) -> None:
    """Write a private key to a new file that only its owner may read (mode 0600).

    Raises:
        Refused: there is a file already (``key.exists``).
        Unavailable: the disk failed (``key.unwritable``).
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Refused(
            "key.exists", f"expected no file at {path}, found one", hint="move it away; keys are never overwritten"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as sink:
            sink.write(pem)
            sink.flush()
            os.fsync(descriptor)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def read_private(path: Path, *, passphrase: bytes | None = None, certificate: bytes | None = None) -> Sm2Signer:
    """Load a signer from a file that nobody but its owner may touch.

    Raises:
        Refused: the file's mode gives others a right (``key.permissions``); and as ``load_private``.
        Malformed: as ``load_private``.
        Unavailable: the file cannot be read (``key.unreadable``).
    """
    try:
        with path.open("rb") as source:
            mode = os.fstat(source.fileno()).st_mode & 0o777  # of the file that is open, not of what stands there later
            pem = source.read(MAX_FILE_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise Unavailable("key.unreadable", f"expected a key at {path}, but: {error}", hint="check the path") from error
    if mode & 0o077 and b"PRIVATE KEY" in pem:
        raise Refused("key.permissions", f"expected mode 600 on {path}, got {mode:o}", hint=f"run: chmod 600 {path}")
    return load_private(pem, passphrase=passphrase, certificate=certificate)


def _private_der(pem: bytes, passphrase: bytes | None) -> bytes:
    for name, body in _armored(pem):
        if name in _PLAIN:
            return body
        if name == _ENCRYPTED and passphrase is None:
            raise Refused(
                "key.passphrase", "expected a passphrase for an encrypted key, got none", hint="set MINGWEN_KEY_PASSPHRASE"
            )
        if name == _ENCRYPTED and passphrase is not None:
            return pkcs8.decrypt(body, passphrase)
    raise Malformed(
        "key.not-private",
        "expected a PEM block PRIVATE KEY, got none",
        hint="make a key with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2`",
    )


def _public_der(data: bytes) -> bytes:
    """Undo PEM or hex; what is neither is taken for the bytes themselves."""
    for name, body in _armored(data):
        if name in _PUBLIC:
            return body
    return bytes.fromhex(data.decode("ascii")) if _HEX.fullmatch(data) else data


def _armored(pem: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Return name and content of every PEM block (RFC 7468); damaged ones are left out."""
    found = []
    for name, text in _ARMOR.findall(pem[:MAX_FILE_BYTES]):
        try:
            found.append((name, base64.b64decode(b"".join(text.split()), validate=True)))
        except binascii.Error:
            continue
    return tuple(found)


def _pem(name: bytes, der: bytes) -> bytes:
    text = base64.b64encode(der)
    lines = (text[i : i + 64] for i in range(0, len(text), 64))
    return b"\n".join((b"-----BEGIN " + name + b"-----", *lines, b"-----END " + name + b"-----", b""))


def _failed(error: Exception) -> Unavailable:
    return Unavailable("signer.failed", f"expected gmssl-pyx to do its work, but: {error}", hint="report it, with the version")


def _mismatch(what: str) -> Refused:
    return Refused(
        "key.mismatch", f"expected the private key to belong to {what}, and it does not", hint="take both from one place"
    )


def _unwritable(path: Path, error: Exception) -> Unavailable:
    return Unavailable("key.unwritable", f"expected to write {path}, but: {error}", hint="choose another folder")


def fingerprint_of(path: Path, *, passphrase: bytes | None = None) -> str:
    """Name the key in a file: a private key, a public key or a certificate.

    Raises:
        MingwenError: as ``read_private`` and ``load_public``.
    """
    try:
        with path.open("rb") as source:
            data = source.read(MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        raise Unavailable("key.unreadable", f"expected a key at {path}, but: {error}", hint="check the path") from error
    return sm2.fingerprint(
        read_private(path, passphrase=passphrase).public_point if b"PRIVATE KEY" in data else load_public(data)
    )
