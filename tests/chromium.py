"""A real Chromium to show pages in, driven over a pair of pipes by its DevTools protocol; nothing else is needed.

Messages are JSON that ends in a zero byte: fd 3 of the browser takes commands, fd 4 gives answers and events.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pytest

FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-pipe",
)
PATIENCE: Final = 60.0
"""Seconds for one answer."""

needed = pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser")


class Browser:
    """One browser with one page in it."""

    def __init__(self, folder: Path) -> None:
        """Start it with its profile in ``folder``."""
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # A shell moves the pipes to the two numbers the browser knows them by, whatever ours are.
        command = f'exec chromium "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", command, "chromium", *FLAGS, f"--user-data-dir={folder}/profile", "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._read = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        """What the page reported since it was opened: console, exceptions, requests."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(timeout=PATIENCE)
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command and wait for its answer; events on the way are kept."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        for got in self._messages():
            if got.get("id") == self._number:
                assert "error" not in got, (method, got["error"])
                return dict(got["result"])
        raise AssertionError(f"no answer to {method}")

    def _messages(self) -> Iterator[dict[str, Any]]:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            one, end, rest = self._read.partition(b"\0")
            if end:
                self._read = rest
                got = json.loads(one)
                if "method" in got:
                    self.events.append(got)
                yield got
            elif select.select([self._in], [], [], 1)[0]:
                data = os.read(self._in, 1 << 20)
                assert data, "the browser went away"
                self._read += data

    def open(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=url)  # which answers when the new page has taken the place of the old one
        self.evaluate("new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', () => done()))")

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, waited for where it is a promise."""
        done = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def choose(self, selector: str, *files: Path) -> None:
        """Choose files in an ``<input type=file>``, as its reader does."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(f) for f in files])

    def show(self, *, width: int = 1100, height: int = 900, dark: bool = False, media: str = "") -> None:
        """Take this size, colour scheme and medium (``print``) from now on."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def picture(self, *, whole: bool = False) -> bytes:
        """Return what is seen, or the ``whole`` page, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])

    def named(self, methods: Sequence[str]) -> list[dict[str, Any]]:
        """Return the events of these names."""
        return [e for e in self.events if e["method"] in methods]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Run one for a while."""
    with Browser(folder) as one:
        yield one
