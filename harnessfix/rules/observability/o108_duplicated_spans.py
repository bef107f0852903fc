"""O108: two instrumentors record the same model call, so that it is in the trace twice."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
from openinference.instrumentation.crewai import CrewAIInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor


def start_tracing(provider):
    CrewAIInstrumentor().instrument(tracer_provider=provider)
    OpenAIInstrumentor().instrument(tracer_provider=provider)
"""


class DuplicatedSpans(HazardRule):
    code = "O108"
    name = "duplicated-spans"
    keeps = Property.ACCOUNTING
    severity = Severity.INFO
    summary = "Two instrumentors record the same model call, so that it is in the trace twice."
    why = (
        "A framework asks the model through a client; with both instrumented, every call makes two spans. Tokens, "
        "cost and turns that are summed over spans are doubled, and an alert on them fires at half of what it says."
    )
    fix = "Keep the one whose spans say more, and leave the other out."
    by_hand = (
        "Which instrumentor says more is for whoever reads the traces to say, and it is set up outside of the harness."
    )
    references = (
        "https://opentelemetry.io/docs/specs/semconv/gen-ai/",
        "https://github.com/Arize-ai/openinference",
    )
    hazard = "double-instrumentation"
    confidence = 0.5
    reason = "records what is recorded already"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("    OpenAIInstrumentor().instrument(tracer_provider=provider)\n", ""),
        ("from openinference.instrumentation.openai import OpenAIInstrumentor\n", ""),
    )

    def words(self, element: Element) -> str:
        return (
            f"{element.value('one')} and {element.value('other')} are both instrumented: a call that goes "
            "through both makes two spans."
        )
