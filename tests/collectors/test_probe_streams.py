"""Answers that are handed out piece by piece: what was said is told, and the program notices nothing."""

import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from harnessfix_collectors.probe.streamed import joined

Play = Callable[..., Any]

# What a harness does not own: clients whose answers are generators, iterators, and asynchronous both.
CLIENT = """
import weakref

SAID = ("Look ", "at ", "the ", "stone.")


class Delta:
    def __init__(self, content):
        self.content, self.role, self.tool_calls = content, None, None


class Choice:
    def __init__(self, content, finish_reason):
        self.index, self.delta, self.finish_reason = 0, Delta(content), finish_reason


class Usage:
    def __init__(self):
        self.prompt_tokens, self.completion_tokens = 7, 4


class Chunk:
    def __init__(self, content, finish_reason=None, usage=None):
        self.choices, self.usage = [Choice(content, finish_reason)], usage


def chunks(broken):
    for piece in SAID:
        yield Chunk(piece)
    if broken:
        raise ConnectionError("the line broke")
    yield Chunk(None, "stop", Usage())


class Stream:
    def __init__(self, inner):
        self.inner, self.closed = inner, False

    def __iter__(self):
        yield from self.inner

    def __next__(self):
        return next(self.inner)

    def close(self):
        self.closed = True


class AsyncStream:
    def __init__(self, inner):
        self.inner = inner

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return next(self.inner)
        except StopIteration:
            raise StopAsyncIteration from None


LIVE = weakref.WeakSet()


class Client:
    def generate(self, messages, kind="object", broken=False):
        inner = chunks(broken)
        made = {"object": Stream, "generator": lambda found: found, "async": AsyncStream}[kind](inner)
        LIVE.add(made)
        return made

    async def agenerate(self, messages):
        return self.events()

    async def events(self):
        try:
            yield {"messageStart": {"role": "assistant"}}
            for piece in SAID:
                yield {"contentBlockDelta": {"delta": {"text": piece}}}
            yield {"contentBlockStart": {"start": {"toolUse": {"name": "look", "toolUseId": "c1"}}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": '{"place": '}}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": '"stone"}'}}}}
            yield {"messageStop": {"stopReason": "tool_use"}}
            yield {"metadata": {"usage": {"inputTokens": 7, "outputTokens": 4}}}
        finally:
            print("events end")
"""

LOOPS = """
import asyncio, gc, sys, traceback
from client import LIVE, Client

MESSAGES = [{"role": "user", "content": "Where is water?"}]


class Agent:
    def __init__(self):
        self.llm = Client()

    def whole(self, kind):
        stream = self.llm.generate(MESSAGES, kind)
        return "".join(chunk.choices[0].delta.content or "" for chunk in self.each(stream))

    def each(self, stream):
        for chunk in stream:
            yield chunk
        else:
            print("no more", type(stream).__name__)

    def at_once(self):
        found = []
        for chunk in self.llm.generate(MESSAGES):
            found.append(chunk.choices[0].delta.content)
        return found

    def left(self, how):
        stream = self.llm.generate(MESSAGES, "generator")
        try:
            for chunk in stream:
                if how == "break":
                    break
                if how == "return":
                    return chunk.choices[0].delta.content
                if how == "raise":
                    raise KeyError(how)
        except KeyError as error:
            print("left by", repr(error))
        return stream.gi_frame is not None

    def broken(self):
        stream = self.llm.generate(MESSAGES, "generator", broken=True)
        try:
            for chunk in stream:
                pass
        except ConnectionError:
            return [(frame.name, frame.line) for frame in traceback.extract_tb(sys.exc_info()[2])]

    async def later(self):
        found = []
        stream = self.llm.generate(MESSAGES, "async")
        async for chunk in stream:
            found.append(chunk.choices[0].delta.content)
        else:
            found.append("end")
        return found

    async def events(self, stop):
        number = 0
        async for event in await self.llm.agenerate(MESSAGES):
            number += 1
            if number == stop:
                break
        return number


agent = Agent()
for kind in ("object", "generator"):
    print(agent.whole(kind))
print(agent.at_once())
print([agent.left(how) for how in ("break", "return", "raise")])
print(agent.broken())
print(asyncio.run(agent.later()), asyncio.run(agent.events(100)), asyncio.run(agent.events(2)))
gc.collect()
print(len(LIVE), [name for name in dir() if name.startswith("@")])
"""
TEXT = "Look at the stone."


def answers(played: Any) -> list[str]:
    """The words of each model call, as it was told."""
    (run,) = played.runs
    said = []
    for step in played.steps:
        if step.kind == "model_call":
            said.append("".join(run.texts[part.text] for part in step.output if part.kind == "text"))
    return said


def test_pieces_of_streams_that_others_make(play: Play, python: str) -> None:
    files = {"app/agent.py": LOOPS, "lib/client.py": CLIENT}
    played = play(python, files, "app/agent.py", env={"PYTHONPATH": "lib"}, harness="app", include=())
    played.assert_same()
    models = [step for step in played.steps if step.kind == "model_call"]
    assert answers(played)[:3] == [TEXT] * 3
    assert [step.finish_reason for step in models[:3]] == ["stop"] * 3
    assert {step.usage.output_tokens for step in models[:3]} == {4}
    assert answers(played)[3:7] == ["Look ", "Look ", "Look ", TEXT]
    assert [step.attributes["stream"]["pieces"] for step in models[3:7]] == [1, 1, 1, 4]
    assert answers(played)[7:] == [TEXT, TEXT, "Look "]
    later, events, cut = models[7:]
    assert later.attributes["stream"] == {"pieces": 5, "why": "exhausted"}
    (call,) = (part for part in events.output if part.kind == "tool_call")
    assert (call.name, call.call_id, events.finish_reason, events.usage.input_tokens) == ("look", "c1", "tool_call", 7)
    assert cut.attributes["stream"] == {"pieces": 2, "why": "break"}
    assert all(step.ended_ns is not None for step in models)


GENERATORS = """
import asyncio

class Model:
    def stream(self, messages):
        try:
            for piece in ("one ", "two ", "three"):
                got = yield piece
                if got:
                    print("got", got)
        except ValueError as error:
            yield f"caught {error}"
        finally:
            print("closed")

    async def astream(self, messages):
        try:
            for piece in ("one ", "two ", "three"):
                got = yield piece
                if got:
                    print("got", got)
        except ValueError as error:
            yield f"caught {error}"
        finally:
            print("closed")

    def complete(self, messages):
        return self.stream(messages)

MESSAGES = [{"role": "user", "content": "Count."}]

def run(model):
    whole = list(model.stream(MESSAGES))
    handed = list(model.complete(MESSAGES))
    stream = model.stream(MESSAGES)
    sent = [next(stream), stream.send("a word"), stream.throw(ValueError("oops"))]
    stream.close()
    dropped = next(model.stream(MESSAGES))
    never = model.stream(MESSAGES)
    del never
    return whole, handed, sent, dropped

async def arun(model):
    whole = [piece async for piece in model.astream(MESSAGES)]
    stream = model.astream(MESSAGES)
    sent = [await anext(stream), await stream.asend("a word"), await stream.athrow(ValueError("oops"))]
    await stream.aclose()
    async for piece in model.astream(MESSAGES):
        break
    return whole, sent, piece

print(run(Model()))
print(asyncio.run(arun(Model())))
"""


def test_generators_of_the_harness_tell_what_they_yield(play: Play, python: str) -> None:
    played = play(python, GENERATORS, include=())
    played.assert_same()
    whole, partly = "one two three", "one two caught oops"
    assert answers(played) == [whole, whole, partly, "one ", whole, partly, "one "]
    models = [step for step in played.steps if step.kind == "model_call"]
    assert {step.name for step in models} == {"Model.stream", "Model.astream"}
    assert [step.attributes["stream"]["why"] for step in models[:4]] == ["exhausted", "exhausted", "closed", "closed"]


TOOLS = """
import asyncio

class Weather:
    name = "weather"

async def _run_tool(tool, call):
    yield {"note": "looking"}
    yield {"result": f"sunny in {call['input']['city']}"}

def look(place):
    yield "sand "
    yield f"at {place}"

TOOLS = {"look": look}

async def main():
    call = {"toolUseId": "c", "name": "weather", "input": {"city": "Rome"}}
    events = [event async for event in _run_tool(Weather(), call)]
    print(events, list(TOOLS["look"]("here")))

asyncio.run(main())
"""


def test_tools_may_hand_out_what_they_find(play: Play) -> None:
    played = play(sys.executable, TOOLS, include=())
    played.assert_same()
    weather, look = (step for step in played.steps if step.kind == "tool_call")
    assert (weather.name, look.name) == ("weather", "look")
    assert '{"result": "sunny in Rome"}' in played.out_text(weather)
    assert played.out_text(look) == "sand at here"


KILLED = """
import os, signal

class Model:
    def stream(self, messages):
        for number in range(1000):
            yield f"word {number} "

def look(place):
    return place

def run(model):
    for number, piece in enumerate(model.stream([{"role": "user", "content": "Count."}])):
        if number == 500:
            look("here")
            os.kill(os.getpid(), signal.SIGKILL)

run(Model())
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_what_was_said_before_a_kill_is_there(play: Play) -> None:
    played = play(sys.executable, KILLED, both=False)
    (model,) = (step for step in played.steps if step.kind == "model_call")
    assert model.status == "unfinished"
    (said,) = answers(played)
    assert said.startswith("word 0 word 1 ")
    assert said.endswith("word 500 ")


HOT = """
class Model:
    def stream(self, messages):
        for number in range(60_000):
            yield {"choices": [{"index": 0, "delta": {"content": "x" * 40}, "finish_reason": None}]}
        usage = {"completion_tokens": 60_000}
        yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}], "usage": usage}

print(sum(1 for _ in Model().stream([{"role": "user", "content": "Count."}])))
"""


def test_an_endless_answer_is_bounded_and_its_end_is_there(play: Play) -> None:
    played = play(sys.executable, HOT, both=False, include=())
    (model,) = played.steps
    assert (model.finish_reason, model.usage.output_tokens) == ("length", 60_000)
    assert model.attributes["stream"]["pieces"] == 60_001
    assert any("pieces of what was streamed were not recorded" in what for what in model.missing)
    assert len(played.result.data) < 6_000_000


def test_secrets_that_lie_across_pieces_are_replaced(play: Play) -> None:
    program = """
    class Model:
        def stream(self, messages):
            yield from ()
            for piece in ("the key is sk-", "abcdefgh", "ijklmnop", "qrst", " ."):
                yield piece

    print("".join(Model().stream([{"role": "user", "content": "Which?"}])))
    """
    played = play(sys.executable, program, include=())
    played.assert_same()
    assert answers(played) == ["the key is <redacted> ."]


SHAPES = {
    "texts": (["a", "b"], "ab"),
    "anthropic": (
        [
            {"$type": "Start", "type": "message_start", "message": {"$type": "M", "role": "assistant", "usage": {}}},
            {"type": "content_block_start", "index": 0, "content_block": {"$type": "B", "type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"$type": "D", "type": "text_delta", "text": "a"}},
            {"type": "text", "text": "a", "snapshot": "a"},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
        ],
        {
            "role": "assistant",
            "usage": {"output_tokens": 3},
            "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "a"}],
        },
    ),
    "handed on by a framework": (
        [
            {"event": {"contentBlockDelta": {"delta": {"text": "a"}}}},
            {"event": {"messageStop": {"stopReason": "end_turn"}}},
        ],
        {"role": "assistant", "stop_reason": "end_turn", "content": [{"type": "text", "text": "a"}]},
    ),
    "langchain": (
        [
            {"message": {"content": "", "tool_call_chunks": [{"index": 0, "id": "c", "name": "look", "args": "{"}]}},
            {"message": {"content": "a", "tool_call_chunks": [{"index": 0, "id": None, "name": None, "args": "}"}]}},
            {"message": {"content": "", "response_metadata": {"finish_reason": "stop"}}},
        ],
        {
            "finish_reason": "stop",
            "message": {
                "role": "assistant",
                "content": "a",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
            },
        },
    ),
    "unknown": ([{"n": 1}, "a"], [{"n": 1}, "a"]),
    "hostile": (
        [{"choices": [7]}, {"choices": [{"delta": {"tool_calls": [7, {"function": 7}]}}]}, None],
        {
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "tool_calls": [{"id": None, "type": "function", "function": {"name": "", "arguments": ""}}],
                    },
                    "finish_reason": None,
                }
            ]
        },
    ),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_pieces_become_the_answer_that_they_make_up(kind: str) -> None:
    pieces, whole = SHAPES[kind]
    assert joined(pieces) == whole  # type: ignore[arg-type]
