"""Work on many files in several processes: what is all computing gains nothing from threads, since Python has one lock."""

import itertools
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, connection, get_context, parent_process
from typing import Final, TypeVar

from mingwen.domain.errors import Unavailable

A = TypeVar("A")
B = TypeVar("B")

CHUNK: Final = 32
"""Items that a process is given at a time."""
AHEAD: Final = 3
"""Chunks a process that are under way: however many items there are, no more results wait to be taken."""


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Give processes that work; whatever ends this one, they end too."""
    pool = ProcessPoolExecutor(count, mp_context=get_context("fork"), initializer=_begin)
    try:
        _started(pool)
        yield pool
    except BaseException:
        for child in active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def in_order(
    pool: ProcessPoolExecutor, count: int, work: Callable[[list[A]], list[B]], items: Iterable[A]
) -> Iterator[tuple[A, B]]:
    """Do ``work`` on chunks of the items, and give each item's result in the items' order.

    Raises:
        Unavailable: a process was ended from outside (``process.ended``).
    """
    rest = iter(items)
    under_way: deque[tuple[list[A], Future[list[B]]]] = deque()
    try:
        while True:
            while len(under_way) < AHEAD * count and (chunk := list(itertools.islice(rest, CHUNK))):
                under_way.append((chunk, pool.submit(work, chunk)))
            if not under_way:
                return
            chunk, future = under_way.popleft()
            yield from zip(chunk, future.result(), strict=True)
    except BrokenProcessPool as e:
        hint = "most often memory ran out: `-j 1` needs the least, and stops at the file that needs too much"
        raise Unavailable("process.ended", "expected every process to finish, but one was ended from outside", hint=hint) from e


def _started(pool: ProcessPoolExecutor) -> None:
    """Start the processes, and the threads that talk to them: one that dies must not send SIGPIPE, which here ends a run."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
    try:
        pool.submit(os.getpid).result()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _begin() -> None:
    """Let the terminal's Ctrl-C and `kill` end a process at once and without a word; its parent tells what is to be told."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the parent is gone, even by a signal that nobody can catch, which would leave this process waiting for work."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
