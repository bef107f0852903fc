"""G104: a path of the model's choice leads out of the workspace."""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, nearest_anchors, one_of_each, quote, tool_element
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Effect, TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity, StepKind

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
    """A write that an argument led elsewhere: the argument, where it led, and the folder that it left."""

    argument: str
    target: str
    root: str


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
        """Tool steps that wrote or deleted outside the folder that their path argument was joined to."""
        spoken: set[str] = set()
        roots = _roots(run)
        for step in run.of_kind(StepKind.TOOL_CALL):
            arguments = [run.text(part) for part in step.input]
            for effect in _writes(run, step):
                escape = _escape(effect.resource, arguments, roots.get(step.name, ()))
                tool = tool_element(model, step)
                anchors = [as_anchor(tool, "joins the path without a check")] if tool is not None else []
                place = step.name
                if escape is None or place in spoken:
                    continue
                spoken.add(place)
                yield Finding(
                    message=f"{step.name} ({step.id}) was given the path {quote(escape.argument, 60)!r} and wrote "
                    f"{quote(escape.target, 80)}, outside {quote(escape.root, 80)}.",
                    anchors=one_of_each([*anchors, *nearest_anchors(run, step)]),
                    responsible_step=step.id,
                    symptom_step=step.id,
                    path=(step.id,),
                    confidence=0.95 if ".." in escape.argument else 0.75,
                    evidence=Evidence.OBSERVED,
                    quotes=((f"{step.id} input", quote(escape.argument)),),
                    parameters={"root": escape.root},
                )


def _writes(run: Htir, step: TraceStep) -> Iterator[Effect]:
    """Files that the step wrote or deleted, itself or in what it called."""
    for inner in (step, *run.descendants(step.id)):
        for effect in inner.effects:
            if effect.effect == "artifact" or (effect.effect == "state" and effect.detail == "delete"):
                yield effect


def _roots(run: Htir) -> dict[str, tuple[str, ...]]:
    """For every tool the folders that its relative path arguments were joined to, seen in this run."""
    found: dict[str, set[str]] = {}
    for step in run.of_kind(StepKind.TOOL_CALL):
        for effect in _writes(run, step):
            for part in step.input:
                root = _joined_to(effect.resource, run.text(part))
                if root:
                    found.setdefault(step.name, set()).add(root)
    return {name: tuple(sorted(roots)) for name, roots in found.items()}


def _joined_to(resource: str, argument: str) -> str:
    """The folder that a relative argument was joined to, empty when the two do not fit."""
    given = argument.strip().replace("\\", "/")
    path = resource.replace("\\", "/")
    if not given or "\n" in given or posixpath.isabs(given):
        return ""
    if path.endswith("/" + given):
        return path[: -len(given) - 1]
    plain = posixpath.normpath(given)
    if plain.startswith("../") or plain == ".." or not posixpath.normpath(path).endswith("/" + plain):
        return ""
    return posixpath.normpath(path)[: -len(plain) - 1]


def _escape(resource: str, arguments: list[str], roots: tuple[str, ...]) -> _Escape | None:
    path = resource.replace("\\", "/")
    target = posixpath.normpath(path)
    for argument in arguments:
        given = argument.strip().replace("\\", "/")
        if not given or "\n" in given or len(given) > 4096:
            continue
        root = _joined_to(resource, argument)
        if ".." in given.split("/"):
            base = root or next((r for r in roots if posixpath.normpath(f"{r}/{given}") == target), "")
            if base and not _below(target, base):
                return _Escape(argument.strip(), target, posixpath.normpath(base))
        elif posixpath.isabs(given) and posixpath.normpath(given) == target and roots:
            if not any(_below(target, base) for base in roots):
                return _Escape(argument.strip(), target, posixpath.normpath(roots[0]))
    return None


def _below(target: str, base: str) -> bool:
    base = posixpath.normpath(base)
    return target == base or target.startswith(base.rstrip("/") + "/")
