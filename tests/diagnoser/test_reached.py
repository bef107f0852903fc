"""What the source shows is ranked by the runs that went through its lines."""

import json
from typing import Any

from harnessfix.diagnoser.consolidate import consolidate
from harnessfix.diagnoser.identity import flaw_id
from harnessfix.diagnoser.reached import counted, in_words, joined
from harnessfix.rules._way import Way
from harnessfix.rules.observability.o115_unmarked_span import UnmarkedSpan
from harnessfix.rules.tool_interface.t125_trimmed_argument import TrimmedArgument
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis, Support
from harnessfix_ir.harness import Element, Fact, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.reached import Reached
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, StepEvent, TraceStep
from harnessfix_ir.vocabulary import (
    AnchorKind,
    ElementRole,
    Evidence,
    Layer,
    Outcome,
    Route,
    Severity,
    Status,
    StepKind,
    Verdict,
)


def place(line: int, name: str = "Agent.run", kind: AnchorKind = AnchorKind.CALL, end: int = 0) -> Anchor:
    return Anchor(path="agent.py", qualname=name, start_line=line, end_line=end or line, kind=kind)


def model() -> HarnessModel:
    whole = place(10, kind=AnchorKind.FUNCTION, end=30)
    function = Element(id="f", role=ElementRole.FUNCTION, layer=Layer.LIFECYCLE, name="run", anchor=whole)
    return HarnessModel(root="/x", elements=(function,))


def said(line: int, severity: Severity = Severity.WARNING, run: str | None = None) -> Diagnosis:
    anchor = place(line, name=f"f{line}")
    return Diagnosis(
        flaw=flaw_id("L190", anchor),
        rule="L190",
        name="test-rule",
        layer=Layer.LIFECYCLE,
        severity=severity,
        run=run,
        anchors=(anchor,),
        message="seen.",
        confidence=0.8,
        evidence=Evidence.DERIVED,
    )


def test_lines_of_a_function_ran_or_not() -> None:
    run = Htir(run=RunInfo(id="r"), reached={"agent.py": Reached(hit=(11, 20), missed=(15,))})
    known = model()
    way = Way(run, known)
    assert [way.ran(place(line)) for line in (12, 16, 21)] == [True, False, True]
    assert way.ran(place(14, kind=AnchorKind.HANDLER, end=22))
    assert not way.ran(place(14, kind=AnchorKind.HANDLER, end=18))
    assert not way.ran(place(12, name="<module>"))
    assert not Way(Htir(run=RunInfo(id="r")), known).ran(place(12))


def test_a_failure_passed_where_it_arose_where_it_came_through_and_where_it_was_taken() -> None:
    raised = step("s1", name="Agent.ask").model_copy(
        update={
            "kind": StepKind.ERROR,
            "name": "raise OSError",
            "error": ErrorInfo(
                type="OSError", message="down", traceback="agent.py:12 in Agent.run\nagent.py:22 in ask"
            ),
        }
    )
    taken = step("s2", name="Agent.calm").model_copy(update={"kind": StepKind.ERROR, "name": "except OSError"})
    way = Way(Htir(run=RunInfo(id="r"), steps=(raised, taken, step("s3", name="Agent.well"))), model())
    names = ("Agent.ask", "Agent.run", "ask", "Agent.calm", "Agent.well")
    assert [way.failed_in(place(12, name=name)) for name in names] == [True, True, True, True, False]


def test_a_span_that_is_not_told_of_a_failure_was_met_where_one_passed_and_somebody_looks_at_spans() -> None:
    failed = step("s1", status=Status.ERROR)
    for steps, program, met in (
        ((failed,), ("SpanExporter",), True),
        ((failed,), ("set_tracing_disabled",), False),
        ((step("s1"),), ("SpanExporter",), False),
    ):
        run = Htir(run=RunInfo(id="r", program=program), steps=steps, reached={"agent.py": Reached(hit=(12,))})
        assert UnmarkedSpan().met(Way(run, model()), place(12)) is met


def test_arguments_that_trimming_leaves_as_they_are_met_no_flaw() -> None:
    trimmed = Element(
        id="h",
        role=ElementRole.HAZARD,
        layer=Layer.TOOL_INTERFACE,
        name="trimmed-argument",
        anchor=place(12),
        facts=(Fact(name="by", value="strip"),),
    )
    known = model().model_copy(update={"elements": (*model().elements, trimmed)})
    for value, met in (("a B", False), ("a b\n", True), (["a "], True), ({"b": {"c": " "}}, True)):
        task, call = Part(role="user", text="u"), Part(role="assistant", text="t", kind="tool_call", name="write")
        asked = TraceStep(
            id="s1",
            kind=StepKind.MODEL_CALL,
            name="chat",
            input=(task,),
            output=(call,),
            source=Source(format="native"),
        )
        run = Htir(
            run=RunInfo(id="r"),
            steps=(asked,),
            texts={"u": "go", "t": json.dumps({"text": value, "n": 1})},
            reached={"agent.py": Reached(hit=(12,))},
        )
        assert TrimmedArgument().met(Way(run, known), place(12)) is met


def test_what_a_failed_run_has_little_to_do_with_comes_after_where_to_look() -> None:
    met, near = (
        said(1),
        said(2, Severity.INFO, run="r").model_copy(update={"verdict": Verdict.UNKNOWN, "confidence": 0.1}),
    )
    for aside, first in ((0, met), (1, near)):
        went = {met.flaw: Support(failed=1, aside=aside)}
        records = consolidate([met, near], {"r": Outcome.FAILED}, [HarnessModel(root="")], {}, went)
        assert records[0].flaw == first.flaw


def test_order_of_what_is_known() -> None:
    failed, passed = Support(failed=1), Support(passed=1)
    found = [said(1), said(2), said(3), said(4, run="r"), said(5, Severity.INFO)]
    went = {said(2).flaw: passed, said(3).flaw: failed, said(5).flaw: failed}
    records = consolidate(found, {"r": Outcome.FAILED}, [HarnessModel(root="")], {}, went)
    assert [record.best.anchors[0].start_line for record in records] == [4, 3, 5, 2, 1]
    assert records[1].reached == failed
    assert records[1].best.message == "seen. One recorded run went through these lines, which failed."


def test_runs_are_counted_by_outcome() -> None:
    runs = counted(counted(counted(Support(), Outcome.FAILED), Outcome.PASSED), Outcome.UNKNOWN)
    assert runs == Support(failed=1, passed=1, unknown=1)
    assert counted(runs, Outcome.FAILED, aside=True) == Support(failed=2, passed=1, unknown=1, aside=1)
    assert in_words(runs) == " 3 recorded runs went through these lines, 1 of them failed."
    assert in_words(Support()) == ""


def step(id_: str, line: int = 10, name: str = "Agent.run", **fields: Any) -> TraceStep:
    seen = Anchor(path="agent.py", qualname=name, start_line=line, end_line=30, route=Route.STACK)
    source = Source(format="native")
    return TraceStep(id=id_, kind=StepKind.TOOL_CALL, name="bash", anchors=(seen,), source=source, **fields)


def flaw_in(name: str) -> Diagnosis:
    return said(12).model_copy(update={"anchors": (place(12, name=name),)})


def test_the_step_of_a_flaw_is_the_one_in_trouble() -> None:
    alive = StepEvent(name="children_alive")
    steps = (
        step("s1"),
        step("s2", events=(alive,)),
        step("s3", started_ns=0, ended_ns=9),
        step("s4", name="Agent.other"),
    )
    run = Htir(run=RunInfo(id="r"), steps=steps)
    met = joined(flaw_in("Agent.run"), run)
    assert met is not None
    assert (met.run, met.responsible_step, met.path, met.joined) == ("r", "s2", ("s2",), True)
    assert (met.evidence, met.confidence) == (Evidence.DERIVED, 0.8)
    raised = step("s5", status=Status.ERROR).model_copy(update={"kind": StepKind.ERROR})
    inside = joined(flaw_in("Agent.run"), run.model_copy(update={"steps": (steps[0], raised)}))
    assert inside is not None
    assert inside.responsible_step == "s1"  # what was raised there is no step of the code
    longest = joined(flaw_in("Agent.run.inner"), run.model_copy(update={"steps": (steps[0], steps[2], steps[3])}))
    assert longest is not None
    assert longest.responsible_step == "s3"


def test_no_step_is_named_that_the_run_does_not_show_there() -> None:
    guessed = step("s1").anchors[0].model_copy(update={"route": Route.LITERAL_MATCH})
    run = Htir(
        run=RunInfo(id="r"), steps=(step("s1").model_copy(update={"anchors": (guessed,)}), step("s2", name="Agent"))
    )
    assert joined(flaw_in("Other.run"), run) is None
    assert joined(flaw_in("Agent.run"), run.model_copy(update={"steps": run.steps[:1]})) is None


def test_a_run_that_met_a_flaw_does_not_count_as_showing_it() -> None:
    static = said(1)
    met = [static.model_copy(update={"run": run, "joined": True, "responsible_step": "s1"}) for run in ("a", "b")]
    (record,) = consolidate([*met, static], {"a": Outcome.PASSED, "b": Outcome.FAILED}, [HarnessModel(root="")], {})
    assert (record.best.run, record.best.responsible_step) == ("b", "s1")
    assert (record.runs, record.support) == ((), Support())
    seen = static.model_copy(update={"run": "a", "confidence": 0.1})
    (record,) = consolidate([*met, static, seen], {"b": Outcome.FAILED}, [HarnessModel(root="")], {})
    assert (record.best.run, record.runs) == ("a", ("a",))
