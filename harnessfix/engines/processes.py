"""Processes of this machine, started afresh: a forked one would share locks and connections with its parent."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any

from harnessfix_ir.errors import HarnessfixError

from .base import Done, P, R, WorkerDiedError

AHEAD = 2
"""Parts handed out for each worker, so that none waits for the next."""
ATTEMPTS = 2
TRIM = "MALLOC_TRIM_THRESHOLD_"
"""glibc's dynamic threshold is off wherever this is set, and numpy's temporaries then cost a page fault each."""

_job: Callable[[Any], Any]


class Processes:
    """A pool of processes.

    Args:
        workers: how many.
    """

    shared = False

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, job: Callable[[P], R], parts: Iterable[P]) -> Iterator[Done[P, R]]:
        """As `Engine.run`. A part in whose hands two workers died is given up."""
        fresh = iter(parts)
        again: deque[tuple[P, int]] = deque()  # parts whose worker died: one at a time, so that the guilty one shows
        fruitless = False
        while True:
            suspects = bool(again)
            pool = _Pool(1, 1, job) if suspects else _Pool(self.workers, self.workers * AHEAD, job)
            try:
                if fruitless:
                    pool.check()
                yield from pool.work(_taken(again) if suspects else ((part, 0) for part in fresh), again)
            finally:
                pool.end()
            if not suspects and not again:
                return
            fruitless = not pool.fruitful

    def close(self) -> None:
        """Nothing is held: processes live as long as `run`."""


class _Pool:
    """One pool, until it has no work left or one of its processes dies."""

    def __init__(self, workers: int, ahead: int, job: Callable[[Any], Any]) -> None:
        self._ahead = ahead
        self._idle = self.fruitful = False
        self._before = set(multiprocessing.active_children())
        self._trim = os.environ.pop(TRIM, None)
        self._pool = ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, initargs=(job,)
        )

    def check(self) -> None:
        """Raise `HarnessfixError` when its processes cannot even begin."""
        try:
            self._pool.submit(_nothing).result()
        except BrokenProcessPool as error:
            raise HarnessfixError(
                "worker processes die before they begin", hint="Use `--jobs 1`, or read above what they died of."
            ) from error

    def work(self, parts: Iterable[tuple[P, int]], again: deque[tuple[P, int]]) -> Iterator[Done[P, Any]]:
        """Yield what is done; parts that were in the hands of a dead worker are put into `again`."""
        source = iter(parts)
        pending: dict[Future[Any], tuple[P, int]] = {}
        broken = False
        while True:
            for part, attempts in () if broken else islice(source, self._ahead - len(pending)):
                try:
                    pending[self._pool.submit(_execute, part)] = part, attempts
                except BrokenProcessPool:
                    broken = True
                    again.append((part, attempts))
                    break
            if not pending:
                self._idle = True
                return
            ready, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in ready:
                part, attempts = pending.pop(future)
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    broken = True
                    if attempts + 1 < ATTEMPTS:
                        again.append((part, attempts + 1))
                    else:
                        yield Done(part, error=WorkerDiedError(f"{ATTEMPTS} worker processes died at it"))
                elif isinstance(error, Exception):
                    yield Done(part, error=error)
                elif error is not None:
                    raise error
                else:
                    self.fruitful = True
                    yield Done(part, future.result())

    def end(self) -> None:
        """End its processes; what they have not written, nobody will."""
        self._pool.shutdown(wait=self._idle, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - self._before:
            process.terminate()
            process.join()
        if self._trim is not None:
            os.environ[TRIM] = self._trim


def _taken(queue: deque[tuple[P, int]]) -> Iterator[tuple[P, int]]:
    while queue:
        yield queue.popleft()


def _begin(job: Callable[[Any], Any]) -> None:
    global _job
    # Ctrl-C reaches every process of a terminal; the parent decides what it means for its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _job = job


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever: it holds the other end of its own queue."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _nothing() -> None:
    """What a worker can do once it has begun."""


def _execute(part: Any) -> Any:
    return _job(part)
