"""C121: a provider refused the request for a field that the harness put into it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from harnessfix.rules._errors import escaped_to, same_error
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._fields import Refused, Speaker, Speakers, refused_fields
from harnessfix.rules._own import nearest_own, tool_call_around
from harnessfix.rules._query import as_anchor, one_of_each, quote, requests
from harnessfix.rules._strays import refused_stray
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Layer, Outcome, Property, Route, Severity, Status

MOST_FIELDS = 3
MOST_REFUSALS = 3
MOST_CHARS = 160
TOOLS = frozenset({"tools", "tool", "functions", "function", "function_declarations", "input_schema", "tool_choice"})

_AGENT = '''\
class BadRequestError(Exception):
    """What the provider's client raises."""


def complete(**request):
    """Stands in for a provider whose model takes no `stop`."""
    if "stop" in request:
        raise BadRequestError("Error code: 400 - {'error': {'message': 'stop: not supported with this model'}}")
    return {"role": "assistant", "content": "DONE 7"}


class Model:
    def __init__(self, name):
        self.name = name

    def options(self):
        return {"model": self.name, "stop": ["Observation:"]}

    def query(self, messages):
        return complete(messages=messages, **self.options())


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        return self.model.query([{"role": "user", "content": task}])["content"]
'''
_MAIN = """\
from agent import Agent, Model

print(Agent(Model("thinker")).run("How many days?"))
"""


class RefusedField(Rule):
    code = "C121"
    name = "refused-field"
    keeps = Property.EFFECT
    severity = Severity.ERROR
    summary = "The provider refused the request for a field that the harness put into it."
    why = (
        "Providers and models differ in what they take: a parameter that one needs another refuses, a schema keyword "
        "that one ignores ends the run with the other. The answer names the field; the code that decides on it is "
        "seldom where the exception is seen, since most harnesses put requests together in many places."
    )
    fix = "Leave the field out, or give it the form that the answer asks for, where this model or provider is asked."
    by_hand = "What this provider takes instead is in its documentation, not in the code."
    references = (
        "https://github.com/huggingface/smolagents/pull/1662",
        "https://platform.openai.com/docs/guides/error-codes/api-errors",
    )
    options = {"share": 0.02, "most": 3}
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = replace(edited(bad, "agent.py", (', "stop": ["Observation:"]}', "}")), exit_code=0)

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Refusals that ended the run, with the functions that speak of the field that was refused."""
        told: set[str] = set()
        for step in run.steps[_after_answers(run) :]:
            refused = refused_fields(step.error)
            if refused is None or refused.words in told or tool_call_around(run, step) or not _ended(run, step):
                continue
            if _is_of_stray(run, step):
                continue
            told.add(refused.words)
            speakers = Speakers(run, model, refused.fields, self.option("share"))
            found = list(islice(speakers, int(self.option("most"))))
            if found:
                yield _finding(run, step, refused, found)
            if len(told) == MOST_REFUSALS:
                return


def _is_of_stray(run: Htir, step: TraceStep) -> bool:
    """Whether a result without its call is what was refused: C112 speaks of it."""
    stray = refused_stray(run)
    return stray is not None and same_error(step.error, stray.error)


def _after_answers(run: Htir) -> int:
    """Where the steps begin that no answered request comes after: what was refused before was mended by asking anew."""
    answered = (run.place(step.id) for step in requests(run) if step.status is Status.OK and step.output)
    return max(answered, default=-1) + 1


def _ended(run: Htir, step: TraceStep) -> bool:
    """Whether it ended the run, as far as is known: many harnesses ask again without the field."""
    return run.run.outcome is Outcome.FAILED or (
        run.run.outcome is Outcome.UNKNOWN and escaped_to(run, step) is not None
    )


def _finding(run: Htir, step: TraceStep, refused: Refused, found: Sequence[Speaker]) -> Finding:
    first, *others = found
    fields = " and ".join(f"`{field}`" for field in first.fields[:MOST_FIELDS])
    then = f"; then look at {', '.join(f'`{one.function.anchor.qualname}`' for one in others)}" if others else ""
    anchors = [as_anchor(one.function, "speaks of what was refused", Route.PROBE) for one in found]
    return Finding(
        f"The provider refused the request of {step.name} ({step.id}): {quote(refused.words, MOST_CHARS)!r}. Of what "
        f"ran, `{first.function.anchor.qualname}` has most to do with {fields}{then}.",
        one_of_each([*anchors, *nearest_own(run, step)]),
        responsible_step=step.id,
        symptom_step=step.id,
        path=[step.id],
        confidence=0.75,
        evidence=Evidence.HEURISTIC,
        layer=Layer.TOOL_INTERFACE if TOOLS.intersection(refused.fields) else Layer.CONTEXT,
        key=first.fields[0],
    )
