"""Two shapes that look alike, of which one is a hazard and the other is not."""

from pathlib import Path
from textwrap import dedent

import pytest

from harnessfix_ir.source import read_harness
from harnessfix_ir.vocabulary import ElementRole

# What sets them apart: the hazard, the shape that is none, the shape that is one.
PAIRS = {
    "a logger that fills the text from keywords": (
        "forgotten-f",
        """
        def run(self, name):
            logger.warning("no tool {name} here", name=name)
        """,
        """
        def run(self, name):
            logger.warning("no tool {name} here", tool=name)
        """,
    ),
    "a hole that no keyword can fill": (
        "forgotten-f",
        """
        def told(errors, inputs):
            logger.warning("{errors} of {len} failed", errors=errors, len=len(inputs))
        """,
        """
        def told(errors, inputs):
            logger.warning("{errors} of {len(inputs)} failed", errors=errors, len=len(inputs))
        """,
    ),
    "the copy takes the place of what was changed before": (
        "shared-copy",
        """
        def run(self, urls):
            if len(urls) == 1:
                meta, stream = self.fetch(urls[0])
                stream.meta.update(meta)
                stream = replace(stream, kind="text")
                return [stream]
            found = []
            for meta, stream in map(self.fetch, urls):
                stream.meta.update(meta)
                stream = replace(stream, kind="text")
                found.append(stream)
            return found
        """,
        """
        def run(self, urls):
            found = []
            for meta, original in map(self.fetch, urls):
                stream = replace(original, kind="text")
                stream.meta.update(meta)
                found.append(stream)
            return found
        """,
    ),
    "a name that a loop does not bind anew": (
        "shared-copy",
        """
        def run(self, state, turns):
            for turn in turns:
                state = self.fresh()
                state.notes.append(turn)
                state = replace(state, turn=turn)
        """,
        """
        def run(self, state, turns):
            for turn in turns:
                state.notes.append(turn)
                state = replace(state, turn=turn)
        """,
    ),
    "an attribute beside the one with all calls": (
        "first-call-only",
        """
        class Message:
            @property
            def tool_calls(self):
                return [part for part in self.parts if part.kind == "call"]

            @property
            def tool_call(self):
                return self.tool_calls[0] if self.tool_calls else None
        """,
        """
        class Message:
            @property
            def tool_calls(self):
                return [part for part in self.parts if part.kind == "call"]

            def run(self, tools):
                return tools.run(self.tool_calls[0])
        """,
    ),
    "an answer in the form of a call": (
        "first-call-only",
        """
        def ask(self, model, form):
            reply = self.client.create(tools=[form.schema], tool_choice="required")
            call = reply.message.tool_calls[0]
            given = call.function.arguments
            return form(**json.loads(call.function.arguments))
        """,
        """
        def ask(self, model, tools):
            reply = self.client.create(tools=tools)
            call = reply.message.tool_calls[0]
            return tools[call.function.name](**json.loads(call.function.arguments))
        """,
    ),
    "as many as were asked for": (
        "dropped-calls",
        """
        def calls(self, count=None):
            found = []
            for message in self.messages:
                for call in message.tool_calls:
                    found.append(call)
                    if count and len(found) >= count:
                        return found
            return found
        """,
        """
        def calls(self, reply):
            found = []
            for call in reply.tool_calls:
                found.append(call)
                if len(found) >= self.most:
                    break
            return found
        """,
    ),
}


def _hazards(source: str, folder: Path) -> set[str]:
    (folder / "harness.py").write_text(dedent(source), encoding="utf-8")
    model = read_harness([folder])
    assert not [file.error for file in model.files if file.error]
    return {element.name for element in model.of_role(ElementRole.HAZARD)}


@pytest.mark.parametrize("pair", PAIRS)
def test_told_apart(pair: str, tmp_path: Path) -> None:
    hazard, sound, flawed = PAIRS[pair]
    assert hazard not in _hazards(sound, tmp_path)
    assert hazard in _hazards(flawed, tmp_path)
