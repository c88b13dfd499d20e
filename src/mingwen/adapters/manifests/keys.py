"""Keys that sign manifests: in a PEM file, in a token (PKCS#11), or behind a program such as a cloud's own.

Whatever a key answers is checked against the certificate before it goes into a file: the C2PA library would embed it unseen.
"""

import os
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from mingwen.domain.errors import Malformed, Misused, Refused, Unavailable

MAX_FILE_BYTES: Final = 64 * 1024
PROGRAM_SECONDS: Final = 60
"""How long a program may take to sign."""

Sign: TypeAlias = Callable[[bytes], bytes]
"""Message in, signature out in the form of COSE (RFC 9053): r and s beside each other for ECDSA."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One of the signature algorithms that C2PA 2.2 §13.2 allows."""

    name: str
    digest: hashes.HashAlgorithm | None
    coordinate_bytes: int = 0
    """Of r and of s, for ECDSA."""


ALGORITHMS: Final = {
    a.name: a
    for a in (
        Algorithm("es256", hashes.SHA256(), 32),
        Algorithm("es384", hashes.SHA384(), 48),
        Algorithm("es512", hashes.SHA512(), 66),
        Algorithm("ps256", hashes.SHA256()),
        Algorithm("ps384", hashes.SHA384()),
        Algorithm("ps512", hashes.SHA512()),
        Algorithm("ed25519", None),
    )
}


def signing(key: str, algorithm: Algorithm, chain: bytes, passphrase: bytes | None) -> Sign:
    """Return what signs: ``key`` is a path, ``pkcs11:…`` (RFC 7512) or ``exec:COMMAND``; ``chain`` is PEM, the leaf first.

    Raises:
        Malformed: key or chain cannot be read (``key.*``, ``manifest.chain``).
        Refused: others may read the key's file, or the passphrase is missing or wrong (``key.*``).
        Misused: the URI is wrong, or the extra for tokens is not installed.
        Unavailable: the file, token or program failed.
    """
    kind, _, rest = key.partition(":")
    if kind == "pkcs11":
        from mingwen.adapters.manifests import tokens  # noqa: PLC0415 - an extra

        raw = tokens.signing(key, algorithm.name, passphrase)
    elif kind == "exec":
        raw = _program(rest)
    else:
        raw = _file(Path(os.path.expanduser(key)), algorithm, passphrase)  # noqa: PTH111 - see adapters.files.disk.home
    public = leaf(chain).public_key()

    def sign(message: bytes) -> bytes:
        signature = _cose(raw(message), algorithm)
        if not _holds(public, algorithm, message, signature):
            raise Refused(
                "key.mismatch",
                f"expected a {algorithm.name} signature by the key of the first certificate in manifest.chain, got another",
                hint="take key and chain from one place, and set manifest.algorithm to what the key is for",
            )
        return signature

    return sign


def pem(roots: bytes) -> str:
    """Return root certificates as PEM and nothing else: the library would pass over what it cannot read.

    Raises:
        Malformed: there is none (``manifest.chain``).
    """
    return "".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in _certificates(roots))


def leaf(chain: bytes) -> x509.Certificate:
    """Return the first certificate of a chain in PEM.

    Raises:
        Malformed: there is none (``manifest.chain``).
    """
    return _certificates(chain)[0]


def _certificates(data: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as e:
        hint = "give PEM: the signer's certificate first, then those above it"
        raise Malformed("manifest.chain", "expected certificates in PEM, got none that can be read", hint=hint) from e


def _file(path: Path, algorithm: Algorithm, passphrase: bytes | None) -> Sign:
    try:
        with path.open("rb") as source:
            mode = os.fstat(source.fileno()).st_mode & 0o777
            pem = source.read(MAX_FILE_BYTES)
    except (OSError, ValueError) as e:  # ValueError: a NUL in the path
        raise Unavailable("key.unreadable", f"expected a key at {path}, but: {e}", hint="check manifest.key") from e
    if mode & 0o077:
        raise Refused("key.permissions", f"expected mode 600 on {path}, got {mode:o}", hint=f"run: chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(pem, passphrase if b"ENCRYPTED" in pem else None)
    except TypeError as e:
        what = "expected a passphrase for an encrypted key, got none"
        raise Refused("key.passphrase", what, hint="set MINGWEN_KEY_PASSPHRASE") from e
    except (ValueError, UnsupportedAlgorithm) as e:
        hint = "give a private key in PEM; if it is encrypted, check MINGWEN_KEY_PASSPHRASE"
        raise Malformed("key.not-private", f"expected a private key in {path}, but: {str(e).lower()}", hint=hint) from e
    return lambda message: _by_key(key, algorithm, message)


def _by_key(key: object, algorithm: Algorithm, message: bytes) -> bytes:
    match key, algorithm.digest:
        case ec.EllipticCurvePrivateKey(), hashes.HashAlgorithm() as digest if algorithm.coordinate_bytes:
            return key.sign(message, ec.ECDSA(digest))
        case rsa.RSAPrivateKey(), hashes.HashAlgorithm() as digest if not algorithm.coordinate_bytes:
            return key.sign(message, _pss(digest), digest)
        case ed25519.Ed25519PrivateKey(), None:
            return key.sign(message)
    raise Misused(
        "key.algorithm",
        f"expected a key for {algorithm.name}, got another kind",
        hint=f"set manifest.algorithm to what the key is for: {', '.join(ALGORITHMS)}",
    )


def _program(command: str) -> Sign:
    """Let a program sign: the message on its standard input, the signature, raw or in DER, on its standard output."""
    try:
        words = shlex.split(command)
    except ValueError as e:
        raise Misused("key.program", f"expected a command after exec:, but: {str(e).lower()}", hint="check its quotes") from e

    def sign(message: bytes) -> bytes:
        try:
            done = subprocess.run(words, input=message, capture_output=True, timeout=PROGRAM_SECONDS, check=True)  # noqa: S603 - the operator's own command
        except (OSError, ValueError, IndexError, subprocess.SubprocessError) as e:
            said = getattr(e, "stderr", None) or str(e).encode()
            text = said.decode("utf-8", "replace").strip()[-200:]
            what = f"expected the program in manifest.key to sign, but: {text}"
            raise Unavailable("signer.failed", what, hint="it gets the message on standard input and prints the signature") from e
        return done.stdout

    return sign


def _cose(signature: bytes, algorithm: Algorithm) -> bytes:
    """Turn DER, as most tools give it for ECDSA, into r and s beside each other (RFC 9053 §2.1)."""
    width = algorithm.coordinate_bytes
    if not width or len(signature) == 2 * width:
        return signature
    try:
        r, s = utils.decode_dss_signature(signature)
        return r.to_bytes(width, "big") + s.to_bytes(width, "big")
    except (ValueError, OverflowError):
        return signature  # the check against the certificate says what is wrong


def _holds(public: object, algorithm: Algorithm, message: bytes, signature: bytes) -> bool:
    try:
        match public, algorithm.digest:
            case ec.EllipticCurvePublicKey(), hashes.HashAlgorithm() as digest if algorithm.coordinate_bytes:
                half = algorithm.coordinate_bytes
                r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
                public.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(digest))
            case rsa.RSAPublicKey(), hashes.HashAlgorithm() as digest if not algorithm.coordinate_bytes:
                public.verify(signature, message, _pss(digest), digest)
            case ed25519.Ed25519PublicKey(), None:
                public.verify(signature, message)
            case _:
                return False
    except InvalidSignature:
        return False
    return True


def _pss(digest: hashes.HashAlgorithm) -> padding.PSS:
    return padding.PSS(padding.MGF1(digest), digest.digest_size)
