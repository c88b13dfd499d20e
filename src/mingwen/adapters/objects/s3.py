"""The log in a bucket that speaks S3 (the extra ``s3``); endpoint and keys come from the environment, as AWS_…."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from mingwen.domain.errors import Unavailable

if TYPE_CHECKING:
    from obstore.store import RetryConfig

AT_ONCE: Final = 16
"""Requests on their way at a time."""
RETRY: Final["RetryConfig"] = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
"""A server that is gone is told of while somebody still waits."""


class S3Objects:
    """The port ``Objects`` at ``s3://bucket/prefix``."""

    def __init__(self, url: str) -> None:
        self._url = url
        with _translated(f"open {url}"):
            self._store = S3Store.from_url(url, retry_config=RETRY)

    def read(self, name: str) -> bytes | None:
        """See ``ports.Objects``."""
        with _translated(f"read {self._url}/{name}"):
            try:
                return bytes(obstore.get(self._store, name).bytes())
            except FileNotFoundError:
                return None

    def write(self, files: Mapping[str, bytes]) -> None:
        """See ``ports.Objects``; S3 answers when an object is durable."""
        with _translated(f"write to {self._url}"), ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda item: obstore.put(self._store, item[0], item[1], use_multipart=False), files.items()))

    def names(self, prefix: str) -> Iterable[str]:
        """See ``ports.Objects``."""
        folder, _, begun = prefix.rpartition("/")
        with _translated(f"list {self._url}"):
            for page in obstore.list(self._store, folder or None):
                yield from (m["path"] for m in page if m["path"].startswith(prefix if begun else folder))

    def remove(self, name: str) -> None:
        """See ``ports.Objects``."""
        with _translated(f"remove {self._url}/{name}"):
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                return


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError, ValueError) as e:
        hint = "check log.folder and AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
        reason = str(e).strip().split("\n", 1)[0]
        raise Unavailable("objects.unavailable", f"expected to {what}, but: {reason}", hint=hint) from e
