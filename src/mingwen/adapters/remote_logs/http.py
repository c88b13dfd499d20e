"""The port ``RemoteLog`` over HTTP and HTTPS."""

from typing import Final

from mingwen.adapters._http import Line
from mingwen.domain.errors import Unavailable

MOST_BYTES: Final = 256 * (2 + 0xFFFF)
"""The largest bundle of entries (c2sp.org/tlog-tiles); all else is smaller."""
_OK: Final = 200
_NONE: Final = {403, 404, 410}
"""403 is what buckets say of what is not there."""


class HttpLog:
    """A log at an address."""

    def __init__(self, url: str) -> None:
        self._line = Line(url)

    @property
    def name(self) -> str:
        """The address."""
        return self._line.url

    def read(self, name: str) -> bytes | None:
        """Fetch a file of the log."""
        reply = self._line.ask(name, most_bytes=MOST_BYTES)
        if reply.status == _OK:
            return reply.body
        if reply.status in _NONE:
            return None
        hint = "check the address: it is the one below which `checkpoint` stands"
        raise Unavailable("remote.status", f"expected {self.name}/{name}, but got status {reply.status}", hint=hint)
