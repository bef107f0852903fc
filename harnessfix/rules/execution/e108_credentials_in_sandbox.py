"""E108: commands of the model's choice run with the harness's own credentials."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, nearest_anchors, one_of_each
from harnessfix.rules._reach import model_commands, processes_of
from harnessfix.rules._secrets import secrets_of
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

_AGENT = r'''import os
import subprocess


def run_command(command):
    """Run a shell command and return what it printed."""
    environment = dict(os.environ, PAGER="cat")
    done = subprocess.run(
        command, shell=True, env=environment, capture_output=True, text=True, errors="replace", timeout=5
    )
    return f"exit {done.returncode}\n{done.stdout}"


TOOLS = {"bash": run_command}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"] == "done":
                return
            messages.append({"role": "user", "content": TOOLS["bash"](reply["content"])})
'''
_MAIN = r"""import os

from agent import Agent
from model import Model, say

os.environ["EXAMPLE_API_KEY"] = "sk-example" + "0123456789abcdefghijklmn"
Agent(Model(say("env | grep EXAMPLE"), say("done"))).run("look around")
"""


class CredentialsInSandbox(Rule):
    code = "E108"
    name = "credentials-in-sandbox"
    keeps = Property.AUTHORITY
    summary = "The whole environment of the harness, keys included, is handed to commands of the model's choice."
    why = (
        "What a command can read, a model can read, and so can whoever wrote the web page or the repository that the "
        "model follows. One `env` puts the provider's key into the conversation and into every log of it."
    )
    fix = "Pass an environment that names what the command needs (`PATH`, `HOME`, `LANG`) and nothing else."
    references = (
        "https://docs.python.org/3/library/subprocess.html#subprocess.Popen",
        "https://owasp.org/www-project-top-10-for-large-language-model-applications/",
    )
    operator = "scope-credentials"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad, "agent.py", ('dict(os.environ, PAGER="cat")', '{"PATH": os.environ.get("PATH", ""), "PAGER": "cat"}')
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Commands of the model's choice that are started with a copy of the whole environment."""
        for call in model_commands(model):
            if call.fact("full-environ"):
                yield Finding(
                    message=f"The command that {call.value('call')} starts is the model's choice, and it is handed "
                    "the whole environment of the harness.",
                    anchors=[as_anchor(call, "passes the whole environment on")],
                    confidence=0.5,
                    severity=Severity.INFO,
                    evidence=Evidence.DERIVED,
                    parameters={"call": call.value("call"), "line": call.anchor.start_line},
                    missing=("a run in which a command reads a secret",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Tool steps that ran a command in the harness's environment and answered with a secret."""
        if not any(map(_hands_environment_on, model.of_role(ElementRole.SUBPROCESS))):
            return
        for step in run.of_kind(StepKind.TOOL_CALL):
            found = [words for part in step.output for words in secrets_of(run, part)]
            if not found or any(secrets_of(run, part) for part in step.input):
                continue
            call = next((call for call in processes_of(model, step) if _hands_environment_on(call)), None)
            if call is None:
                continue
            yield Finding(
                message=f"{step.name} ({step.id}) answered with {found[0]}: the command ran with the harness's own "
                f"environment, passed on at {call.anchor.place}.",
                anchors=one_of_each([as_anchor(call, "passes the whole environment on"), *nearest_anchors(run, step)]),
                responsible_step=step.id,
                symptom_step=step.id,
                path=(step.id,),
                confidence=0.75,
                severity=Severity.ERROR,
                evidence=Evidence.DERIVED,
                parameters={"call": call.value("call"), "line": call.anchor.start_line},
            )
            return


def _hands_environment_on(call: Element) -> bool:
    return bool(call.fact("full-environ") or call.fact("inherits-environ"))
