"""G103: a credential stands in a request."""

from collections.abc import Iterable

from harnessfix.rules import _templates as templates
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import added_messages, as_anchor, asking_anchors, nearest_anchors, one_of_each, place_among
from harnessfix.rules._secrets import secrets_of
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, LinkKind, Property, Route, Severity

_AGENT = r"""import os


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        settings = {"region": "north", "key": os.environ["EXAMPLE_API_KEY"]}
        system_prompt = f"You book rooms for the user. The booking service is set up as {settings}."
        messages = [{"role": "system", "content": system_prompt}, {"role": "user", "content": task}]
        return self.model.query(messages)["content"]
"""
_MAIN = r"""import os

from agent import Agent
from model import Model, say

os.environ["EXAMPLE_API_KEY"] = "sk-example" + "0123456789abcdefghijklmn"
print(Agent(Model(say("Booked."))).run("Book a room for tonight."))
"""


class SecretToModel(Rule):
    code = "G103"
    name = "secret-to-model"
    keeps = Property.AUTHORITY
    severity = Severity.ERROR
    summary = "A key, token or password is sent to the model."
    why = (
        "What stands in a request is stored by the provider, written to every trace of the run, and can be talked "
        "out of the model by any text that it reads. A credential there has to be changed, not deleted."
    )
    fix = "Keep credentials in the code that uses them; mask what looks like one before a text enters a request."
    references = ("https://genai.owasp.org/llmrisk/llm022025-sensitive-information-disclosure/",)
    operator = "redact"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("set up as {settings}", "set up as {settings['region']}"))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Messages new in a request that hold something of the shape of a credential, one finding per source."""
        checked: set[str] = set()
        spoken: set[str] = set()
        for request, _, parts in added_messages(run):
            for part in parts:
                if part.text in checked or part.role == "assistant":
                    continue
                checked.add(part.text)
                found = secrets_of(run, part)
                source = _origin(run, request, part) if found else None
                key = found[0] + (source.name if source is not None else part.role) if found else ""
                if found and key not in spoken:
                    spoken.add(key)
                    yield _finding(run, model, request, part, source, found[0])


def _origin(run: Htir, request: TraceStep, part: Part) -> TraceStep | None:
    place = place_among(request.input, part)
    for link in run.links_to(request.id, LinkKind.COPIED, LinkKind.TRANSFORMED, LinkKind.TRUNCATED):
        if link.target_span is not None and link.target_span.part == place and link.target_span.side == "in":
            return run.step(link.source)
    return None


def _finding(
    run: Htir, model: HarnessModel, request: TraceStep, part: Part, source: TraceStep | None, what: str
) -> Finding:
    where = f"the {part.role} message of request {request.id}"
    words = f"{what[0].upper()}{what[1:]} stands in {where}"
    if source is not None:
        words += f", from {source.name} ({source.id})"
    fit = next(templates.renderings(model, run.text(part)), None) if source is None else None
    uses = [s for s in model.of_role(ElementRole.SECRET) if s.value("goes-to") == "prompt"] if source is None else []
    anchors: list[Anchor] = [as_anchor(use, "puts it into a prompt") for use in uses]
    anchors += [as_anchor(fit.prompt, "words the message", Route.LITERAL_MATCH)] if fit is not None else []
    anchors += nearest_anchors(run, source) if source is not None else ()
    responsible = source.id if source is not None else request.id
    return Finding(
        message=words + ".",
        anchors=one_of_each([*anchors, *asking_anchors(run, request)]),
        responsible_step=responsible,
        symptom_step=request.id,
        path=tuple(dict.fromkeys((responsible, request.id))),
        key=what,
        confidence=0.85,
        evidence=Evidence.OBSERVED,
    )
