"""L104: what can never succeed is tried again."""

from collections.abc import Iterable, Iterator

from harnessfix.rules._attempts import Attempts, attempts, retry_around
from harnessfix.rules._errors import handlings, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors
from harnessfix.rules._query import as_anchor, one_of_each, quote
from harnessfix.rules._refusals import permanent
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity

_AGENT = '''\
import time


class AuthenticationError(Exception):
    """What the provider's client raises."""


class RemoteModel:
    """Stands in for a provider that does not know the key."""

    def complete(self, messages):
        raise AuthenticationError("Error code: 401: the API key is not valid")

    def query(self, messages):
        for attempt in range(4):
            try:
                return self.complete(messages)
            except Exception as error:
                print(f"attempt {attempt} failed: {error}")
                time.sleep(0.01 * 2**attempt)
        raise TimeoutError("the model did not answer: AuthenticationError: Error code: 401: the API key is not valid")


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        try:
            return self.model.query([{"role": "user", "content": task}])["content"]
        except (TimeoutError, AuthenticationError) as error:
            return f"no answer: {error}"
'''
_MAIN = """\
from agent import Agent, RemoteModel

print(Agent(RemoteModel()).run("Say hello."))
"""


class RetryOfPermanentError(Rule):
    code = "L104"
    name = "retry-of-permanent-error"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "A request that was refused for good is sent again, with back-off."
    why = (
        "A wrong key, a malformed request or a missing model will be refused however often it is asked. The "
        "retries cost minutes of waiting per call and hide the cause from whoever watches the run; some providers "
        "lock the key."
    )
    fix = (
        "Retry what may pass (time-outs, connection errors, 408, 409, 425, 429, 5xx) and let everything else out "
        "at once. Where a library lists types, list the transient ones rather than exclude some permanent ones."
    )
    references = (
        "https://www.rfc-editor.org/rfc/rfc9110#name-client-error-4xx",
        "https://tenacity.readthedocs.io/en/latest/#whether-to-retry",
    )
    operator = "classify-retry"
    clone = (ElementRole.RETRY, "retries-everything")
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ("            except Exception as error:", "            except ConnectionError as error:"),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Attempts at one call that failed with the same permanent error, and were made again."""
        inside = [*_inside_one_step(run, model)]
        told = {outer for _, outer in inside}
        for group in attempts(run):
            found = [error for step in group.failed if (error := permanent(step.error)) is not None]
            again = sum(step.error is not None for step in group.steps[:-1])
            retry = retry_around(run, model, group.steps[0])
            if retry is None and group.steps[0].parent in told:
                continue  # the loop that took the refusals is told
            if found and len(found) == len(group.failed) and again and (group.linked or retry is not None):
                yield _finding(group, found[-1], retry)
        yield from (finding for finding, _ in inside)


def _finding(group: Attempts, error: ErrorInfo, retry: Element | None) -> Finding:
    first, last = group.failed[0], group.failed[-1]
    began, ended = first.started_ns, last.ended_ns
    took = f" in {(ended - began) / 1e9:.1f} s" if began is not None and ended is not None else ""
    everything = retry is not None and retry.fact("retries-everything") is not None
    anchors = [as_anchor(retry, "the retry that does not tell errors apart")] if retry is not None else []
    return Finding(
        f"{first.name} was called {len(group.steps)} times{took} ({first.id} to {last.id}) with the same input and was "
        f"refused each time with {short_type(error)}, which no retry can cure.",
        one_of_each([*anchors, *own_anchors(first)[:1]]),
        responsible_step=group.steps[1].id,
        symptom_step=last.id,
        path=[step.id for step in group.steps],
        confidence=0.9 if everything else 0.75,
        evidence=Evidence.OBSERVED if group.linked else Evidence.DERIVED,
        quotes=[(f"{last.id} error", quote(error.message))],
        parameters={"permanent": [short_type(error)], "seen": len(group.steps)},
        key="permanent",
    )


def _inside_one_step(run: Htir, model: HarnessModel) -> Iterator[tuple[Finding, str]]:
    """Retrying loops in one step that took one refusal for good after the other, and the step."""
    taken: dict[tuple[str, str, int], list[tuple[TraceStep, ErrorInfo]]] = {}
    for origin, clause in handlings(run):
        error = permanent(origin.error)
        if error is not None and clause.parent is not None and clause.anchors:
            place = clause.anchors[0]
            taken.setdefault((clause.parent, place.path, place.start_line), []).append((clause, error))
    for (parent, path, line), refusals in taken.items():
        retry = next((e for e in model.at(path, line) if e.role is ElementRole.RETRY), None)
        if len(refusals) < 2 or retry is None or len({(e.type, e.message) for _, e in refusals}) > 1:
            continue
        outer, (first, error), last = run.step(parent), refusals[0], refusals[-1][0]
        finding = Finding(
            f"{outer.name} ({outer.id}) was refused {len(refusals)} times ({first.id} to {last.id}) with the same "
            f"{short_type(error)}, which no retry can cure, and tried again.",
            one_of_each([as_anchor(retry, "the retry that does not tell errors apart"), *own_anchors(outer)[:1]]),
            responsible_step=first.id,
            symptom_step=outer.id,
            path=[*(clause.id for clause, _ in refusals[:10]), outer.id],
            confidence=0.85,
            quotes=[(f"{first.id} error", quote(error.message))],
            parameters={"permanent": [short_type(error)], "seen": len(refusals)},
            key="permanent",
        )
        yield finding, parent
