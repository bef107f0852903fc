"""L113: a change of several files failed in the middle, and half of it stayed."""

import re
from collections.abc import Iterable

from harnessfix.rules._errors import short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors, own_function, tool_call_around
from harnessfix.rules._query import as_anchor, file_work, one_of_each, quote, tool_element
from harnessfix.rules._signals import is_signal
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity, StepKind

_ONE_CHANGE = re.compile(
    r"apply|patch|edit|replace|rename|refactor|migrat|move|rewrite|update|upgrade|sync|book|reserve|order|checkout|transfer|"
    r"deploy|provision|release|publish|install|import",
    re.IGNORECASE,
)
_SAYS_FAILED = re.compile(r"[\W_]{0,3}(error|failed|failure|could not|cannot)\b", re.IGNORECASE)
_NO_ERROR = frozenset(("", "None", "null", "False", "false"))

_AGENT = '''\
import json
import pathlib


def rename_word(old, new, paths):
    """Rename a word in several files."""
    for path in paths:
        text = pathlib.Path(path).read_text()
        if old not in text:
            raise ValueError(f"{path} does not hold {old!r}")
        pathlib.Path(path).write_text(text.replace(old, new))
    return "renamed"


TOOLS = {"rename_word": rename_word}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for wanted in reply["tool_calls"]:
                arguments = json.loads(wanted["function"]["arguments"])
                try:
                    result = TOOLS[wanted["function"]["name"]](**arguments)
                except ValueError as error:
                    result = f"error: {error}"
                messages.append({"role": "tool", "tool_call_id": wanted["id"], "content": result})
        return None
'''
_ALL_OR_NOTHING = """\
    texts = {path: pathlib.Path(path).read_text() for path in paths}
    for path, text in texts.items():
        if old not in text:
            raise ValueError(f"{path} does not hold {old!r}; nothing was changed")
    for path, text in texts.items():
        pathlib.Path(path).write_text(text.replace(old, new))
    return "renamed"
"""
_MAIN = """\
import pathlib

from agent import Agent
from model import Model, call, say

for name, text in (("a.txt", "cat"), ("b.txt", "cat"), ("c.txt", "dog")):
    pathlib.Path(name).write_text(text)
wanted = call("rename_word", {"old": "cat", "new": "lynx", "paths": ["a.txt", "b.txt", "c.txt"]})
print(Agent(Model(wanted, say("It failed."))).run("Rename the cat."))
"""


class NoRollback(Rule):
    code = "L113"
    name = "no-rollback"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "A tool that changes several files failed after some of them, and left those changed."
    why = (
        "The model is told that the change failed and tries again on files of which half are changed already; or "
        "it goes on, and the half is submitted. A change that is asked for as one has to happen whole or not at "
        "all."
    )
    fix = (
        "Check everything before writing anything, or keep the old contents and put them back when a later part fails."
    )
    by_hand = (
        "What was done in part can be files, requests and payments; only some of it can be put back, and in which "
        "order is not to be read."
    )
    references = ("https://docs.python.org/3/library/contextlib.html#contextlib.ExitStack",)
    operator = None
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad, "agent.py", (_AGENT[_AGENT.index("    for path in paths") : _AGENT.index("\n\nTOOLS")], _ALL_OR_NOTHING)
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Failed tool calls that had written two files or more, each once, and removed none."""
        for step in run.of_kind(StepKind.TOOL_CALL) if "artifact" in file_work(run) else ():
            failure = _failure(run, step) if _ONE_CHANGE.search(step.name) else None
            if failure is None:
                continue
            how, said = failure
            written = _left(run, step)
            if len(written) < 2 or tool_call_around(run, step) is not None:
                continue
            folder = str(run.run.attributes.get("cwd") or "").rstrip("/") + "/"
            files = ", ".join(quote(path.removeprefix(folder), 40) for path in written[:4])
            function = tool_element(model, step) or own_function(model, step)
            anchors = [as_anchor(function, "writes before all is checked")] if function is not None else []
            yield Finding(
                f"{step.name} ({step.id}) {how} after it had written {files}; nothing put them back.",
                one_of_each([*anchors, *own_anchors(step)]),
                responsible_step=step.id,
                symptom_step=step.id,
                path=[step.id],
                confidence=0.6,
                evidence=Evidence.DERIVED,
                quotes=[(f"{step.id} {'error' if step.error is not None else 'output'}", quote(said))],
                parameters={"files": [*written]},
                key="half",
            )


def _failure(run: Htir, step: TraceStep) -> tuple[str, str] | None:
    """How a call failed and what it said: by an exception, or by answering that it could not."""
    if step.error is not None:
        return None if is_signal(step.error) else (f"failed with {short_type(step.error)}", step.error.message)
    for part in step.output:
        text = run.text(part).strip()
        if (part.name == "error" and text not in _NO_ERROR) or _SAYS_FAILED.match(text):
            return f"answered {quote(text, 60)!r}", text
    return None


def _left(run: Htir, step: TraceStep) -> list[str]:
    """Files that the step wrote once and did not remove: what it wrote twice it may have put back."""
    effects = [effect for inner in (step, *run.descendants(step.id)) for effect in inner.effects]
    written = [effect.resource for effect in effects if effect.effect == "artifact"]
    changed = {effect.resource for effect in effects if effect.effect == "state"}
    return [path for path in dict.fromkeys(written) if written.count(path) == 1 and path not in changed]
