"""The responsible step is the one in which the blamed code ran, where the run shows it."""

import pytest

from harnessfix.diagnoser.diagnose import ask_rules
from harnessfix.rules import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Source, TraceStep
from harnessfix_ir.vocabulary import AnchorKind, Property, Route, StepKind


def place(function: str, route: Route = Route.PROBE) -> Anchor:
    return Anchor(
        path="agent.py",
        qualname=function,
        start_line=1,
        end_line=2,
        kind=AnchorKind.FUNCTION,
        route=route,
        reason="ran",
    )


def step(id_: str, kind: StepKind, parent: str | None, *anchors: Anchor) -> TraceStep:
    return TraceStep(id=id_, kind=kind, name=id_, parent=parent, anchors=anchors, source=Source(format="test"))


RUN = (
    step("s1", StepKind.TASK, None, place("Agent.run")),
    step("s2", StepKind.MODEL_CALL, "s1", place("Agent.ask")),
    step("s3", StepKind.PARSE, "s1", place("parse")),
    step("s4", StepKind.PARSE, "s3", place("read_json.inner")),
    step("s5", StepKind.ERROR, "s1", place("look_up", Route.STACK)),
    step("s6", StepKind.TOOL_CALL, "s1", place("guessed", Route.STATIC)),
)


@pytest.mark.parametrize(
    ("blamed", "named", "path", "responsible"),
    [
        ("parse", "s3", ("s2", "s3"), "s3"),
        ("read_json", "s3", ("s3",), "s4"),  # inside the step that the rule looked at
        ("look_up", "s1", ("s2", "s1", "s5", "s1"), "s5"),  # an exception that the rule cites
        ("parse", "s1", ("s1",), "s1"),  # any step of a task could be meant
        ("Agent.ask", "s3", ("s2", "s3"), "s3"),  # what came before is not where it went wrong
        ("guessed", "s3", ("s3", "s6"), "s3"),  # nobody saw it run there
        ("elsewhere", "s3", ("s3", "s5"), "s3"),
    ],
)
def test_the_step_that_ran_the_blamed_function(
    blamed: str, named: str, path: tuple[str, ...], responsible: str
) -> None:
    class Blames(Rule):
        """Says what this test wants."""

        code = "L999"
        name = "blames"
        keeps = Property.ORDER
        summary = why = "only for this test"

        def check_run(self, run: Htir, model: HarnessModel) -> list[Finding]:
            return [Finding("blamed", anchors=[place(blamed)], responsible_step=named, path=path)]

    run = compile_run(Recording(run=RunInfo(id="r"), steps=RUN), HarnessModel(root=""))
    (diagnosis,) = ask_rules(run, HarnessModel(root=""), [Blames()]).diagnoses
    assert diagnosis.responsible_step == responsible
