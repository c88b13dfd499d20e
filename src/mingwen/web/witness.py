"""A witness over HTTP (c2sp.org/tlog-witness): ``POST /add-checkpoint``, ``GET /HASH/checkpoint``, and for people a page.

``GET /HASH/fork`` gives the evidence where a log signed two trees of one size.

It stands on the standard library's server and expects a reverse proxy for TLS before it. Each request has a bound in bytes and in
time, and there are only so many connections at once.
"""

import io
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Final

from mingwen.domain.errors import MingwenError
from mingwen.ports import WitnessWorld
from mingwen.proofs.witnessing import MOST_REQUEST_BYTES, PLAIN, Answer
from mingwen.services import witnessing
from mingwen.web import witness_page

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_CONNECTIONS: Final = 64
"""Each is a thread; a log asks once a second at most, and a proxy shares connections."""
REQUEST_SECONDS: Final = 10.0
"""For a whole request to arrive, however slowly it is sent, and for an idle connection to say something."""
HTML: Final = "text/html; charset=utf-8"

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_OF_A_LOG: Final = re.compile(r"/([0-9a-f]{64})/(checkpoint|fork)")
_SHOWN: Final = {"checkpoint": witnessing.newest, "fork": witnessing.fork}
_LENGTH: Final = re.compile(r"[0-9]{1,10}", re.ASCII)


class WitnessServer(ThreadingMixIn, TCPServer):
    """Listens at an address; ``serve_forever`` answers until ``stop``."""

    allow_reuse_address = True
    request_queue_size = MOST_CONNECTIONS
    daemon_threads = False

    def __init__(self, host: str, port: int, world: WitnessWorld) -> None:
        self.world = world
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((host, port), _Conversation)

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override] # no pair in IPv6
        """Begin a thread, or hang up on whoever comes when all are taken."""
        with self._lock:
            room = len(self._open) < MOST_CONNECTIONS
            if room:
                self._open.add(request)
        if room:
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override] # only UDP has pairs
        """Hang up."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the library's
        """Stay quiet about connections that broke; tell of everything else."""
        error = sys.exception()
        if not isinstance(error, OSError):
            _complain(error)

    def stop(self) -> None:
        """Take no more requests, answer those that have come, and let go of the address."""
        self.socket.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):  # the other side has gone already
                    connection.shutdown(socket.SHUT_RD)
        self.server_close()


class _Patient(io.RawIOBase):
    """Reads from a connection until a moment that whoever uses it moves on."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.until = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        self._connection.settimeout(max(self.until - time.monotonic(), 0.001))
        return self._connection.recv_into(buffer)


class _Conversation(BaseHTTPRequestHandler):
    """The requests of one connection, one after the other."""

    server: WitnessServer
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # in the library it is 0.9, whose errors have no status
    server_version, sys_version = "Mingwen", ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = REQUEST_SECONDS
    error_message_format, error_content_type = "%(message)s\n", PLAIN

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._patient = _Patient(self.connection)
        self.rfile = io.BufferedReader(self._patient)

    def handle_one_request(self) -> None:
        self._patient.until = time.monotonic() + REQUEST_SECONDS
        super().handle_one_request()

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        if self.path == "/add-checkpoint":
            self._told(lambda: witnessing.cosign(self.server.world, body))
        else:
            self.send_error(404)

    def do_GET(self) -> None:
        if self._body() is None:
            return
        if self.path == "/":
            self._told(lambda: Answer(200, witness_page.page(self.server.world), HTML))
        elif found := _OF_A_LOG.fullmatch(self.path):
            self._told(lambda: _found(_SHOWN[found[2]](self.server.world, found[1])))
        else:
            self.send_error(404)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing of each request: a proxy does, and addresses are personal data."""

    def _told(self, work: Callable[[], Answer]) -> None:
        """Do the work and send what comes of it; where nothing could be kept or read, say so and nothing else."""
        try:
            answer = work()
        except MingwenError as e:
            _complain(e)
            self.send_error(503)
        else:
            self._answer(answer)

    def _body(self) -> bytes | None:
        """Read the body, whose length is said beforehand; None if the request was answered already, and the connection ends."""
        lengths = self.headers.get_all("Content-Length", ["0" if self.command != "POST" else ""])
        if self.headers.get("Transfer-Encoding") is not None or lengths == [""]:
            self.send_error(411)
        elif len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
            self.send_error(400)
        elif int(lengths[0]) > MOST_REQUEST_BYTES:
            self.send_error(413)
        else:
            body = self.rfile.read(int(lengths[0]))
            if len(body) == int(lengths[0]):
                return body
            self.send_error(400)
        self.close_connection = True
        return None

    def _answer(self, answer: Answer) -> None:
        data = answer.body.encode()
        self.connection.settimeout(REQUEST_SECONDS)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if answer.content_type == HTML:
            self.send_header("Content-Security-Policy", _POLICY)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _found(text: str | None) -> Answer:
    return Answer(200, text) if text else Answer(404, "there is none\n")


def _complain(error: BaseException | None) -> None:
    """Tell the server's log, which is standard error."""
    print(f"mingwen witness: {type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201 - this is the log
