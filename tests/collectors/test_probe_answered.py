"""What a model call lacks, from its HTTP exchange: finish reason, usage, and the messages."""

import json
from typing import Any

from harnessfix_collectors.probe.answered import FROM, SAID_BY, lift_exchanges
from harnessfix_collectors.probe.draft import Draft
from harnessfix_collectors.probe.lines import SpoolDocument
from harnessfix_collectors.probe.streamed import streamed
from harnessfix_ir.steps import Part
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import StepKind

BODY = '{"choices": [{"finish_reason": "length"}], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}'


def draft(key: str, kind: StepKind, up: str | None = None, **more: Any) -> Draft:
    return Draft(key, up, (0, 0), kind, key, 0, 1, **more)


def lifted(status: int = 200, inner: StepKind = StepKind.LIFECYCLE, **more: Any) -> Draft:
    model = draft("model", StepKind.MODEL_CALL, **more)
    drafts = {"model": model, "inner": draft("inner", inner, "model")}
    document = SpoolDocument(
        asks=[{"id": "a1", "up": "inner"}], answers={"a1": {"status": status, "text": {"$": "t"}}}, texts={"t": BODY}
    )
    lift_exchanges(drafts, document, TextPool())
    return model


def test_a_model_call_without_them_gets_those_of_its_answer() -> None:
    model = lifted()
    assert model.finish_reason == "length"
    assert model.usage is not None
    assert (model.usage.input_tokens, model.usage.output_tokens) == (11, 7)
    assert model.attributes["answer_of"] == FROM


def test_what_the_harness_says_itself_stays() -> None:
    assert lifted(finish_reason="stop").finish_reason == "stop"


def test_a_failed_answer_and_one_of_a_tool_inside_say_nothing_of_the_model() -> None:
    assert lifted(status=500).finish_reason is None
    assert lifted(inner=StepKind.TOOL_CALL).finish_reason is None


def test_a_model_call_that_tells_only_values_gets_the_conversation_that_it_sent_and_keeps_them() -> None:
    pool = TextPool()
    history = Part(role="value", name="history", text=pool.put('{"$type": "app.History", "rows": [1]}'))
    said = Part(role="assistant", text=pool.put("as the harness read it"))
    model = draft("model", StepKind.MODEL_CALL, input=[history], output=[said], attributes={"arguments": {"n": 1}})
    told = exchanged(model, pool, json.dumps(ANSWERED), {"text": json.dumps(ASKED)})
    assert told == [("system", "be brief"), ("user", "weather?"), ("assistant", "as the harness read it")]
    assert model.attributes["arguments"] == {"n": 1, "history": {"$type": "app.History", "rows": [1]}}


def test_a_request_that_is_no_conversation_replaces_no_values() -> None:
    pool = TextPool()
    model = draft("model", StepKind.MODEL_CALL, input=[Part(role="value", name="rows", text=pool.put("[1]"))])
    assert exchanged(model, pool, json.dumps(ANSWERED), {"text": json.dumps({"model": "m"})}) == [("value", "[1]")]


ASKED = {"model": "m", "system": "be brief", "messages": [{"role": "user", "content": "weather?"}]}
ANSWERED = {"choices": [{"message": {"role": "assistant", "content": "sunny"}, "finish_reason": "stop"}]}


def exchanged(model: Draft, pool: TextPool, answer: str, *asks: dict[str, Any]) -> list[tuple[str, str]]:
    document = SpoolDocument(
        asks=[{"id": f"a{n}", "up": "model", **ask} for n, ask in enumerate(asks, 1)],
        answers={f"a{n}": {"status": 200, "text": answer} for n, _ in enumerate(asks, 1)},
    )
    lift_exchanges({"model": model}, document, pool)
    return [(part.role, pool.texts[part.text]) for part in (*model.input, *model.output)]


def test_a_model_call_without_content_gets_the_messages_that_went_over_the_wire() -> None:
    pool = TextPool()
    bare = [Part(role="assistant", kind="tool_call", name="weather", call_id="c1", text=pool.put(""))]
    model = draft("model", StepKind.MODEL_CALL, output=bare, missing=["messages were not recorded", "other"])
    said = exchanged(model, pool, json.dumps(ANSWERED), {"text": json.dumps(ASKED)})
    assert said == [("system", "be brief"), ("user", "weather?"), ("assistant", "sunny")]
    assert (model.attributes["messages_of"], model.missing) == (SAID_BY, ["other"])


def test_of_several_attempts_the_last_counts_and_what_was_told_stays() -> None:
    pool = TextPool()
    first = json.dumps(ASKED)
    head = first.index("weather?")
    again = {"like": "a1", "head": head, "tail": len(first) - head - len("weather?"), "text": "rain?"}
    said = exchanged(draft("model", StepKind.MODEL_CALL), pool, json.dumps(ANSWERED), {"text": first}, again)
    assert said[1] == ("user", "rain?")
    told = draft("model", StepKind.MODEL_CALL, input=[Part(role="user", text=pool.put("mine"))])
    assert exchanged(told, pool, json.dumps(ANSWERED), {"text": first}) == [("user", "mine")]


def test_a_request_that_claims_to_be_like_more_than_there_is_has_no_body() -> None:
    pool = TextPool()
    model = draft("model", StepKind.MODEL_CALL)
    beyond = {"like": "a1", "head": 3, "tail": 10**9, "text": "x"}
    assert exchanged(model, pool, json.dumps(ANSWERED), {"text": "no JSON"}, beyond) == []


def sse(*events: dict[str, Any]) -> str:
    return "".join(f"event: x\ndata: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"


def test_streamed_chat_chunks_are_put_together() -> None:
    def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
        return {"id": "1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    def call(index: int, arguments: str, **more: Any) -> dict[str, Any]:
        return {"index": index, "function": {"arguments": arguments, **more.pop("function", {})}, **more}

    text = sse(
        chunk(role="assistant", content="let me "),
        chunk(content="look"),
        chunk(tool_calls=[call(0, '{"ci', id="c1", function={"name": "weather"})]),
        chunk(tool_calls=[call(0, 'ty": "Rome"}'), call(1, "{}", id="c2", function={"name": "clock"})]),
        chunk("tool_calls"),
        {"id": "1", "choices": [], "usage": {"prompt_tokens": 3}},
    )
    whole = streamed(text)
    assert whole is not None
    message = whole["choices"][0]["message"]
    assert message["content"] == "let me look"
    assert [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in message["tool_calls"]] == [
        ("c1", "weather", '{"city": "Rome"}'),
        ("c2", "clock", "{}"),
    ]
    assert (whole["choices"][0]["finish_reason"], whole["usage"]) == ("tool_calls", {"prompt_tokens": 3})


def test_other_streams() -> None:
    done = {"output": [{"type": "message"}]}
    assert streamed(sse({"type": "response.created"}, {"type": "response.completed", "response": done})) == done
    whole = streamed(
        sse(
            {"type": "message_start", "message": {"role": "assistant", "content": [], "usage": {"input_tokens": 4}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "sunny"}},
            {
                "type": "content_block_start",
                "index": 1,
                "content_block": {"type": "tool_use", "id": "t", "name": "n", "input": {}},
            },
            {
                "type": "content_block_delta",
                "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": '{"a": 1}'},
            },
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
        )
    )
    assert whole is not None
    assert whole["content"] == [
        {"type": "text", "text": "sunny"},
        {"type": "tool_use", "id": "t", "name": "n", "input": '{"a": 1}'},
    ]
    assert (whole["stop_reason"], whole["usage"]) == ("tool_use", {"input_tokens": 4, "output_tokens": 2})
    parted = {"type": "response.completed", "response": {"text": "one\u2028two\x85three"}}
    assert streamed(f"data: {json.dumps(parted, ensure_ascii=False)}\r\n\r\n") == parted["response"]
    assert streamed("data: no JSON\n") is None
    assert streamed("plain") is None
