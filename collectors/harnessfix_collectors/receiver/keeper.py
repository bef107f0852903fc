"""Group commit: requests that come at the same time are kept in one transaction, and all answered after it."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol

from harnessfix_ir.errors import HarnessfixError

from .answers import come_again
from .batch import Chunk

GROUP_BYTES = 8 * 1024 * 1024
RETRY_SECONDS = 2.0


class Sink(Protocol):
    """Where chunks are kept."""

    def keep(self, chunks: Sequence[Chunk]) -> None:
        """Put them on the disk, all or none; called from one thread at a time.

        Raises:
            HarnessfixError: they could not be kept; the message says why.
        """


class Keeper:
    """One thread that writes, for many that wait.

    Args:
        sink: gets the chunks.
        most: bytes that may wait; more are refused for the moment.
        tell: told of each commit that failed.
    """

    def __init__(self, sink: Sink, most: int, tell: Callable[[str], None]) -> None:
        self._sink, self._most, self._tell = sink, most, tell
        self._queue: queue.SimpleQueue[tuple[Sequence[Chunk], int, Future[None]] | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="harnessfix-keeper", daemon=True)
        self._thread.start()

    def keep(self, chunks: Sequence[Chunk]) -> "Future[None]":
        """Done when they are on the disk; its exception is a `Refused` when they are not.

        Raises:
            Refused: too much is waiting already, or the receiver is closing.
        """
        size = sum(len(chunk.data) for chunk in chunks)
        done: Future[None] = Future()
        with self._lock:
            if self._closed:
                raise come_again("the receiver is shutting down", RETRY_SECONDS)
            if self._waiting and self._waiting + size > self._most:
                raise come_again("more is coming in than can be written; come again in a moment", RETRY_SECONDS)
            self._waiting += size
            self._queue.put((chunks, size, done))
        return done

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._lock:
            self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            group, size, last = [first], first[1], False
            while size < GROUP_BYTES:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                    break
                group.append(more)
                size += more[1]
            self._commit(group, size)
            if last:
                return

    def _commit(self, group: Sequence[tuple[Sequence[Chunk], int, "Future[None]"]], size: int) -> None:
        failed: Exception | None = None
        try:
            self._sink.keep([chunk for chunks, _, _ in group for chunk in chunks])
        except HarnessfixError as error:
            failed = come_again(f"nothing of this request was kept: {error}", RETRY_SECONDS)
            self._tell(f"{len(group)} requests could not be kept: {error}")
        except Exception as error:  # the thread has to outlive whatever a sink does
            failed = come_again("nothing of this request was kept: an error in the receiver", RETRY_SECONDS)
            self._tell(f"{len(group)} requests could not be kept: {type(error).__name__}: {error}")
        with self._lock:
            self._waiting -= size
        for _, _, done in group:
            if failed is None:
                done.set_result(None)
            else:
                done.set_exception(failed)
