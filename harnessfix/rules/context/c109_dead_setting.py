"""C109: a setting that nothing reads."""

from collections.abc import Iterable

from harnessfix.rules._query import as_anchor, names
from harnessfix.rules.base import Example, Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity

_AGENT = r"""from dataclasses import dataclass, fields
from pathlib import Path

import yaml


@dataclass
class AgentConfig:
    step_limit: int = 10
    observation_limit: int = 10000


def load_config(path=Path(__file__).with_name("config.yaml")):
    raw = yaml.safe_load(path.read_text())
    known = {field.name for field in fields(AgentConfig)}
    return AgentConfig(**{key: value for key, value in raw.items() if key in known})


class Agent:
    def __init__(self, model):
        self.model = model
        self.config = load_config()

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(self.config.step_limit):
            reply = self.model.query(messages)
            messages.append(reply)
        return messages[-1]["content"][: self.config.observation_limit]
"""
_CONFIG = "step_limits: 50  # turns of the model\nobservation_limit: 2000\n"


class DeadSetting(Rule):
    code = "C109"
    name = "dead-setting"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A key of a configuration file that no class declares and no code reads."
    why = (
        "Whoever set it believes that it holds: a limit, a template, a model name. Loaders that ignore unknown "
        "keys keep quiet about a misspelt or renamed one, and the default is in force."
    )
    fix = "Rename the key to the field that exists, declare it, or remove it; let the loader refuse unknown keys."
    references = (
        "https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.extra",
        "https://arxiv.org/abs/2606.06324",
    )
    operator = "revive-setting"
    bad = Example(files={"agent.py": _AGENT, "config.yaml": _CONFIG})
    good = Example(files={"agent.py": _AGENT, "config.yaml": _CONFIG.replace("step_limits", "step_limit")})

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Keys that the harness model says are dead."""
        for key in model.of_role(ElementRole.CONFIG_KEY):
            if not key.fact("dead"):
                continue
            near = _near(key)
            words = f"`{key.anchor.qualname}` in {key.anchor.path} is declared by no class and read by no code"
            if near:
                words += f"; {near[0]} is a field that exists, and keeps its default"
            anchors: list[Anchor] = [as_anchor(key, "is read by nobody")]
            yield Finding(
                message=words + ".",
                anchors=anchors,
                confidence=0.9 if near else 0.6,
                evidence=Evidence.DERIVED,
                parameters=_parameters(key, near),
                severity=Severity.WARNING if near else Severity.INFO,
            )


def _near(key: Element) -> list[str]:
    return names(key.value("near"))


def _parameters(key: Element, near: list[str]) -> dict[str, JsonValue]:
    parameters: dict[str, JsonValue] = {"key": key.anchor.qualname}
    if near:
        parameters["field"] = near[0].rpartition(".")[2]
    return parameters
