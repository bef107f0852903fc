"""The model's call ids on tool steps that were handed none."""

import json
from typing import Any

from harnessfix_collectors.call_ids import DERIVED, with_call_ids
from harnessfix_ir.steps import Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import StepKind

SOURCE = Source(format="test", file="test")


def asks(pool: TextPool, number: int, *calls: tuple[str, str, dict[str, Any]]) -> TraceStep:
    parts = [
        Part(role="assistant", kind="tool_call", call_id=call_id, name=name, text=pool.put(json.dumps(arguments)))
        for call_id, name, arguments in calls
    ]
    return TraceStep(id=f"s{number}", kind=StepKind.MODEL_CALL, name="ask", output=tuple(parts), source=SOURCE)


def does(pool: TextPool, number: int, name: str, call_id: str | None = None, **given: Any) -> TraceStep:
    parts = tuple(
        Part(
            role="arguments",
            name=key,
            call_id=call_id,
            text=pool.put(value if isinstance(value, str) else json.dumps(value)),
        )
        for key, value in given.items()
    )
    return TraceStep(id=f"s{number}", kind=StepKind.TOOL_CALL, name=name, input=parts, source=SOURCE)


def ids(steps: tuple[TraceStep, ...]) -> list[str | None]:
    return [next((part.call_id for part in step.input), None) for step in steps if step.kind is StepKind.TOOL_CALL]


def test_by_name_and_arguments_each_call_once() -> None:
    pool = TextPool()
    model = asks(pool, 1, ("c1", "weather", {"city": "Rome"}), ("c2", "weather", {"city": "Oslo", "days": 2}))
    tools = [
        does(pool, 2, "weather", city="Oslo", days=2, unit="C"),
        does(pool, 3, "Tools.weather", city="Rome"),
        does(pool, 4, "weather", city="Rome"),
    ]
    found = with_call_ids([model, *tools], pool.texts)
    assert ids(found) == ["c2", "c1", None]
    assert found[1].attributes["call_id_by"] == DERIVED
    assert found[3] == tools[2]


def test_a_tool_is_handed_the_id_as_an_argument_that_is_called_so() -> None:
    pool = TextPool()
    model = asks(pool, 1, ("c1", "weather", {"city": "Rome"}), ("c2", "weather", {"city": "Rome"}))
    tool = does(pool, 2, "Tool.run", args={"city": "Rome"})
    tool = tool.model_copy(update={"input": (*tool.input, Part(role="arguments", name="call_id", text=pool.put("c2")))})
    found = with_call_ids([model, tool, does(pool, 3, "Tool.run", label="c1")], pool.texts)
    assert ids(found) == ["c2", None]
    assert "call_id_by" not in found[1].attributes
    stranger = does(pool, 2, "Tool.run")
    stranger = stranger.model_copy(update={"input": (Part(role="arguments", name="call_id", text=pool.put("c9")),)})
    assert ids(with_call_ids([model, stranger], pool.texts)) == [None]


def test_an_instrumentation_tells_the_id_as_an_attribute() -> None:
    pool = TextPool()
    model = asks(pool, 1, ("c1", "weather", {"city": "Rome"}), ("c2", "weather", {"city": "Rome"}))
    told = does(pool, 2, "weather", city="Rome").model_copy(update={"attributes": {"gen_ai.tool.call.id": "c2"}})
    found = with_call_ids([model, told, does(pool, 3, "weather", city="Rome")], pool.texts)
    assert ids(found) == ["c2", "c1"]
    bare = TraceStep(
        id="s2", kind=StepKind.TOOL_CALL, name="weather", source=SOURCE, attributes={"gen_ai.tool.call.id": "c1"}
    )
    assert with_call_ids([model, bare], pool.texts)[1].call_id == "c1"


def test_a_dispatcher_is_known_by_arguments_that_leave_no_doubt() -> None:
    pool = TextPool()
    calls = (("c1", "bash", {"command": "ls"}), ("c2", "bash", {"command": "pwd"}))
    found = with_call_ids(
        [asks(pool, 1, *calls), does(pool, 2, "Environment.execute", action={"command": "pwd", "extra": 1})], pool.texts
    )
    assert ids(found) == ["c2"]
    twice = (("c1", "bash", {"command": "ls"}), ("c2", "bash", {"command": "ls"}))
    found = with_call_ids([asks(pool, 1, *twice), does(pool, 2, "execute", command="ls")], pool.texts)
    assert ids(found) == [None]


def test_what_does_not_fit_or_has_an_id_is_left_alone() -> None:
    pool = TextPool()
    steps = [
        asks(pool, 1, ("c1", "weather", {"city": "Rome"}), ("c2", "clock", {})),
        does(pool, 2, "weather", city="Paris"),
        does(pool, 3, "weather", "c9", city="Rome"),
        does(pool, 4, "other", city="x"),
    ]
    assert with_call_ids(steps, pool.texts) == tuple(steps)


def test_a_tool_that_is_handed_the_call_itself_tells_its_id() -> None:
    pool = TextPool()
    calls = (("c1", "weather", {"city": "Rome"}), ("c2", "weather", {"city": "Rome"}))
    event = {"id": "c2", "name": "weather", "arguments": '{"city": "Rome"}'}
    stranger = {"id": "x9", "name": "weather", "arguments": "{}"}
    steps = [asks(pool, 1, *calls), does(pool, 2, "weather", event=event), does(pool, 3, "other", event=stranger)]
    found = with_call_ids(steps, pool.texts)
    assert ids(found) == ["c2", None]
    assert "call_id" not in found[1].attributes


def test_a_result_that_is_a_message_tells_the_call_that_it_answers() -> None:
    pool = TextPool()
    model = asks(pool, 1, ("c1", "weather", {"city": "Rome"}), ("c2", "weather", {"city": "Rome"}))
    message = {"type": "tool", "data": {"content": "sunny", "tool_call_id": "c2"}}
    result = Part(role="result", text=pool.put(json.dumps(message)))
    tool = does(pool, 2, "weather", weather="Rome").model_copy(update={"output": (result,)})
    found = with_call_ids([model, tool, does(pool, 3, "weather", weather="Rome")], pool.texts)
    assert ids(found) == ["c2", "c1"]
    assert "call_id" not in found[1].attributes
    assert found[2].attributes["call_id_by"] == DERIVED


def test_of_calls_that_fit_the_one_that_says_most_is_answered() -> None:
    pool = TextPool()
    model = asks(pool, 1, ("c1", "search", {}), ("c2", "search", {"query": "x"}), ("c3", "shell", {}))
    found = with_call_ids(
        [model, does(pool, 2, "search", query="x"), does(pool, 3, "search", query="y"), does(pool, 4, "run", a="b")],
        pool.texts,
    )
    assert ids(found) == ["c2", "c1", None]
