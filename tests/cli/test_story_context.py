"""A request that does not go on where the one before it ended shows in the story of the run."""

import io

from rich.console import Console

from harnessfix.cli.render.story import story
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import StepKind


def told(*requests: tuple[str, ...]) -> str:
    """The story of a run whose model calls are given these messages."""
    pool = TextPool()
    steps = tuple(
        TraceStep(
            id=f"s{number}",
            kind=StepKind.MODEL_CALL,
            name="chat",
            started_ns=number * 1000,
            ended_ns=number * 1000 + 500,
            input=tuple(Part(role="user", text=pool.put(text)) for text in request),
            output=(Part(role="assistant", text=pool.put(f"the answer to request {number}")),),
            source=Source(format="test"),
        )
        for number, request in enumerate(requests, 1)
    )
    run = compile_run(Recording(run=RunInfo(id="r"), steps=steps, texts=pool.texts))
    console = Console(width=400, file=io.StringIO(), record=True)
    console.print(story(run, [], 400))
    return console.export_text()


def test_a_break_in_the_chain_of_requests_is_told() -> None:
    whole = ("the task is to count the bolts", "first look into the drawer", "then into the box on the shelf")
    assert "context rewritten" not in told(whole[:2], whole)
    cut = told(whole, (whole[0], "a summary of what was seen before", whole[2], "go on with the rest"))
    assert "context rewritten: of the 3 parts of s1's request 1 begin this one, 1 of them gone" in cut
