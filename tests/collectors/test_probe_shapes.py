"""Messages of agent frameworks, as the probe sees their objects, become parts with roles and kinds."""

from typing import Any

import pytest

from harnessfix_collectors.dialects.base import message_parts
from harnessfix_collectors.probe.parts import model_input, model_output
from harnessfix_collectors.probe.shapes import messages_of, reply_of
from harnessfix_ir.texts import TextPool


def _told(parts: Any, pool: TextPool) -> list[tuple[str, str, str | None, str | None, str]]:
    return [(p.role, p.kind, p.name, p.call_id, pool.texts[p.text]) for p in parts]


def test_requests_and_responses_made_of_parts_that_name_their_kind() -> None:
    pool = TextPool()
    call = {"part_kind": "tool-call", "tool_name": "look", "args": '{"key": "a"}', "tool_call_id": "c1"}
    history = [
        {
            "kind": "request",
            "parts": [
                {"part_kind": "system-prompt", "content": "Be brief."},
                {"part_kind": "user-prompt", "content": "go"},
            ],
        },
        {"kind": "response", "parts": [{"part_kind": "text", "content": "Let me see."}, call]},
        {
            "kind": "request",
            "parts": [{"part_kind": "tool-return", "tool_name": "look", "content": "7", "tool_call_id": "c1"}],
        },
    ]
    parts, rest = model_input({"self": "Model", "messages": history, "settings": {"top_k": 1}}, pool)
    assert rest == {"settings": {"top_k": 1}}
    assert _told(parts, pool) == [
        ("system", "text", None, None, "Be brief."),
        ("user", "text", None, None, "go"),
        ("assistant", "text", None, None, "Let me see."),
        ("assistant", "tool_call", "look", "c1", '{"key": "a"}'),
        ("tool", "tool_result", "look", "c1", "7"),
    ]
    thinking = {"kind": "response", "parts": [{"part_kind": "thinking", "content": "hmm"}]}
    assert _told(model_output(thinking, pool), pool) == [("assistant", "reasoning", None, None, "hmm")]


def test_a_model_is_told_the_instructions_of_the_last_request() -> None:
    def request(content: str, instructions: str | None) -> dict[str, object]:
        said = {"part_kind": "user-prompt", "content": content}
        return {"kind": "request", "parts": [said], "instructions": instructions}

    for later, system in (("Be kind.", ["Be kind."]), (None, []), ("", [])):
        pool = TextPool()
        parts, _ = model_input({"messages": [request("go", "Be brief."), request("on", later)]}, pool)
        assert [pool.texts[part.text] for part in parts] == [*system, "go", "on"]
        assert [part.role for part in parts] == ["system"] * len(system) + ["user", "user"]


def test_lists_of_items_that_name_their_type() -> None:
    pool = TextPool()
    given = [
        {"role": "user", "content": "go"},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "[1]"},
        {"type": "function_call_output", "call_id": "c1", "output": "error"},
    ]
    parts, _ = model_input({"input": given}, pool)
    assert _told(parts, pool) == [
        ("user", "text", None, None, "go"),
        ("assistant", "tool_call", "look", "c1", "[1]"),
        ("tool", "tool_result", None, "c1", "error"),
    ]
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]}
    assert _told(model_output({"output": [said], "usage": {}}, pool), pool) == [
        ("assistant", "text", None, None, "done")
    ]
    assert model_output({"output": [], "usage": {}}, pool) == []


def test_calls_of_any_sort_among_the_items_of_an_answer() -> None:
    pool = TextPool()
    click = {
        "type": "computer_call",
        "id": "cu_1",
        "call_id": "c1",
        "action": {"x": 1, "type": "click"},
        "actions": None,
    }
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "rain"}}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It rains."}]}
    assert _told(model_output({"output": [click]}, pool), pool) == [
        ("assistant", "tool_call", "computer_call", "c1", '{"x": 1, "type": "click"}')
    ]
    searched, words = _told(model_output({"output": [search, said]}, pool), pool)
    assert words == ("assistant", "text", None, None, "It rains.")
    assert searched[1] == "reasoning", "the provider has made this call; nobody has to answer it"
    assert "rain" in searched[-1]
    shown = {
        "type": "computer_call_output",
        "call_id": "c1",
        "output": {"type": "computer_screenshot", "image_url": "x"},
    }
    parts, _ = model_input({"input": [{"role": "user", "content": "click"}, click, shown]}, pool)
    assert [(part.role, part.kind, part.call_id) for part in parts] == [
        ("user", "text", None),
        ("assistant", "tool_call", "c1"),
        ("tool", "tool_result", "c1"),
    ]
    odd = [{"type": ["_call"]}, {"type": None}]
    assert model_output({"output": odd}, pool), "shown as it is"


def test_a_tool_call_whose_function_is_its_name() -> None:
    pool = TextPool()
    call = {"id": "c1", "function": "look", "arguments": {"key": "a"}}
    answer = {"choices": [{"message": {"role": "assistant", "content": "", "tool_calls": [call]}}]}
    assert ("assistant", "tool_call", "look", "c1", '{"key": "a"}') in _told(model_output(answer, pool), pool)


def test_what_is_no_list_of_messages_stays_a_value() -> None:
    pool = TextPool()
    parts, rest = model_input({"rows": [{"parts": [1, 2]}], "n": 3}, pool)
    assert not rest
    assert [(p.role, p.name) for p in parts] == [("value", "rows"), ("value", "n")]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"$type": "lib._types.SystemMessage", "content": "be brief"}, ["system text be brief"]),
        ({"type": "human", "content": "go"}, ["user text go"]),
        (
            {
                "$type": "lib.AIMessage",
                "type": "ai",
                "content": "",
                "tool_calls": [{"name": "f", "args": {"a": 1}, "id": "c1"}],
            },
            ['assistant tool_call {"a": 1}'],
        ),
        ({"type": "tool", "content": "out", "tool_call_id": "c1"}, ["tool tool_result out"]),
        (
            {
                "$type": "lib.FunctionExecutionResultMessage",
                "content": [{"content": "a", "call_id": "1"}, {"content": "b", "call_id": "2"}],
            },
            ["tool tool_result a", "tool tool_result b"],
        ),
    ],
)
def test_messages_known_by_their_class(message: dict[str, Any], told: list[str]) -> None:
    pool = TextPool()
    messages = messages_of([message])
    assert messages is not None
    assert [f"{part.role} {part.kind} {pool.texts[part.text]}" for part in message_parts(messages, pool)] == told


def test_replies_of_classes() -> None:
    generations = {"generations": [{"message": {"type": "ai", "content": "hello"}}]}
    assert reply_of(generations) == {"role": "assistant", "parts": [{"type": "text", "content": "hello"}]}
    calls = reply_of({"content": [{"$type": "x.FunctionCall", "id": "1", "name": "f", "arguments": "{}"}]})
    assert calls is not None
    assert calls["parts"][0]["name"] == "f"


def test_blocks_of_converse_are_calls_and_results() -> None:
    pool = TextPool()
    thought = {"reasoningContent": {"reasoningText": {"text": "Where is it?", "signature": "x"}}}
    call = {"toolUse": {"toolUseId": "c1", "name": "look", "input": {"key": "a"}}}
    result = {"toolResult": {"toolUseId": "c1", "status": "success", "content": [{"text": "7"}]}}
    messages = [{"role": "assistant", "content": [thought, {"text": "Let me see."}, call]}]
    parts = list(message_parts([*messages, {"role": "user", "content": [result]}], pool))
    assert _told(parts, pool) == [
        ("assistant", "reasoning", None, None, "Where is it?"),
        ("assistant", "text", None, None, "Let me see."),
        ("assistant", "tool_call", "look", "c1", '{"key": "a"}'),
        ("tool", "tool_result", None, "c1", "7"),
    ]


def test_what_a_node_adds_to_the_state_is_a_reply() -> None:
    call = {"name": "look", "args": {"key": "a"}, "id": "c1", "type": "tool_call"}
    reply = {"$type": "chain.AIMessage", "content": "", "tool_calls": [call], "type": "ai"}
    pool = TextPool()
    assert ("assistant", "tool_call", "look", "c1", '{"key": "a"}') in _told(
        model_output({"messages": [reply]}, pool), pool
    )
    assert reply_of({"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "1"}]}) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"messages": [{"role": "assistant", "content": "old"}], "text": "new"}, "new"),
        ({"messages": [{"role": "assistant", "content": "old"}], "content": "new"}, "new"),
        (
            {
                "messages": [{"role": "assistant", "content": "old"}],
                "choices": [{"message": {"role": "assistant", "content": "new"}}],
            },
            "new",
        ),
        ({"messages": [{"type": []}], "text": "new"}, "new"),
        ({"output": [{"type": []}], "text": "new"}, "new"),
    ],
)
def test_an_answer_comes_before_the_messages_beside_it(value: dict[str, Any], said: str) -> None:
    pool = TextPool()
    assert [pool.texts[part.text] for part in model_output(value, pool)] == [said]


def test_a_result_of_converse_in_a_message_of_the_tool() -> None:
    pool = TextPool()
    result = {"toolResult": {"toolUseId": "c1", "content": [{"text": "7"}]}}
    (part,) = message_parts([{"role": "tool", "content": [result]}], pool)
    assert (part.kind, part.call_id, pool.texts[part.text]) == ("tool_result", "c1", "7")


def test_records_that_only_look_like_messages_are_none() -> None:
    assert messages_of([{"type": "file", "content": "x"}]) is None
    assert messages_of([{"$type": "app.User", "content": "x"}]) is None


def test_an_answer_that_is_nothing_but_calls_or_keeps_them_apart() -> None:
    call = {"id": "c1", "name": "weather", "arguments": '{"city": "Rome"}'}
    flat = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    for value in ([call], [flat], {"message": None, "tool_calls": {"calls": [call]}}):
        pool = TextPool()
        (part,) = model_output(value, pool)
        assert (part.kind, part.call_id, part.name) == ("tool_call", "c1", "weather")
        assert pool.texts[part.text] == '{"city": "Rome"}'
    pool = TextPool()
    said, part = model_output({"message": {"content": "wait"}, "tool_calls": {"calls": [call]}}, pool)
    assert (pool.texts[said.text], part.kind) == ("wait", "tool_call")
    assert model_output([{"name": "row", "input": 1}], pool)[0].kind == "text"


def test_messages_whose_contents_are_known_by_their_fields() -> None:
    pool = TextPool()
    call = {"$type": "chat.ToolCall", "tool_name": "look", "arguments": {"key": "a"}, "id": "c1", "extra": None}
    asked = {"role": "assistant", "content": [{"text": "Let me see."}, call], "name": None}
    answered = {"role": "tool", "content": [{"result": "7", "origin": call, "error": False}]}
    parts, _ = model_input({"messages": [asked, answered]}, pool)
    assert _told(parts, pool) == [
        ("assistant", "text", None, None, "Let me see."),
        ("assistant", "tool_call", "look", "c1", '{"key": "a"}'),
        ("tool", "tool_result", "look", "c1", "7"),
    ]
    assert _told(model_output({"replies": [asked]}, pool), pool) == _told(parts[:2], pool)


def test_a_reply_whose_content_holds_its_parts() -> None:
    pool = TextPool()
    call = {"text": None, "function_call": {"id": "c1", "args": {"key": "a"}, "name": "look"}}
    reply = {"content": {"role": "model", "parts": [{"text": "Let me see.", "function_call": None}, call]}}
    assert _told(model_output(reply, pool), pool) == [
        ("assistant", "text", None, None, "Let me see."),
        ("assistant", "tool_call", "look", "c1", '{"key": "a"}'),
    ]


def test_messages_made_of_blocks_that_name_their_type() -> None:
    pool = TextPool()
    call = {"id": "c1", "function": {"name": "look", "arguments": '{"key": "a"}'}, "type": "function"}
    asked = {
        "role": "assistant",
        "additional_kwargs": {"tool_calls": [call]},
        "blocks": [{"block_type": "thinking", "content": "hmm"}, {"block_type": "text", "text": "Let me see."}],
    }
    answered = {
        "role": "tool",
        "additional_kwargs": {"tool_call_id": "c1", "name": "look"},
        "blocks": [{"block_type": "text", "text": "7"}],
    }
    parts, _ = model_input({"0": [asked, answered]}, pool)
    assert _told(parts, pool) == [
        ("assistant", "reasoning", None, None, "hmm"),
        ("assistant", "text", None, None, "Let me see."),
        ("assistant", "tool_call", "look", "c1", '{"key": "a"}'),
        ("tool", "tool_result", "look", "c1", "7"),
    ]
    assert _told(model_output({"message": asked, "raw": None}, pool), pool) == _told(parts[:3], pool)
    own = {"block_type": "tool_call", "tool_name": "look", "tool_kwargs": {"key": "a"}, "tool_call_id": "c1"}
    assert _told(model_output({"message": {"role": "assistant", "blocks": [own]}}, pool), pool) == [
        ("assistant", "tool_call", "look", "c1", '{"key": "a"}')
    ]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"content": "", "error": {"type": "parsing", "message": "no JSON"}}, "no JSON"),
        ({"content": "half", "error": "cut off"}, "half\ncut off"),
        ({"content": [{"type": "text", "text": "half"}], "error": {"message": "cut off"}}, "half\ncut off"),
        ({"content": "all", "error": None}, "all"),
        ({"content": "all", "error": True}, "all"),
    ],
)
def test_a_failure_beside_an_answer_is_part_of_it(message: dict[str, Any], told: str) -> None:
    pool = TextPool()
    (part,) = message_parts([{"role": "tool", "tool_call_id": "c1", **message}], pool)
    assert (part.kind, pool.texts[part.text]) == ("tool_result", told)
