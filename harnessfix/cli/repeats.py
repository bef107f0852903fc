"""Lines that would be said again and again, said now and then."""

import threading
import time
from collections.abc import Callable

MOST = 200


class Repeats:
    """Says a line at once, and the same line again only after a while, with how often it came meanwhile.

    Args:
        say: gets the lines.
        pause: seconds between two of the same.
    """

    def __init__(self, say: Callable[[str], None], pause: float = 10.0) -> None:
        self._say, self._pause = say, pause
        self._said: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def __call__(self, line: str) -> None:
        """Say this, or count it."""
        now = time.monotonic()
        with self._lock:
            since, unsaid = self._said.get(line, (float("-inf"), 0))
            if now - since < self._pause:
                self._said[line] = (since, unsaid + 1)
                return
            while len(self._said) >= MOST:
                del self._said[next(iter(self._said))]
            self._said[line] = (now, 0)
        self._say(f"{line} ({unsaid} more times before)" if unsaid else line)

    def rest(self) -> None:
        """Say what was only counted."""
        with self._lock:
            unsaid = [(line, count) for line, (_, count) in self._said.items() if count]
            self._said.clear()
        for line, count in unsaid:
            self._say(f"{line} ({count} more times)")
