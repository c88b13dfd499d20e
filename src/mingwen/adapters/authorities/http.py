"""An authority that is asked over HTTP (RFC 3161 §3.4)."""

import secrets
import time
from collections.abc import Sequence
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from mingwen.domain.digests import sha256
from mingwen.domain.errors import Misused, Unavailable, Unproven
from mingwen.domain.evidence import Stamp
from mingwen.proofs import rfc3161

TIMEOUT_SECONDS: Final = 30.0
"""For the whole answer."""
NONCE_BITS: Final = 128
_WHAT_TO_DO: Final = "check the address and the network; what has no stamp yet gets one at the next attempt"


class _Stay(HTTPRedirectHandler):
    """Follow no redirection: a request would arrive as a GET without its body, or at an address that nobody configured."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str) -> None:
        """Let the status become an error."""


class HttpAuthority:
    """The authority at an address; ``roots`` are certificates in DER that its stamps must lead to, any where there are none."""

    def __init__(self, url: str, *, roots: Sequence[bytes] = (), timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Raise ``Misused`` (``stamp.address``) for what is no address of HTTP or HTTPS."""
        try:
            parts = urlsplit(url)
            usable = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc and parts.port != 0
        except ValueError:  # a port that is no number
            usable = False
        if not usable or not url.isascii() or not url.isprintable() or " " in url:
            hint = "it looks like http://tsa.example.com/tsr; a password has no place in it"
            raise Misused("stamp.address", f"expected an http or https address, got {url!r:.200}", hint=hint)
        self._url, self._roots, self._timeout_seconds = url, tuple(roots), timeout_seconds

    @property
    def name(self) -> str:
        """Its address."""
        return self._url

    def stamp(self, data: bytes) -> Stamp:
        """Return a time stamp over ``data``, with the certificates that lead to its root.

        Raises:
            Unavailable: no answer (``stamp.unreachable``), or a no (``stamp.refused``).
            Malformed, Unproven: as ``rfc3161.verify``, and another answer than to this request (``stamp.nonce``).
        """
        nonce = secrets.randbits(NONCE_BITS)
        token = rfc3161.token(self._asked(rfc3161.request(sha256(data), nonce=nonce)))
        held = rfc3161.verify(token, data, roots=self._roots)
        if rfc3161.read(token).nonce != nonce:
            hint = "somebody may have replayed an older answer"
            raise Unproven("stamp.nonce", f"expected the answer of {self._url} to this request, got another", hint=hint)
        return Stamp(self._url, rfc3161.completed(token, held.certificates), held.at)

    def _asked(self, query: bytes) -> bytes:
        headers = {
            "Content-Type": "application/timestamp-query",
            "Accept": "application/timestamp-reply",
            "User-Agent": "Mingwen",
        }
        request = Request(self._url, query, headers)  # noqa: S310 - http or https, see __init__
        deadline = time.monotonic() + self._timeout_seconds
        try:
            with build_opener(_Stay).open(request, timeout=self._timeout_seconds) as answer:
                return _body(answer, deadline)
        except HTTPError as e:
            with e:
                raise _unreachable(self._url, f"it answered with status {e.code}") from e
        except (OSError, HTTPException) as e:
            raise _unreachable(self._url, str(e) or type(e).__name__) from e


def _body(answer: HTTPResponse, deadline: float) -> bytes:
    body = b""
    while part := answer.read1(rfc3161.MOST_BYTES):
        body += part
        if len(body) > rfc3161.MOST_BYTES:
            raise OSError(f"it answered with more than {rfc3161.MOST_BYTES} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError("it answers too slowly")
    return body


def _unreachable(url: str, why: str) -> Unavailable:
    clean = "".join(c if c.isprintable() else " " for c in why)[:200]
    return Unavailable("stamp.unreachable", f"expected an answer from {url}, but: {clean}", hint=_WHAT_TO_DO)
