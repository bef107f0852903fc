"""V106: a reply that had to have a form did not have it, and was used."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import episodes
from harnessfix.rules._own import is_model_step, nearest_own, own_function
from harnessfix.rules._query import ancestors, as_anchor, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity, Status, StepKind

MAX_CHARS = 200_000
_NAMES = ("response_format", "response_schema", "output_schema", "json_schema", "schema", "text_format", "format")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}

_AGENT = '''\
import json

REVIEW = {
    "type": "object",
    "properties": {"verdict": {"type": "string"}, "score": {"type": "integer"}},
    "required": ["verdict", "score"],
}


class Agent:
    """Asks for a review in a fixed form."""

    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            reply = self.model.query(messages, schema=REVIEW)
            messages.append(reply)
            review = json.loads(reply["content"])
            if review.get("verdict"):
                return f"{review.get('verdict')}: {review.get('score')}"
        return None
'''
_CHECKED = """\
            missing = [name for name in REVIEW["required"] if name not in review]
            if not missing:
                return f"{review.get('verdict')}: {review.get('score')}"
            messages.append({"role": "user", "content": f"These fields are missing: {missing}"})
"""
_MAIN = """\
import json

from agent import Agent
from model import Model, say


class Structured(Model):
    def query(self, messages, schema=None):
        return self.replies.pop(0)


half, whole = json.dumps({"verdict": "good"}), json.dumps({"verdict": "good", "score": 7})
print(Agent(Structured(say(half), say(whole))).run("Review it."))
"""


@dataclass(frozen=True)
class _Departure:
    """A reply, and how it departs from the schema that was asked for."""

    step: TraceStep
    what: str


class UnvalidatedStructuredOutput(Rule):
    code = "V106"
    name = "unvalidated-structured-output"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = "A reply does not match the schema it was asked for, and was used as if it did."
    why = (
        "A schema in the request is a wish: models leave out fields, and providers without strict mode let them. "
        "The missing field becomes `None` or a default far from here, in a result, a file or a score."
    )
    fix = "Validate the reply against the schema where it is parsed; tell the model what is missing, or fail with that."
    references = (
        "https://json-schema.org/understanding-json-schema/reference/object#required",
        "https://docs.pydantic.dev/latest/concepts/models/#validating-data",
    )
    by_hand = (
        "Whether a reply that lacks a field is asked for again, completed or given up is a contract with whoever uses "
        "the result."
    )
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            '            if review.get("verdict"):\n'
            "                return f\"{review.get('verdict')}: {review.get('score')}\"\n",
            _CHECKED,
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Last replies of episodes that ended well, that depart from the schema in their request."""
        for episode in episodes(run):
            inside = reversed(run.descendants(episode.id)) if episode.status is Status.OK else ()
            last = next((s for s in inside if is_model_step(s) and s.status is Status.OK), None)
            departure = _departure(run, last) if last is not None else None
            if departure is None or _was_checked(run, departure.step):
                continue
            step = departure.step
            outer = next((s for s in ancestors(run, step) if s.kind is not StepKind.MODEL_CALL), episode)
            function = own_function(model, outer)
            anchors = [as_anchor(function, "uses the reply unchecked")] if function is not None else []
            yield Finding(
                f"The reply of {step.id} does not have the form that was asked for ({departure.what}); nothing "
                f"noticed, and {episode.name} ({episode.id}) ended well.",
                one_of_each([*anchors, *nearest_own(run, step)]),
                responsible_step=step.id,
                symptom_step=episode.id,
                path=[step.id, episode.id],
                confidence=0.8,
                evidence=Evidence.DERIVED,
                quotes=[(f"{step.id} output", quote(run.output_text(step)))],
                parameters={"problem": departure.what},
                key="schema",
            )


def _departure(run: Htir, step: TraceStep) -> _Departure | None:
    schema = next(_schemas(step.attributes.get("arguments")), None)
    text = next((run.text(p) for p in step.output if p.kind == "text" and run.text(p).strip()), "").strip()
    if schema is None or not text or len(text) > MAX_CHARS:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _Departure(step, "it is not JSON")
    what = _wrong(value, schema)
    return _Departure(step, what) if what else None


def _schemas(arguments: object, depth: int = 3) -> Iterator[dict[str, object]]:
    """Object schemas that a request carries under one of the usual names."""
    if not isinstance(arguments, dict) or depth == 0:
        return
    for name in _NAMES:
        value = arguments.get(name)
        if isinstance(value, dict) and isinstance(value.get("properties"), dict):
            yield value
        elif isinstance(value, dict):
            yield from _schemas(value, depth - 1)


def _wrong(value: object, schema: dict[str, object]) -> str:
    """The first departure of a value from an object schema: a required field, or the type of a plain one."""
    if not isinstance(value, dict):
        return "it is no object"
    required = schema.get("required")
    missing = (
        [name for name in required if isinstance(name, str) and name not in value] if isinstance(required, list) else []
    )
    if missing:
        return f"without {', '.join(map(repr, missing[:4]))}"
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        kind = inner.get("type") if isinstance(inner, dict) else None
        expected = _TYPES.get(kind) if isinstance(kind, str) else None
        if expected is not None and name in value and value[name] is not None and not isinstance(value[name], expected):
            return f"{name!r} is no {kind}"
    return ""


def _was_checked(run: Htir, step: TraceStep) -> bool:
    """Whether an error or a failed check came after the reply: then somebody noticed."""
    later = run.steps[run.place(step.id) + 1 :]
    return any(s.kind is StepKind.ERROR or (s.kind is StepKind.VERIFY and s.status is Status.ERROR) for s in later)
