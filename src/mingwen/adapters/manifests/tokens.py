"""Keys in a hardware token or security module, by PKCS#11; the URI that names one is that of RFC 7512."""

import hashlib
import threading
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from mingwen.domain.errors import Misused, Unavailable

try:
    import pkcs11
    from pkcs11.exceptions import PKCS11Error
except ImportError as error:
    hint = "run: pip install 'mingwen[pkcs11]'"
    raise Misused("key.pkcs11", "expected the extra pkcs11 for this key, found it is not installed", hint=hint) from error

DIGESTS: Final = {"es256": hashlib.sha256, "es384": hashlib.sha384, "es512": hashlib.sha512}
"""ECDSA alone: the token signs the digest, which every token can."""
KNOWN: Final = {"token", "serial", "object", "id", "type", "module-path"}

_ONE_AT_A_TIME: Final = threading.Lock()
"""A login belongs to the whole process, and a session to one thread."""


def signing(uri: str, algorithm: str, pin: bytes | None) -> Callable[[bytes], bytes]:
    """Return what signs with the key that ``uri`` names, such as ``pkcs11:token=T;object=K?module-path=/usr/lib/….so``.

    Raises:
        Misused: attributes that are unknown or missing, or an algorithm other than ECDSA (``key.pkcs11``).
        Unavailable: when it signs: the module, token, login or key failed (``signer.failed``).
    """
    named = _attributes(uri)
    if algorithm not in DIGESTS:
        known = ", ".join(DIGESTS)
        raise Misused(
            "key.pkcs11", f"expected one of {known} for a key in a token, got {algorithm}", hint="set manifest.algorithm"
        )

    def sign(message: bytes) -> bytes:
        try:
            with _ONE_AT_A_TIME, _session(named, pin) as session:
                key = session.get_key(
                    object_class=pkcs11.ObjectClass.PRIVATE_KEY,
                    label=unquote(named["object"]) if "object" in named else None,
                    id=unquote_to_bytes(named["id"]) if "id" in named else None,
                )
                signature: bytes = key.sign(DIGESTS[algorithm](message).digest(), mechanism=pkcs11.Mechanism.ECDSA)  # type: ignore[attr-defined]  # a SignMixin, as its class says
        except (PKCS11Error, RuntimeError, OSError) as e:
            what = f"expected the token to sign, but: {type(e).__name__} {e}".rstrip()
            raise Unavailable("signer.failed", what, hint="check manifest.key, and the PIN in MINGWEN_KEY_PASSPHRASE") from e
        return signature

    return sign


def _session(named: dict[str, str], pin: bytes | None) -> "pkcs11.Session":
    token = pkcs11.lib(unquote(named["module-path"])).get_token(
        token_label=unquote(named["token"]) if "token" in named else None,
        token_serial=unquote_to_bytes(named["serial"]) if "serial" in named else None,
    )
    return token.open(user_pin=pin.decode() if pin else None)


def _attributes(uri: str) -> dict[str, str]:
    """Take the URI apart (RFC 7512 §2.3); what it says stays percent-encoded."""
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    named = dict(part.partition("=")[::2] for part in (*path.split(";"), *query.split("&")) if part)
    unknown = set(named) - KNOWN
    if unknown or "module-path" not in named or named.get("type", "private") != "private":
        raise Misused(
            "key.pkcs11",
            f"expected pkcs11: with module-path and none but {', '.join(sorted(KNOWN))}, got {', '.join(named) or 'nothing'}",
            hint="for example pkcs11:token=T;object=K?module-path=/usr/lib/….so; the PIN goes into MINGWEN_KEY_PASSPHRASE",
        )
    return named
