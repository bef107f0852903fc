"""What a step of the story says when something of it was not recorded."""

import io

from rich.console import Console

from harnessfix.cli.render.story import run_heading, story
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, TraceStep
from harnessfix_ir.vocabulary import Status, StepKind

SOURCE = Source(format="test")
TEXTS = {"none": "", "args": '{"key": "a"}', "found": "value-of-a"}


def told(kind: StepKind, given: tuple[Part, ...] = (), gave: tuple[Part, ...] = ()) -> str:
    """The line of the only step of a run."""
    step = TraceStep(id="s1", kind=kind, name="x", input=given, output=gave, source=Source(format="test"))
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(story(Htir(run=RunInfo(id="r"), steps=(step,), texts=TEXTS), [], 120))
    return console.export_text().rstrip()


def call(text: str) -> Part:
    """A call of `lookup` with these arguments."""
    return Part(role="assistant", kind="tool_call", name="lookup", text=text)


def test_a_call_says_its_arguments_or_that_they_are_not_known() -> None:
    assert told(StepKind.MODEL_CALL, gave=(call("args"),)).endswith('0 in → lookup({"key": "a"})')
    assert told(StepKind.MODEL_CALL, gave=(call("none"),)).endswith("0 in → lookup(…)")


def test_no_arrow_leads_to_a_result_that_is_not_there() -> None:
    given = (Part(role="arguments", text="args"),)
    assert told(StepKind.TOOL_CALL, given).endswith('tool_call x  {"key": "a"}')
    assert told(StepKind.TOOL_CALL, given, (Part(role="result", text="found"),)).endswith('"a"} → value-of-a')


def test_a_handler_of_an_error_is_no_further_error() -> None:
    """The heading counts as `record` and `runs` do."""
    kinds = [(StepKind.TOOL_CALL, Status.ERROR), (StepKind.ERROR, Status.ERROR), (StepKind.ERROR, Status.OK)]
    steps = tuple(
        TraceStep(id=f"s{number}", kind=kind, name="x", status=status, source=Source(format="test"))
        for number, (kind, status) in enumerate(kinds, 1)
    )
    heading = run_heading(Htir(run=RunInfo(id="r"), steps=steps, texts=TEXTS)).plain
    assert "3 steps · 0 model calls · 2 errors" in heading


def test_exceptions_that_are_taken_again_and_again_are_counted() -> None:
    def pair(number: int, message: str = "no such key") -> tuple[TraceStep, ...]:
        error, place = (
            ErrorInfo(type="KeyError", message=message),
            Anchor(path="a.py", qualname="f", start_line=3, end_line=3),
        )
        raised, taken = f"s{number}", f"s{number + 1}"
        return tuple(
            TraceStep(id=id_, kind=StepKind.ERROR, name=name, error=failed, anchors=(place,), source=SOURCE)
            for id_, name, failed in ((raised, "raise KeyError", error), (taken, "except KeyError", None))
        )

    def lines(*steps: TraceStep) -> list[str]:
        console = Console(width=120, file=io.StringIO(), record=True)
        console.print(story(Htir(run=RunInfo(id="r"), steps=steps, texts=TEXTS), [], 120))
        return [line.strip() for line in console.export_text().splitlines()]

    told = lines(*pair(1), *pair(3), *pair(5), *pair(7, "another"))
    assert [line.split()[0] for line in told] == ["s1", "s2", "⋮", "s7", "s8"]
    assert told[2] == "⋮ the same 2 times more: s3 to s6"
    assert len(lines(*pair(1), *pair(3))) == 3  # at the end of a run, too
