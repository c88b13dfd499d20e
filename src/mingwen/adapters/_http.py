"""One line to a server: HTTP/1.1 kept alive, bounded in bytes and in time."""

import http.client
import socket
import ssl
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from mingwen.domain.errors import Misused, Unavailable

SECONDS: Final = 5.0
"""How long each step may take: a connection, a piece of an answer."""
WHOLE_SECONDS: Final = 30.0
"""How long an answer may take in all; whoever sends one byte at a time is cut off."""

_GZIP: Final = 31
"""What ``zlib`` calls gzip with any window."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    content_type: str
    body: bytes


class Line:
    """A line to the server of a URL; several threads take turns."""

    def __init__(self, url: str, *, seconds: float = SECONDS, whole_seconds: float = WHOLE_SECONDS) -> None:
        self._open: http.client.HTTPConnection | None = None
        self._parts = _address(url)
        self.url = url.rstrip("/")
        self._seconds, self._whole = seconds, whole_seconds
        self._lock = threading.Lock()

    def __del__(self) -> None:
        self._close()

    def ask(self, path: str, *, most_bytes: int, body: bytes | None = None) -> Reply:
        """Send a POST with ``body``, or a GET, to ``path`` below the URL. No redirection is followed.

        Raises:
            Unavailable: nobody answers, too late, too much, or what is no HTTP (``remote.unreachable``, ``remote.too-long``).
        """
        with self._lock:
            try:
                return self._asked(path, most_bytes, body)
            except (OSError, http.client.HTTPException, ValueError, zlib.error) as e:
                self._close()
                reason = str(e) or type(e).__name__
                hint = "check the address and the network; it is asked again next time"
                raise Unavailable("remote.unreachable", f"expected {self.url} to answer, but: {reason}", hint=hint) from e

    def _asked(self, path: str, most_bytes: int, body: bytes | None) -> Reply:
        reused = self._open is not None
        try:
            return self._once(path, most_bytes, body)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self._close()
            if not reused:
                raise
            return self._once(path, most_bytes, body)  # it had hung up in the meantime: that is no fault

    def _once(self, path: str, most_bytes: int, body: bytes | None) -> Reply:
        connection = self._open = self._open or self._connected()
        with _within(self._whole, connection):
            headers = {"Accept-Encoding": "gzip, identity"}
            method = "GET" if body is None else "POST"
            connection.request(method, self._parts.path.rstrip("/") + "/" + path, body, headers)
            response = connection.getresponse()
            data = response.read(most_bytes + 1)
            if response.headers.get("Content-Encoding", "").lower() == "gzip":
                data = zlib.decompressobj(_GZIP).decompress(data, most_bytes + 1)
        if len(data) > most_bytes:
            self._close()
            hint = "it is not what it claims to be"
            raise Unavailable("remote.too-long", f"expected at most {most_bytes} bytes from {self.url}, got more", hint=hint)
        return Reply(response.status, response.headers.get_content_type(), data)

    def _connected(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._seconds)
        return http.client.HTTPSConnection(host, port, timeout=self._seconds, context=ssl.create_default_context())

    def _close(self) -> None:
        if self._open:
            self._open.close()
        self._open = None


def _address(url: str) -> SplitResult:
    with suppress(ValueError):
        parts = urlsplit(url)
        named = parts.hostname and (parts.port is None or parts.port)
        if parts.scheme in {"http", "https"} and named and not (parts.query or parts.fragment or parts.username):
            return parts
    hint = "for example https://witness.example/w1"
    raise Misused("remote.url", f"expected an address of http or https, got {url!r}", hint=hint)


@contextmanager
def _within(seconds: float, connection: http.client.HTTPConnection) -> Iterator[None]:
    """Hang up when the time is over, whatever the other side sends.

    Raises:
        TimeoutError: it was; what was read by then may be half an answer.
    """
    over = threading.Event()

    def hang_up() -> None:
        over.set()
        with suppress(OSError, AttributeError):  # gone already, or not there yet
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if over.is_set():
            raise TimeoutError(f"no whole answer within {seconds} seconds")
