"""Steps that several instruments made of one call are one step; those of several calls stay apart."""

from typing import Any

from harnessfix_collectors.merge import SCOPE, merge_duplicates
from harnessfix_ir.steps import Part, Source, TraceStep, Usage
from harnessfix_ir.vocabulary import Status, StepKind


def step(number: int, kind: StepKind, scope: str = "", parent: int | None = None, **more: Any) -> TraceStep:
    told: dict[str, Any] = {"started_ns": number * 10, "ended_ns": number * 10 + 5, "status": Status.OK, **more}
    return TraceStep(
        id=f"s{number}",
        parent=None if parent is None else f"s{parent}",
        kind=kind,
        name=f"{scope or 'probe'} {number}",
        source=Source(format="test", file="test", span_ids=(f"{number:016x}",)),
        attributes={SCOPE: scope} if scope else {},
        **told,
    )


def words(text: str, role: str = "assistant") -> tuple[Part, ...]:
    return (Part(role=role, text=text),)


def shape(steps: tuple[TraceStep, ...]) -> list[tuple[str, str | None, str]]:
    return [(step.id, step.parent, step.kind.value) for step in steps]


def test_client_framework_and_probe_make_one_model_call() -> None:
    merged = merge_duplicates(
        [
            step(1, StepKind.TASK),
            step(2, StepKind.LIFECYCLE, "framework", 1),
            step(3, StepKind.MODEL_CALL, "framework", 2),
            step(4, StepKind.MODEL_CALL, "", 3, output=words("a"), finish_reason=None),
            step(5, StepKind.LIFECYCLE, "", 4),
            step(
                6, StepKind.MODEL_CALL, "client", 5, usage=Usage(input_tokens=1, output_tokens=2), finish_reason="stop"
            ),
            step(7, StepKind.TOOL_CALL, "", 1),
        ]
    )
    assert shape(merged) == [
        ("s1", None, "task"),
        ("s2", "s1", "lifecycle"),
        ("s3", "s2", "model_call"),
        ("s4", "s3", "lifecycle"),
        ("s5", "s1", "tool_call"),
    ]
    model = merged[2]
    assert model.name == "probe 4"
    assert (model.finish_reason, model.usage) == ("stop", Usage(input_tokens=1, output_tokens=2))
    assert sorted(model.source.span_ids) == [f"{number:016x}" for number in (3, 4, 6)]
    assert model.output == words("a")


def test_attempts_of_one_call_stay_steps_and_their_usage_counts_once() -> None:
    merged = merge_duplicates(
        [
            step(1, StepKind.MODEL_CALL, output=words("a")),
            step(2, StepKind.MODEL_CALL, "client", 1, status=Status.ERROR),
            step(3, StepKind.MODEL_CALL, "client", 1, usage=Usage(input_tokens=1, output_tokens=2)),
        ]
    )
    assert shape(merged) == [("s1", None, "model_call"), ("s2", "s1", "lifecycle"), ("s3", "s1", "lifecycle")]
    assert merged[0].usage == Usage(input_tokens=1, output_tokens=2)


def test_siblings_that_overlap_and_answered_the_same_are_one() -> None:
    same = {"started_ns": 10, "ended_ns": 90, "output": words("a")}
    merged = merge_duplicates(
        [
            step(1, StepKind.TASK, "framework"),
            step(2, StepKind.MODEL_CALL, "client", 1, **same),
            step(3, StepKind.MODEL_CALL, "framework", 1, **same),
            step(4, StepKind.MODEL_CALL, "client", 1, started_ns=100, ended_ns=110, output=words("a")),
            step(5, StepKind.MODEL_CALL, "client", 1, started_ns=120, ended_ns=130, output=words("b")),
        ]
    )
    assert [len(each.source.span_ids) for each in merged] == [1, 2, 1, 1]


def test_steps_of_one_instrument_and_agents_inside_tools_stay_apart() -> None:
    steps = [
        step(1, StepKind.TOOL_CALL, "framework"),
        step(2, StepKind.TASK, "", 1),
        step(3, StepKind.TOOL_CALL, "", 2),
        step(4, StepKind.MODEL_CALL, "framework", 2),
        step(5, StepKind.MODEL_CALL, "framework", 4),
    ]
    assert merge_duplicates(steps) == tuple(steps)


def test_a_tools_call_id_comes_from_the_instrument_that_knows_it() -> None:
    tool = StepKind.TOOL_CALL
    arguments = (Part(role="arguments", text="x", call_id="call_1"),)
    merged = merge_duplicates(
        [step(1, tool, "framework", input=arguments), step(2, tool, "", 1, input=words("y", "arguments"))]
    )
    (one,) = merged
    assert [(part.text, part.call_id) for part in one.input] == [("y", "call_1")]


def test_a_frameworks_way_to_run_any_tool_is_named_by_who_knows_the_tool() -> None:
    tool = StepKind.TOOL_CALL

    def named(name: str, me: str) -> str:
        runner = step(2, tool, "", 1).model_copy(update={"name": name, "attributes": {"self": me}})
        span = step(1, tool, "framework").model_copy(update={"name": "weather"})
        (one,) = merge_duplicates([span, runner])
        return one.name

    assert named("FunctionTool", "tools.FunctionTool") == "weather"
    assert named("lookup", "tools.FunctionTool") == "lookup"


def test_a_loop_inside_one_request_of_a_model_is_no_agent() -> None:
    merged = merge_duplicates(
        [
            step(1, StepKind.TASK),
            step(2, StepKind.MODEL_CALL, "framework", 1),
            step(3, StepKind.TASK, "", 2),
            step(4, StepKind.MODEL_CALL, "", 3),
        ]
    )
    assert shape(merged) == [("s1", None, "task"), ("s2", "s1", "model_call"), ("s3", "s2", "lifecycle")]
