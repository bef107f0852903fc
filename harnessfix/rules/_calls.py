"""Tool calls as a model worded them, and what came of each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep

from ._once import once
from ._query import reply_parts, requests

MAX_ARGUMENTS = 200_000  # characters; longer argument texts are not parsed again here


@dataclass(frozen=True)
class Asked:
    """One tool call in a model's reply: the model call step, and the part that holds the arguments."""

    step: TraceStep
    part: Part
    arguments: str

    @property
    def name(self) -> str:
        """Name of the tool as the model wrote it."""
        return self.part.name or ""


def is_made(run: Htir, step: TraceStep, call: Part) -> bool:
    """Whether a tool step is the call that a reply asked for: it has its name, or its arguments where there are any."""
    return step.name.rpartition(".")[2] == call.name or any(
        part.text == call.text and run.text(part) != "{}" for part in step.input
    )


@once
def asked(run: Htir) -> tuple[Asked, ...]:
    """Tool calls in the replies of a run, in order."""
    return tuple(call for step in requests(run) for call in asked_in(run, step))


def asked_in(run: Htir, step: TraceStep) -> Iterator[Asked]:
    """Tool calls in one reply."""
    for part in reply_parts(run, step):
        if part.kind == "tool_call":
            yield Asked(step, part, run.text(part))


@once
def malformed(run: Htir) -> tuple[tuple[Asked, str], ...]:
    """Calls whose arguments are no JSON object, each with what is wrong with them in words."""
    return tuple((call, flaw) for call in asked(run) if (flaw := argument_flaw(call.arguments)) is not None)


def argument_flaw(arguments: str) -> str | None:
    """What is wrong with argument text, in words; None when it is a JSON object (or too long to say)."""
    if len(arguments) > MAX_ARGUMENTS:
        return None
    if not arguments.strip():
        return "empty"
    try:
        value = json.loads(arguments)
    except RecursionError:
        return "nested too deeply"
    except ValueError:
        return "not JSON"
    kinds = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    if isinstance(value, dict):
        return None
    return "JSON null and not an object" if value is None else f"{kinds.get(type(value), 'a value')} and not an object"
