"""C106: the model is shown a file as it was before it was changed."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, file_work, nearest_anchors, one_of_each, quote, tool_element
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity, StepKind

LEAST = 8  # characters; a shorter answer may be the same by chance

_AGENT = r'''import functools
import json
import tempfile
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp())


@functools.cache
def load(name):
    return (FOLDER / name).read_text()


def read_file(name):
    """Read a file."""
    return load(name)


def write_file(name, text):
    """Write a file."""
    (FOLDER / name).write_text(text)
    return "written"


TOOLS = {"read_file": read_file, "write_file": write_file}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(9):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                answer = TOOLS[call["function"]["name"]](**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

replies = [
    call("write_file", {"name": "note.txt", "text": "The door is open."}, "call_0"),
    call("read_file", {"name": "note.txt"}, "call_1"),
    call("write_file", {"name": "note.txt", "text": "The door is shut."}, "call_2"),
    call("read_file", {"name": "note.txt"}, "call_3"),
    say("It is still open."),
]
print(Agent(Model(*replies)).run("Shut the door in the note."))
"""


class StaleContext(Rule):
    code = "C106"
    name = "stale-context"
    keeps = Property.HONESTY
    severity = Severity.ERROR
    summary = "A tool answers from a cache although the file has changed since."
    why = (
        "The model checks its own change, sees the old text, and concludes that the change failed. It makes it "
        "again, or undoes what was right."
    )
    fix = "Drop the cached text whenever the file is written, or compare its time and size before using it."
    by_hand = (
        "Whether a cached text may still be used depends on who else writes the file; the code of the cache does "
        "not show it."
    )
    references = ("https://docs.python.org/3/library/functools.html#functools.cache",)
    operator = None
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("@functools.cache\n", ""), ("import functools\n", ""))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Reads that answered as before without touching the file, after another step had written it."""
        if file_work(run).isdisjoint(("write", "delete")):
            return
        seen: dict[tuple[str, str], _Read] = {}
        by_file: dict[str, list[_Read]] = {}
        for step in run.of_kind(StepKind.TOOL_CALL):
            read, written = _files(run, step, "read"), _files(run, step, "write", "delete")
            asked = step.name, run.input_text(step)
            before = seen.get(asked)
            untouched = before is not None and before.changed_in is not None and not read and not written
            if (
                before is not None
                and untouched
                and run.output_text(step) == before.answer
                and len(before.answer) >= LEAST
            ):
                yield _finding(run, model, before, step)
            for path in written:
                for stale in by_file.pop(path, ()):
                    stale.changed_in = step
            if read and not written:
                seen[asked] = _Read(step, run.output_text(step))
                for path in read:
                    by_file.setdefault(path, []).append(seen[asked])


@dataclass
class _Read:
    """A tool step that read files and what it answered; `changed_in` is the step that wrote one of them since."""

    step: TraceStep
    answer: str
    changed_in: TraceStep | None = field(default=None)


def _files(run: Htir, step: TraceStep, *operations: str) -> set[str]:
    inside = (step, *run.descendants(step.id))
    return {effect.resource for inner in inside for effect in inner.effects if effect.detail in operations}


def _finding(run: Htir, model: HarnessModel, before: "_Read", step: TraceStep) -> Finding:
    tool = tool_element(model, step)
    named = [as_anchor(tool, "answers from a copy")] if tool is not None else []
    changed = before.changed_in or before.step
    return Finding(
        message=f"{step.name} ({step.id}) answered as it had in {before.step.id} without reading the file again, "
        f"although {changed.name} ({changed.id}) had written it in between: {quote(before.answer, 80)!r}.",
        anchors=one_of_each([*named, *nearest_anchors(run, step)]),
        responsible_step=step.id,
        symptom_step=step.id,
        path=tuple(dict.fromkeys((before.step.id, changed.id, step.id))),
        confidence=0.85,
        evidence=Evidence.DERIVED,
        quotes=((f"{step.id} output", quote(before.answer)),),
    )
