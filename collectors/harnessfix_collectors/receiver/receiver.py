"""The receiver behind both doors: a request in, an answer out once it is kept."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from harnessfix_collectors.otlp.frames import Signal

from .answers import Refused, Report, come_again
from .batch import understand
from .bodies import decompress, too_large
from .forward import Forwarder
from .keeper import Keeper, Sink
from .limits import Bucket, Limits
from .scrub import Scrubber

Tell = Callable[[str], None]


@dataclass
class Counts:
    """What came in so far.

    Args:
        requests: that were understood and kept.
        spans, records: that were kept; a span that was sent twice counts twice here.
        rejected: spans and records that were refused one by one.
        refused: requests that were refused as a whole.
        secrets: that were replaced.
    """

    requests: int = 0
    spans: int = 0
    records: int = 0
    rejected: int = 0
    refused: int = 0
    secrets: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


class Receiver:
    """Understands, keeps, counts and forwards requests; safe to share between threads.

    Args:
        sink: where chunks are kept.
        scrubber: takes secrets out.
        limits: bounds.
        forwarder: gets every request that was kept, as it came.
        tell: told, in one line each, what was refused or rejected and why.
    """

    def __init__(
        self,
        sink: Sink,
        scrubber: Scrubber,
        limits: Limits,
        *,
        forwarder: Forwarder | None = None,
        tell: Tell = lambda line: None,
    ) -> None:
        self.limits, self.counts, self.tell = limits, Counts(), tell
        self._scrubber, self._scrubbing = scrubber, threading.Lock()
        self._bucket = Bucket(limits.rate)
        self._forwarder = forwarder
        self._keeper = Keeper(sink, limits.waiting, tell)

    def admit(self, size: int) -> None:
        """Whether a body of so many bytes may come in now. Raises `Refused`."""
        if size > self.limits.body:
            raise too_large("the body", self.limits.body)
        seconds = self._bucket.wait_for(size)
        if seconds > 0:
            raise come_again(f"more than {self.limits.rate} bytes a second are coming in", seconds, http=429)

    def take(self, signal: Signal, body: bytes, *, encoding: str = "", json: bool = False) -> "Future[Report]":
        """Understand a request; the future is done when it is on the disk.

        Args:
            signal: as the path or the service says.
            body: as it came.
            encoding: of the body.
            json: whether it is JSON; else protobuf.

        Raises:
            Refused: nothing of it is kept. So does the future.
        """
        plain = decompress(body, encoding, self.limits.decompressed)
        with self._scrubbing:
            batch = understand(plain, signal, self._scrubber, json=json)
        answer: Future[Report] = Future()
        if not batch.chunks:
            self._kept(signal, batch.report, 0)
            answer.set_result(batch.report)
            return answer

        def committed(done: "Future[None]") -> None:
            error = done.exception()
            if error is not None:
                answer.set_exception(error)
                return
            self._kept(signal, batch.report, batch.secrets)
            if self._forwarder is not None:
                self._forwarder.pass_on(signal, body, encoding, json=json, items=batch.report.accepted)
            answer.set_result(batch.report)

        self._keeper.keep(batch.chunks).add_done_callback(committed)
        return answer

    def refused(self, where: str, refusal: Refused) -> None:
        """Count and tell a request that was refused as a whole."""
        with self.counts.lock:
            self.counts.refused += 1
        self.tell(f"{where}: refused: {refusal.reason}")

    def close(self) -> None:
        """Commit what waits and end the threads."""
        self._keeper.close()
        if self._forwarder is not None:
            self._forwarder.close()

    def _kept(self, signal: Signal, report: Report, secrets: int) -> None:
        with self.counts.lock:
            self.counts.requests += 1
            self.counts.rejected += report.rejected
            self.counts.secrets += secrets
            if signal == "traces":
                self.counts.spans += report.accepted
            else:
                self.counts.records += report.accepted
        if report.message:
            self.tell(f"{signal}: {report.message}")
