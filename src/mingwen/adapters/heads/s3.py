"""The last checkpoint in a bucket that speaks S3 and its conditional writes (the extra ``s3``)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from mingwen.domain.errors import Unavailable

if TYPE_CHECKING:
    from obstore.store import RetryConfig

RETRY: Final["RetryConfig"] = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
"""A server that is gone is told of while somebody still waits."""


class S3Head:
    """The port ``Head`` at ``s3://bucket/name``; If-Match and If-None-Match keep out others."""

    def __init__(self, url: str) -> None:
        self._url = url
        place, _, self._name = url.rpartition("/")
        with _translated(f"open {url}"):
            self._store = S3Store.from_url(place, retry_config=RETRY)

    def read(self) -> bytes | None:
        """See ``ports.Head``."""
        with _translated(f"read {self._url}"):
            return self._read()[0]

    def swap(self, old: bytes | None, new: bytes) -> bool:
        """See ``ports.Head``."""
        with _translated(f"write {self._url}"):
            found, tag = self._read()
            if found != old:
                return False
            try:
                obstore.put(self._store, self._name, new, mode={"e_tag": tag} if tag else "create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
            return True

    def _read(self) -> tuple[bytes | None, str | None]:
        try:
            found = obstore.get(self._store, self._name)
            return bytes(found.bytes()), found.meta["e_tag"]
        except FileNotFoundError:
            return None, None


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError, ValueError) as e:
        hint = "check log.head and AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
        reason = str(e).strip().split("\n", 1)[0]
        raise Unavailable("head.unavailable", f"expected to {what}, but: {reason}", hint=hint) from e
