"""What a replay can prove: recorded answers hold for as long as the requests are the recorded ones."""

from collections.abc import Iterator, Sequence

from .documents import TaskRow
from .runner import Replayed, TaskResult


def unusable(flaw: str, baseline: TaskResult, patched: TaskResult) -> str:
    """Why a pair of runs cannot be compared, empty when it can.

    A replay of the unpatched harness has to ask what was recorded. One of the patched harness has to do so up to where
    the unpatched one shows the flaw; afterwards it may do otherwise, which is often the point of the patch.
    """
    if baseline.error or patched.error:
        return baseline.error or patched.error
    if baseline.replay is None or patched.replay is None:
        return ""
    if baseline.replay.difference:
        return f"the unpatched harness does not ask what was recorded: {baseline.replay.difference}"
    reach = baseline.replay.reach.get(flaw)
    if reach is not None and patched.replay.held < reach:
        return (
            f"the patched harness asks otherwise before the flaw's place is reached (request {reach}): "
            f"{patched.replay.difference or 'it asks less often'}"
        )
    return ""


def proved_by_replay(rows: Sequence[TaskRow]) -> str:
    """Up to where the proof holds, as the end of a sentence; empty when nothing was replayed."""
    shortest = min(_replays(rows), key=lambda replay: (replay.held >= replay.answers, replay.held), default=None)
    if shortest is None:
        return ""
    if not shortest.difference:
        return f"; replayed to the end, {shortest.held} of {shortest.answers} requests as recorded"
    step = f" (step {shortest.step})" if shortest.step else ""
    held = f"{shortest.held} of {shortest.answers}"
    return f"; the proof holds for {held} recorded answers, until one request{step} differs"


def replay_notes(rows: Sequence[TaskRow]) -> list[str]:
    """What to know of replays that left their recording."""
    return [
        f"{row.task}: {run.replay.difference}; what follows is no proof"
        for row in rows
        for run in row.patched[:1]
        if run.replay is not None and run.replay.difference
    ]


def _replays(rows: Sequence[TaskRow]) -> Iterator[Replayed]:
    for row in rows:
        yield from (run.replay for run in row.patched if run.replay is not None)
