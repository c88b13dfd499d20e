"""The standard security handler of PDF, for files that open without a password: RC4 of 40 to 128 bits, AES of 128 and 256.

Algorithms: ISO 32000-1 §7.6 (revisions 2 to 4), Adobe's extension level 3 (revision 5), ISO 32000-2 §7.6.4 (revision 6).
The algorithms are the format's, not ours: MD5 and RC4 protect nothing any more.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from mingwen.containers.pdf_objects import Value, broken
from mingwen.domain.errors import Malformed

_PADDING: Final = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
"""Algorithm 2 step a: what stands for a password that is empty."""
_BLOCK: Final = 16
_METHODS: Final = {"None": "", "V2": "V2", "AESV2": "AESV2", "AESV3": "AESV3"}


@dataclass(frozen=True, slots=True)
class Keys:
    """The file's key, and by which method strings and streams are encrypted; "" for not at all."""

    key: bytes
    strings: str
    streams: str
    files: str
    """Embedded ones."""
    named: Mapping[str, str]
    """The methods of the crypt filters, by name."""
    metadata: bool
    """Is the metadata stream encrypted too?"""

    def decrypted(self, data: bytes, method: str, number: int, generation: int) -> bytes:
        """Decrypt a string or stream of the object ``number``.

        Raises:
            Malformed: AES data that is no number of whole blocks, or ends in no padding (``pdf.broken``).
        """
        if not method:
            return data
        key = self._key_of(method, number, generation)
        if method == "V2":
            return _rc4(key, data)
        if not data:
            return data
        if len(data) % _BLOCK or len(data) < 2 * _BLOCK:
            raise broken(f"expected whole blocks of AES in object {number}, found {len(data)} bytes")
        plain = _aes(key, data[:_BLOCK], data[_BLOCK:], encrypt=False)
        if not 1 <= plain[-1] <= _BLOCK:
            raise broken(f"expected AES padding in object {number}, found {plain[-1]}")
        return plain[: -plain[-1]]

    def encrypted(self, data: bytes, method: str, number: int, generation: int) -> bytes:
        """Encrypt a string or stream; the same data gives the same bytes, since chance is not to be had here."""
        if not method:
            return data
        key = self._key_of(method, number, generation)
        if method == "V2":
            return _rc4(key, data)
        vector = hashlib.sha256(key + data).digest()[:_BLOCK]
        padding = _BLOCK - len(data) % _BLOCK
        return vector + _aes(key, vector, data + bytes([padding]) * padding, encrypt=True)

    def stream_method(self, dictionary: Mapping[str, Value]) -> str:
        """Return by which method a stream with this dictionary is encrypted (§7.6.5, §7.6.3.2)."""
        kind = dictionary.get("Type")
        filters = dictionary.get("Filter")
        if filters == "Crypt" or (isinstance(filters, list) and "Crypt" in filters):
            parameters = dictionary.get("DecodeParms")
            first = parameters[0] if isinstance(parameters, list) and parameters else parameters
            return self.named.get(str(first.get("Name", "Identity")) if isinstance(first, Mapping) else "Identity", "")
        if kind == "XRef" or (kind == "Metadata" and not self.metadata):
            return ""
        return self.files if kind == "EmbeddedFile" else self.streams

    def _key_of(self, method: str, number: int, generation: int) -> bytes:
        """Algorithm 1; with AESV3 the file's key is every object's."""
        if method == "AESV3":
            return self.key
        salt = b"sAlT" if method == "AESV2" else b""
        seed = self.key + number.to_bytes(4, "little")[:3] + generation.to_bytes(4, "little")[:2] + salt
        return _md5(seed)[: min(len(self.key) + 5, 16)]


def keys(dictionary: Mapping[str, Value], identifier: bytes) -> Keys:
    """Derive the keys that the empty user password gives; ``identifier`` is the first string of the trailer's ID.

    Raises:
        Malformed: a password is needed, or a handler that is not the standard one (``pdf.locked``), or an entry of the
            dictionary is missing (``pdf.broken``).
    """
    if dictionary.get("Filter") != "Standard":
        raise locked(f"is encrypted by the handler {dictionary.get('Filter')!s:.40}, not by the standard one")
    version, revision = _whole(dictionary, "V"), _whole(dictionary, "R")
    if (version, revision) not in {(1, 2), (1, 3), (2, 3), (3, 3), (4, 4), (5, 5), (5, 6)}:
        raise locked(f"is encrypted by version {version}, revision {revision}, which is not known")
    metadata = dictionary.get("EncryptMetadata") is not False
    key = _key_new(dictionary, revision) if version == 5 else _key_old(dictionary, identifier, metadata=metadata)  # noqa: PLR2004
    if version < 4:  # noqa: PLR2004 - crypt filters came with version 4
        return Keys(key, "V2", "V2", "V2", {}, metadata=True)
    named = _filters(dictionary)
    strings, streams = (named.get(str(dictionary.get(k, "Identity")), "") for k in ("StrF", "StmF"))
    files = named.get(str(dictionary["EFF"]), streams) if "EFF" in dictionary else streams
    return Keys(key, strings, streams, files, named, metadata)


def locked(how: str) -> Malformed:
    """Build the error of what cannot be decrypted."""
    return Malformed("pdf.locked", how, hint="remove the encryption first, for example with `qpdf --decrypt --password=…`")


def _filters(dictionary: Mapping[str, Value]) -> dict[str, str]:
    filters = dictionary.get("CF")
    if not isinstance(filters, Mapping):
        return {}
    methods = {name: str(f.get("CFM", "None")) for name, f in filters.items() if isinstance(f, Mapping)}
    if unknown := set(methods.values()) - set(_METHODS):
        raise locked(f"is encrypted by the method {min(unknown):.40}, which is not known")
    return {name: _METHODS[method] for name, method in methods.items()}


def _key_old(dictionary: Mapping[str, Value], identifier: bytes, *, metadata: bool) -> bytes:
    """Algorithms 2, 4 and 5."""
    version, revision = _whole(dictionary, "V"), _whole(dictionary, "R")
    length = {1: 5, 4: 16}.get(version) or _whole(dictionary, "Length", 40) // 8
    if not 5 <= length <= 16:  # noqa: PLR2004 - Table 20: 40 to 128 bits
        raise broken(f"expected a key of 40 to 128 bits, found {length * 8}")
    permissions = (_whole(dictionary, "P") & 0xFFFF_FFFF).to_bytes(4, "little")
    seed = _PADDING + _bytes(dictionary, "O", 32) + permissions + identifier
    key = _md5(seed if metadata or revision < 4 else seed + b"\xff" * 4)  # noqa: PLR2004
    user = _bytes(dictionary, "U", 32)
    if revision == 2:  # noqa: PLR2004
        proven = _rc4(key[:length], _PADDING) == user
    else:
        for _ in range(50):
            key = _md5(key[:length])
        mark = _md5(_PADDING + identifier)
        for i in range(20):
            mark = _rc4(bytes(b ^ i for b in key[:length]), mark)
        proven = mark == user[:16]
    if not proven:
        raise locked("is encrypted with a password that is needed to open it")
    return key[:length]


def _key_new(dictionary: Mapping[str, Value], revision: int) -> bytes:
    """Algorithm 2.A for the empty user password."""
    digest = _hash_6 if revision == 6 else _sha256  # noqa: PLR2004
    user = _bytes(dictionary, "U", 48)
    if digest(user[32:40]) != user[:32]:
        raise locked("is encrypted with a password that is needed to open it")
    return _aes(digest(user[40:48]), bytes(_BLOCK), _bytes(dictionary, "UE", 32), encrypt=False)


def _hash_6(salt: bytes) -> bytes:
    """Algorithm 2.B for the empty password."""
    key = _sha256(salt)
    done, last = 0, 0
    while done < 64 or last > done - 32:  # noqa: PLR2004 - step f
        mixed = _aes(key[:16], key[16:32], key * 64, encrypt=True)
        key = (hashlib.sha256, hashlib.sha384, hashlib.sha512)[sum(mixed[:16]) % 3](mixed).digest()
        last = mixed[-1]
        done += 1
    return key[:32]


def _aes(key: bytes, vector: bytes, data: bytes, *, encrypt: bool) -> bytes:
    cipher = Cipher(AES(key), CBC(vector))
    return _through(cipher.encryptor() if encrypt else cipher.decryptor(), data)


def _rc4(key: bytes, data: bytes) -> bytes:
    if len(key) * 8 not in ARC4.key_sizes:  # 40 and 128 bits are what is in use
        raise locked(f"is encrypted by RC4 with a key of {len(key) * 8} bits, which is not known")
    return _through(Cipher(ARC4(key), None).encryptor(), data)


def _through(context: CipherContext, data: bytes) -> bytes:
    return context.update(data) + context.finalize()


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _whole(dictionary: Mapping[str, Value], name: str, default: int | None = None) -> int:
    value = dictionary.get(name, default)
    if not isinstance(value, int):
        raise broken(f"expected a whole number as {name} of the encryption, found {type(value).__name__}")
    return value


def _bytes(dictionary: Mapping[str, Value], name: str, count: int) -> bytes:
    value = dictionary.get(name)
    if not isinstance(value, bytes) or len(value) < count:
        raise broken(f"expected {count} bytes as {name} of the encryption, found fewer")
    return value[:count]
