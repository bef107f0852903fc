"""What a client may ask of a receiver."""

import threading
import time
from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Bounds; whatever goes beyond is refused with the reason.

    Args:
        body: bytes of one request as it comes over the wire.
        decompressed: bytes of one request after decompression.
        waiting: bytes of requests that wait to be committed; beyond it clients are told to come again.
        rate: bytes a second over all clients, on average over a few seconds; None for no bound.
        patience: seconds within which the whole body of a request has to arrive.
    """

    body: int = 16 * MIB
    decompressed: int = 64 * MIB
    waiting: int = 128 * MIB
    rate: int | None = None
    patience: float = 30.0


class Bucket:
    """A token bucket: lets `rate` bytes a second through, and bursts of a few seconds' worth.

    Args:
        rate: bytes a second, None to let everything through.
        burst: seconds.
    """

    def __init__(self, rate: int | None, burst: float = 4.0) -> None:
        self._rate, self._most = rate, (rate or 0) * burst
        self._left, self._then = self._most, time.monotonic()
        self._lock = threading.Lock()

    def wait_for(self, size: int) -> float:
        """Take `size` bytes out: 0 when they were there, else after how many seconds to ask again."""
        if self._rate is None:
            return 0.0
        with self._lock:
            now = time.monotonic()
            self._left = min(self._most, self._left + (now - self._then) * self._rate)
            self._then = now
            # A request larger than the bucket passes when the bucket is full, and leaves it in debt.
            if self._left >= min(size, self._most):
                self._left -= size
                return 0.0
            return (min(size, self._most) - self._left) / self._rate
