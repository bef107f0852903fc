"""Waiting for the person, or the system, to end a command that runs until then."""

import signal
import threading
from collections.abc import Callable
from typing import Any


def wait_for_end(meanwhile: Callable[[], None] = lambda: None) -> None:
    """Return at the first SIGINT or SIGTERM; a second one ends the process as usual.

    Args:
        meanwhile: called twice a second.
    """
    ended = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before: dict[signal.Signals, Any] = {}

    def end(number: int, frame: object) -> None:
        for ours, handler in before.items():
            signal.signal(ours, handler)
        ended.set()

    for number in numbers:
        before[number] = signal.signal(number, end)
    # A wait without a limit is not interrupted by signals on every system.
    while not ended.wait(0.5):
        meanwhile()
