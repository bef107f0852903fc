"""L144: of two functions that do the same work one keeps what the other hands on."""

from collections.abc import Mapping

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def _prepare(self, task, **options):
        return {"messages": [{"role": "user", "content": task}], **options}

    def run(self, task, **options):
        return self.model.query(self._prepare(task))

    def run_stream(self, task, **options):
        yield from self.model.stream(self._prepare(task, **options))
"""


class NotHandedOn(HazardRule):
    code = "L144"
    name = "not-handed-on"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "Of two functions that do the same work one keeps what the other hands on: a parameter, or a setting."
    why = (
        "`run` and `run_stream`, `invoke` and `ainvoke` are copies that drift apart: a setting is added to one and "
        "forgotten in the other. Who sets it there is not told that it has no effect: streamed, a model is asked at "
        "another address; awaited, an agent runs without its guardrail."
    )
    fix = "Hand it on in both; better, let both make their arguments in one place."
    references = (
        "https://github.com/microsoft/agent-framework/pull/3150",
        "https://github.com/huggingface/smolagents/pull/1344",
        "https://doi.org/10.1109/ICSE.2009.5070547",
    )
    operator = "hand-on"
    hazard = "not-handed-on"
    confidence = 0.6
    reason = "is not given what its twin gives"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad, "agent.py", ("self.model.query(self._prepare(task))", "self.model.query(self._prepare(task, **options))")
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('calls')}` is called without `{element.value('parameter')}` here; "
            f"`{element.value('twin')}`, which does the same work, hands it on (line {element.value('has-at')})."
        )

    def told_apart(self, element: Element, number: int) -> str:
        return f"{element.value('calls')} {element.value('keyword')}"

    def parameters(self, element: Element) -> Mapping[str, JsonValue]:
        return {name: element.value(name) for name in ("calls", "parameter", "keyword")}
