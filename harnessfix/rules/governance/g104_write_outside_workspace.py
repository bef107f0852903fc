"""G104: a path of the model's choice leads out of the workspace."""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, file_work, names, nearest_anchors, one_of_each, quote, tool_element
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Effect, TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity, StepKind

LONGEST_PATH = 4096  # characters; a longer argument is no path

_AGENT = r'''import json
from pathlib import Path


class Agent:
    def __init__(self, model, root):
        self.model = model
        self.root = Path(root).resolve()
        self.tools = {"write_file": self.write_file}

    def write_file(self, path, text):
        """Write TEXT to a file of the workspace."""
        target = self.root / path
        target.write_text(text)
        return f"wrote {len(text)} characters"

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                tool = self.tools[call["function"]["name"]]
                answer = tool(**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})
'''
_MAIN = r"""import tempfile
from pathlib import Path

from agent import Agent
from model import Model, call, say

with tempfile.TemporaryDirectory() as folder:
    root = Path(folder) / "workspace"
    root.mkdir()
    replies = [call("write_file", {"path": "../notes.txt", "text": "hello"}), say("done")]
    print(Agent(Model(*replies), root).run("Write a note."))
"""


@dataclass(frozen=True)
class _Escape:
    """A write that an argument led elsewhere: the argument, where it led, and what it left, in words."""

    argument: str
    target: str
    left: str


class WriteOutsideWorkspace(Rule):
    code = "G104"
    name = "write-outside-workspace"
    keeps = Property.AUTHORITY
    severity = Severity.ERROR
    summary = "A tool writes where a path with `..`, or an absolute one, leads."
    why = (
        "The workspace is the promise under which the model was let loose. A path joined to it without a check "
        "lets one wrong or one injected argument overwrite anything that the user may write."
    )
    fix = "Resolve the path first, links included, and refuse what does not lie below the resolved root."
    references = (
        "https://owasp.org/www-community/attacks/Path_Traversal",
        "https://docs.python.org/3/library/pathlib.html#pathlib.PurePath.is_relative_to",
    )
    operator = "confine-paths"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            "        target = self.root / path\n",
            "        target = (self.root / path).resolve()\n"
            "        if not target.is_relative_to(self.root):\n"
            '            return f"{path} is outside the workspace"\n',
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Tool steps that wrote or deleted outside the folders that path arguments are joined to; one per tool."""
        if file_work(run).isdisjoint(("write", "delete")):
            return
        spoken: set[str] = set()
        roots = _roots(run)
        for step in run.of_kind(StepKind.TOOL_CALL):
            paths = [path for part in step.input if (path := _path(run.text(part)))]
            writes = _effects(run, step, "write", "delete") if step.name not in spoken else []
            escape = next((e for effect in writes if (e := _escape(effect.resource, paths, roots)) is not None), None)
            if escape is None:
                continue
            spoken.add(step.name)
            yield _finding(run, model, step, escape)


def _finding(run: Htir, model: HarnessModel, step: TraceStep, escape: _Escape) -> Finding:
    tool = tool_element(model, step)
    made_by = _joining(run, model, step, tool, escape.argument) if tool is not None else ()
    anchors = [as_anchor(each, "joins the path without a check") for each in made_by]
    return Finding(
        message=f"{step.name} ({step.id}) was given the path {quote(escape.argument, 60)!r} and wrote "
        f"{quote(escape.target, 80)}, outside {quote(escape.left, 80)}.",
        anchors=one_of_each([*anchors, *nearest_anchors(run, step)]),
        responsible_step=step.id,
        symptom_step=step.id,
        path=(step.id,),
        confidence=0.95 if ".." in escape.argument else 0.75,
        evidence=Evidence.OBSERVED,
        quotes=((f"{step.id} input", quote(escape.argument)),),
    )


def _joining(run: Htir, model: HarnessModel, step: TraceStep, tool: Element, argument: str) -> Iterator[Element]:
    """The functions to which a tool hands that argument under its name, then the tool."""
    given = {part.name for part in step.input if part.name and _path(run.text(part)) == argument}
    for name in model.callees.get(tool.anchor.symbol, ()):
        path, _, qualname = name.partition(":")
        function = model.function(path, qualname)
        if function is not None and given & set(names(function.value("params"))) and not function.value("roles"):
            yield function
    yield tool


def _effects(run: Htir, step: TraceStep, *operations: str) -> list[Effect]:
    """What the step did to files, itself or in what it called."""
    inside = (step, *run.descendants(step.id))
    return [effect for inner in inside for effect in inner.effects if effect.detail in operations]


def _roots(run: Htir) -> tuple[str, ...]:
    """The folders that plain relative arguments of tools were joined to in this run."""
    found: set[str] = set()
    for step in run.of_kind(StepKind.TOOL_CALL):
        for effect in _effects(run, step, "read", "write", "delete"):
            target = _plain(effect.resource)
            for part in step.input:
                given = _path(run.text(part))
                if given and not given.startswith(("/", "..")) and target.endswith("/" + given):
                    found.add(target[: -len(given) - 1])
    return tuple(sorted(found))


def _path(argument: str) -> str:
    """An argument as a normal path, empty when it cannot be one."""
    text = argument.strip()
    return _plain(text) if text and len(text) <= LONGEST_PATH and "\n" not in text else ""


def _plain(path: str) -> str:
    path = path.replace("\\", "/")
    return posixpath.normpath(path) if path else ""


def _escape(resource: str, paths: list[str], roots: tuple[str, ...]) -> _Escape | None:
    """Whether one of the path arguments of a step led a write out of every folder that paths are joined to."""
    target = _plain(resource)
    if any(_below(target, root) for root in roots):
        return None
    left = roots[0] if roots else "the folder that it was joined to"
    for given in paths:
        if given.startswith("../") and target.endswith(given[given.rindex("../") + 2 :]):
            return _Escape(given, target, left)
        if roots and given.startswith("/") and given == target:
            return _Escape(given, target, left)
    return None


def _below(target: str, root: str) -> bool:
    return target == root or target.startswith(root.rstrip("/") + "/")
