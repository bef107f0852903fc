"""Adds runs to a store, one at a time: `write_runs.py ADDRESS COUNT PREFIX...`, in one process for each prefix.

Says `ready` first, then the id of each run that is stored.
"""

import importlib
import os
import sys

from harnessfix.store import Store
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import StepKind

STEPS = 30


def run(run_id: str) -> Recording:
    """A run of thirty steps with texts of its own."""
    pool = TextPool()
    steps = tuple(
        TraceStep(
            id=f"s{number}",
            kind=StepKind.TOOL_CALL,
            name="tool",
            output=(Part(role="result", text=pool.put(f"result {number} of {run_id} " + "word " * 50)),),
            source=Source(format="test"),
        )
        for number in range(1, STEPS + 1)
    )
    return Recording(run=RunInfo(id=run_id), steps=steps, texts=pool.texts)


def say(word: str) -> None:
    """A line of its own, whoever else writes to the same pipe."""
    os.write(1, f"{word}\n".encode())


def write(address: str, prefix: str, count: int) -> None:
    """Add `count` runs."""
    with Store.open(address) as store:
        say("ready")
        for number in range(count):
            recording = run(f"{prefix}-{number}")
            data = recording.model_dump_json().encode()
            store.add(data, format="test", filename=prefix, recordings=[recording])
            say(recording.run.id)


def main(address: str, count: int, prefixes: list[str]) -> int:
    """Write in this process, or in one child for each of several prefixes; returns an exit code."""
    if len(prefixes) == 1:
        write(address, prefixes[0], count)
        return 0
    importlib.import_module("alembic.command")  # once, before they part, so that they race to make the store
    children = []
    for prefix in prefixes:
        child = os.fork()
        if child == 0:
            write(address, prefix, count)
            return 0
        children.append(child)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
