"""O115: a span that is ended by hand looks the same after a failure as after success."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules._way import Way
from harnessfix.rules.base import Example
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def run(agent, task, tracer):
    span = tracer.start_span("agent")
    try:
        return agent.run(task)
    except Exception as error:
        agent.give_up(error)
        raise
    finally:
        span.end()
"""


class UnmarkedSpan(HazardRule):
    code = "O115"
    name = "unmarked-span"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "A span is ended by hand on the way out of a failure, and is not told of it."
    why = (
        "Used as a context manager, a span records the exception that leaves it. Started and ended by hand it knows "
        "nothing: the failed run is in the trace as one that went well, and nobody who filters by status finds it."
    )
    fix = (
        "Record the exception and set the status of the span in an `except` clause before it is ended, or use the "
        "span in a `with` statement."
    )
    by_hand = (
        "How a span is told of a failure depends on the tracing library, and which failures count is for its author."
    )
    references = (
        "https://github.com/openai/openai-agents-python/pull/4191",
        "https://opentelemetry.io/docs/languages/python/instrumentation/#set-span-status",
    )
    hazard = "unmarked-span"
    yields_to = ("O104",)
    confidence = 0.65
    reason = "ends the span without telling it of the failure"
    on_failure = True
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("        agent.give_up(error)\n", "        span.record_exception(error)\n        agent.give_up(error)\n"),
    )

    def met(self, way: Way, anchor: Anchor) -> bool:
        """Where a failure passed, and the program looks at spans: to everybody else it does nothing."""
        return super().met(way, anchor) and way.speaks_of("span", "spans", "exporter")

    def words(self, element: Element) -> str:
        span = element.value("span")
        return f"`{span}` is ended here after an exception, too, and no clause tells it of one: it reads as a success."
