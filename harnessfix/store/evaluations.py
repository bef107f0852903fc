"""Labels that a trace brings along: evaluation events, as OpenTelemetry's GenAI conventions name them.

An evaluation of the whole run (an event of a step that no other step encloses) says how the run ended. One of a single
answer somewhere inside does not; it stays with its step.
"""

from collections.abc import Iterator
from math import isfinite

from harnessfix_ir.document import JsonValue
from harnessfix_ir.recording import Recording
from harnessfix_ir.vocabulary import Outcome

from .documents import Label
from .plaintext import column

EVENT = "gen_ai.evaluation.result"
PASSED = frozenset(("pass", "passed", "correct", "success", "successful", "true", "yes", "resolved", "solved"))
FAILED = frozenset(
    ("fail", "failed", "incorrect", "failure", "unsuccessful", "false", "no", "unresolved", "unsolved", "wrong")
)
SAYS_BY = "evaluation"


def labels_in(recording: Recording, now_ns: int) -> Iterator[Label]:
    """What the trace's own evaluations say of the run as a whole.

    Args:
        now_ns: time of an evaluation that has none.
    """
    for step in recording.steps:
        if step.parent is not None:
            continue
        for event in step.events:
            if event.name != EVENT:
                continue
            said = {name: event.attributes.get(f"gen_ai.evaluation.{name}") for name in ("name", "explanation")}
            outcome = _outcome(event.attributes.get("gen_ai.evaluation.score.label"))
            score = _number(event.attributes.get("gen_ai.evaluation.score.value"))
            if outcome is not Outcome.UNKNOWN or score is not None:
                reason = column(": ".join(str(text) for text in said.values() if text), 10_000)
                yield Label(outcome=outcome, by=SAYS_BY, score=score, reason=reason, created_ns=event.time_ns or now_ns)


def _outcome(label: JsonValue) -> Outcome:
    word = str(label).strip().casefold()
    return Outcome.PASSED if word in PASSED else Outcome.FAILED if word in FAILED else Outcome.UNKNOWN


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value) if abs(value) < 1e308 else float("inf")
    return number if isfinite(number) else None
