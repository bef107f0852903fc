"""V103: the check cannot fail."""

import re
from collections.abc import Iterable, Iterator

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors, own_elements, tool_call_around
from harnessfix.rules._query import as_anchor, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, Status, StepKind

_MASKS = (
    (re.compile(r"\|\|\s*(true|:|exit\s+0|/bin/true)(?=$|[\s;)'\"\]])"), "its failure is turned into success by {}"),
    (re.compile(r";\s*(true|exit\s+0)\s*(?=$|['\"\]])"), "its exit status is replaced by {}"),
)
_PIPE = re.compile(r"(?<!\|)\|\s*(tee|tail|head|cat|less|sed|grep -v)\b[^|]*$")
_BAD = frozenset({"false", "0", "no", "fail", "failed", ""})

_AGENT = '''\
import subprocess

CHECK = "python -c 'raise SystemExit(3)' || true"


class Agent:
    """Writes code, runs the checks, and hands in when they pass."""

    def __init__(self, model):
        self.model = model

    def verify(self):
        done = subprocess.run(CHECK, shell=True, capture_output=True, text=True, timeout=60)
        return done.returncode == 0

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(2):
            reply = self.model.query(messages)
            if self.verify():
                return reply["content"]
            messages += [reply, {"role": "user", "content": "The checks fail."}]
        return "the checks fail"
'''
_MAIN = """\
from agent import Agent
from model import Model, say

print(Agent(Model(say("return 1"), say("return 2"))).run("Write the function."))
"""


class MaskedCheck(Rule):
    code = "V103"
    name = "masked-check"
    keeps = Property.EFFECT
    severity = Severity.ERROR
    summary = "The command of a check throws its exit status away, so the check always passes."
    why = (
        "`|| true`, `; exit 0` and a pipe into `tee` or `tail` make the shell report success whatever the tests "
        "said. The harness then accepts everything, and its numbers measure nothing."
    )
    fix = (
        "Let the exit status through: drop the mask, use `set -o pipefail`, or save output to a file instead of "
        "piping it."
    )
    references = (
        "https://www.gnu.org/software/bash/manual/html_node/Pipelines.html",
        "https://arxiv.org/abs/2606.06324",
    )
    operator = "unmask-check"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", (" || true", ""))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Checks that passed, and whose command could not have failed."""
        for step in run.of_kind(StepKind.VERIFY):
            if step.status is not Status.OK or run.output_text(step).strip().lower() in _BAD:
                continue
            for command in _commands(run, step):
                how = _mask(command)
                if how:
                    checks = own_elements(model, step, ElementRole.VERIFIER)
                    yield Finding(
                        f"{step.name} ({step.id}) passed, and could not have failed: {how}.",
                        one_of_each(
                            [*(as_anchor(e, "runs a check that cannot fail") for e in checks), *own_anchors(step)]
                        ),
                        responsible_step=step.id,
                        symptom_step=step.id,
                        path=[step.id],
                        confidence=0.9,
                        evidence=Evidence.OBSERVED,
                        quotes=[(f"{step.id} command", quote(command))],
                        parameters={"command": command[:400]},
                        key="mask",
                    )
                    break


def _commands(run: Htir, step: TraceStep) -> Iterator[str]:
    """Commands that the harness started in a check; those of a tool are the model's own."""
    for inner in (step, *run.descendants(step.id)):
        if inner.kind is StepKind.TOOL_CALL or tool_call_around(run, inner) is not None:
            continue
        yield from (effect.resource for effect in inner.effects if _is_spawn(effect.effect, effect.detail))


def _is_spawn(effect: str, detail: str) -> bool:
    return effect == "state" and detail in ("spawn", "")


def _mask(command: str) -> str:
    """How a shell command hides the exit status of its check, in words; empty when it does not."""
    for pattern, words in _MASKS:
        found = pattern.search(command.strip())
        if found is not None:
            return words.format(f"`{quote(found.group().strip(), 40)}`")
    piped = _PIPE.search(command.strip()) if "pipefail" not in command else None
    return (
        f"its exit status is that of the pipe's end, `{quote(piped.group().strip(), 40)}`" if piped is not None else ""
    )
