"""Jobs for the engines' tests; importable, so that a worker of any engine finds them."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


def square(number: int) -> int:
    """A part's square; parts divisible by seven fail."""
    if number % 7 == 0:
        raise ValueError(f"not {number}")
    return number * number


@dataclass(frozen=True)
class DyingOnce:
    """Kills the first worker that comes to some part.

    Args:
        folder: where it notes that it did.
        at: that part.
    """

    folder: Path
    at: int

    def __call__(self, number: int) -> int:
        """The part, from the second attempt on."""
        mark = self.folder / f"tried-{number}"
        if number == self.at and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number


def deadly(number: int) -> int:
    """The part, but five kills every worker that takes it."""
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@dataclass(frozen=True)
class Slow:
    """Says who works, then takes a long time."""

    folder: Path

    def __call__(self, number: int) -> int:
        """Never comes back in the time of a test."""
        (self.folder / f"{os.getpid()}.pid").touch()
        time.sleep(600)
        return number


class Unborn:
    """Cannot be unpacked where it arrives."""

    def __call__(self, number: int) -> int:
        """Never called."""
        return number

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return int, ("no number",)
