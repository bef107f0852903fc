"""From a tool call as the model wrote it to one that can be run."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ToolCall:
    """A tool's name and the arguments it is to be called with."""

    name: str
    arguments: dict[str, Any]


def parse_call(raw: dict[str, Any]) -> ToolCall:
    """Read one entry of a turn's `tool_calls`; its arguments are JSON text."""
    arguments = json.loads(raw["arguments"])
    if not isinstance(arguments, dict):
        arguments = {"value": arguments}
    return ToolCall(raw["name"], arguments)
