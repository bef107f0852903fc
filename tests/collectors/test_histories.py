"""Requests that resend their history: read from where they go on, and read as if they had been read whole."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harnessfix_collectors.histories import History, MessagePool
from harnessfix_collectors.leftover import Held
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.readers import read_bytes
from harnessfix_ir.texts import TextPool

messages = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["user", "assistant", "tool"]), "content": st.text(max_size=8)},
            optional={"name": st.text(max_size=3), "extra": st.integers(0, 3)},
        ),
        st.text(max_size=4),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=6,
)
spacings = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " : ")])


@given(st.lists(st.tuples(messages, st.integers(0, 6), spacings), max_size=8))
def test_lists_are_read_as_if_each_were_read_alone(requests: list[tuple[list[object], int, tuple[str, str]]]) -> None:
    pool = MessagePool()
    held: list[object] = []
    for new, kept, spacing in requests:
        held = [*held[:kept], *new]
        text = json.dumps(held, separators=spacing)
        parsed = pool.parse(text)
        assert json.dumps(parsed) == json.dumps(held)  # `1 == True`, but their texts differ
        alone = TextPool()
        parts = list(pool.parts_of(parsed))
        assert parts == list(message_parts(json.loads(text), alone))
        whole = Held(parts, pool.texts)
        for key in ("messages", "value"):
            assert pool.leftover(text, key, whole) == whole.leftover(json.loads(text), key)


def test_a_message_that_is_resent_is_the_same_object() -> None:
    pool = MessagePool()
    first = pool.parse('[{"role": "user", "content": "a"}]')
    before = list(pool.parts_of(first))
    second = pool.parse('[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]')
    after = list(pool.parts_of(second))
    assert second[0] is first[0]
    assert after[0] is before[0]
    assert len(after) == 2


@pytest.mark.parametrize("text", ["[1,]", "[1 2]", "[1,,2]", "[1]]", "[1,2", "[12]", "[1,2] x"])
def test_what_only_begins_like_a_list_is_not_taken_for_its_continuation(text: str) -> None:
    pool = MessagePool()
    pool.parse("[1]")
    assert pool.parse(text) == ([12] if text == "[12]" else text)


def test_a_reply_may_begin_as_the_request_did() -> None:
    pool = MessagePool()
    request, reply = '["a"]', '["a", "b"]'
    parts = [*pool.parts_of(pool.parse(request), "user"), *pool.parts_of(pool.parse(reply), "assistant")]
    assert [part.role for part in parts] == ["user", "assistant", "assistant"]
    held = Held(parts, pool.texts)
    for text in (request, reply):
        assert pool.leftover(text, "messages", held) == held.leftover(json.loads(text), "messages")


@pytest.mark.parametrize("key", ["messages", "value"])
def test_messages_that_another_step_holds_are_left_over_of_this_one(key: str) -> None:
    pool = MessagePool()
    text = '[{"role": "user", "content": "where is the order"}]'
    other = Held(list(pool.parts_of(pool.parse(text))), pool.texts)
    assert pool.leftover(text, key, other) is None
    own = Held([], pool.texts)
    assert pool.leftover(text, key, own) == json.loads(text)


def test_a_list_that_is_no_longer_recent_is_read_again() -> None:
    pool = MessagePool()
    lists = [pool.parse(f'["{letter}"]') for letter in "abcdef"]
    assert pool.history_of(lists[0]) is None
    assert [part.role for part in pool.parts_of(lists[0])] == ["user"]


def test_a_recording_does_not_depend_on_what_was_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    def span(number: int, attributes: dict[str, str]) -> dict[str, object]:
        return {
            "traceId": "ab" * 16,
            "spanId": f"{number:016x}",
            "name": "chat",
            "startTimeUnixNano": str(number),
            "endTimeUnixNano": str(number + 1),
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
        }

    talk = [
        {"role": ("user", "assistant")[n % 2], "parts": [{"type": "text", "content": f"word {n}"}], "seed": n}
        for n in range(9)
    ]
    spans = [
        span(n, {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(talk[:n])}) for n in range(1, 9)
    ]
    data = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    shared = list(read_bytes(data, "run.jsonl", "otlp-json"))
    monkeypatch.setattr(History, "continued", lambda self, text: None)
    alone = list(read_bytes(data, "run.jsonl", "otlp-json"))
    assert shared == alone
    assert shared[0].steps[-1].attributes["gen_ai.input.messages"] == [{"seed": n} for n in range(8)]
    assert shared[0].steps[-1].input[0] is shared[0].steps[0].input[0]
