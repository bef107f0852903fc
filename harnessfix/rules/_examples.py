"""What the example harnesses share: a model with a script instead of a provider, and the changing of one passage."""

from collections.abc import Mapping
from dataclasses import replace

from .base import Example

MODEL = '''\
"""A model that answers from a script; a real harness asks a provider here."""

import json


class Model:
    def __init__(self, *replies):
        self.replies = list(replies)

    def query(self, messages, tools=None):
        """The next reply to this conversation."""
        return self.replies.pop(0)


def say(text):
    return {"role": "assistant", "content": text}


def call(name, arguments, call_id="call_1"):
    """A reply that asks for a tool; `arguments` is a dictionary, or JSON text as the model worded it."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    asked = {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}
    return {"role": "assistant", "content": "", "tool_calls": [asked]}
'''


def harness(agent: str, main: str, *, exit_code: int = 0, more: Mapping[str, str] | None = None) -> Example:
    """A harness of three files: the scripted `model.py`, `agent.py`, and the `main.py` that runs it.

    Args:
        agent, main: their texts.
        exit_code: with which `main.py` ends.
        more: further files, path to text.
    """
    files = {"model.py": MODEL, "agent.py": agent, "main.py": main, **(more or {})}
    return Example(files=files, run=("main.py",), exit_code=exit_code)


def edited(example: Example, path: str, *changes: tuple[str, str], exit_code: int | None = None) -> Example:
    """The example with passages of one file replaced, so that a reader sees what makes the difference.

    Raises:
        ValueError: a passage does not occur exactly once.
    """
    text = example.files[path]
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{path}: the passage occurs {text.count(old)} times: {old!r}")
        text = text.replace(old, new)
    code = example.exit_code if exit_code is None else exit_code
    return replace(example, files={**example.files, path: text}, exit_code=code)
