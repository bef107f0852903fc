"""Recordings that are no runs, since `harnessfix record` was killed or the store did not take them: what to do."""

import os
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CutOff:
    """What is left of one recording.

    Args:
        what: it is, in words.
        advice: the command that takes it in.
    """

    what: str
    advice: str


def cut_off(spool: Path) -> list[CutOff]:
    """What of the recordings in a spool no run holds, oldest first.

    Args:
        spool: of a workspace.
    """
    return list(_cut_off(spool)) if spool.is_dir() else []


def _cut_off(spool: Path) -> Iterator[CutOff]:
    from harnessfix_collectors.unfinished import unfinished

    for one in unfinished(spool):
        when = time.strftime("%d %b %H:%M", time.localtime(one.started_ns / 1e9))
        yield CutOff(
            f"a recording was cut off, since its recorder was ended: {shlex.join(one.command)[:80]} ({when})",
            f"`harnessfix import {_shown(one.folder)}` takes in what is left",
        )
    for file in sorted(spool.glob("*.jsonl")):
        yield CutOff(
            "a recording was set aside, since the store did not take it",
            f"`harnessfix import {_shown(file)}` takes it in",
        )


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return shlex.quote(str(path) if relative.startswith(os.pardir) else relative)
