"""What can be captured here, what will be lost and why: one check after another, each with its advice."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from harnessfix import __version__

from .check import Check

__all__ = ["WAYS", "Check", "examine"]

WAYS = ("", "record", "collect")
"""The order of checks: what holds for both ways of capturing first."""


def examine(start: Path, *, python: str | None, harness: Sequence[str], store: str | None) -> list[Check]:
    """All checks for recording a program from `start`, with the environment of this process, which it would inherit.

    Args:
        start: folder.
        python: interpreter of the program, or the folder of its virtual environment; `python` on the path when None.
        harness: names or paths; those of the settings when empty.
        store: path or URL; the nearest when None.
    """
    from . import harness_checks, instrumentation, interpreter, places, variables

    asked, told = interpreter.ask(python)
    checks = [Check(what="harnessfix", state="ok", found=f"{__version__} on Python {sys.version.split()[0]}"), *asked]
    if told is not None:
        checks += instrumentation.checks(told, os.environ)
    found = [
        *checks,
        *variables.checks(os.environ, told),
        *harness_checks.checks(start, told.executable if told is not None else None, harness),
        *places.store_checks(start, store),
        *places.receiver_checks(os.environ),
        *places.sandbox_checks(),
    ]
    return sorted(found, key=lambda check: WAYS.index(check.way))
