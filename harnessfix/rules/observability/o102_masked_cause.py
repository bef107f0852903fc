"""O102: the error that comes out does not say what went wrong inside."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from harnessfix.rules._errors import chain, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors, own_function
from harnessfix.rules._query import ancestors, as_anchor, element_at, one_of_each, quote
from harnessfix.rules._signals import carries, error_of, is_same, is_signal
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

_AGENT = '''\
from tenacity import retry, stop_after_attempt, wait_none


class ServerError(Exception):
    """What the provider's client raises."""


class RemoteModel:
    """Stands in for a provider whose server is down."""

    def query(self, messages):
        return self._query(messages)

    @retry(stop=stop_after_attempt(3), wait=wait_none())
    def _query(self, messages):
        raise ServerError("503: the model 'small' is not loaded")


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            try:
                reply = self.model.query(messages)
            except Exception as error:
                return f"failed: {error}"
            messages.append(reply)
        return reply["content"]
'''
_MAIN = """\
from agent import Agent, RemoteModel

print(Agent(RemoteModel()).run("Say hello."))
"""


class MaskedCause(Rule):
    code = "O102"
    name = "masked-cause"
    keeps = Property.HONESTY
    severity = Severity.ERROR
    summary = "The error that leaves the harness hides the one that caused it."
    why = (
        'Whoever reads the log, the trajectory or the exit status sees a wrapper such as `RetryError` or "all '
        'attempts failed", not the 401, the time-out or the missing model behind it. The run cannot be triaged, '
        "and code that decides by the type of the error (retry, abort, report) decides wrongly. The harness had "
        "the cause and threw it away: tenacity replaces it unless `reraise=True`; so does a new exception raised "
        "after or in an `except` clause unless it is chained or its text carries the cause's."
    )
    fix = (
        "Pass `reraise=True` to the retry decorator, or `raise ... from error` with the cause's text in the "
        "message. Where a loop retries by hand, keep the last error and chain the final exception to it."
    )
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/issues/635",
        "https://tenacity.readthedocs.io/en/latest/#error-handling",
        "https://peps.python.org/pep-3134/",
    )
    operator = "preserve-cause"
    clone = (ElementRole.RETRY, "no-reraise")
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("wait=wait_none())", "wait=wait_none(), reraise=True)"))

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Retries around a model call that end in tenacity's own error."""
        for retry in model.of_role(ElementRole.RETRY):
            function = model.function(retry.anchor.path, _decorated(retry))
            if retry.fact("no-reraise") is None or function is None or not _asks_model(model, function):
                continue
            yield Finding(
                f"When every attempt of {_decorated(retry)} fails, its callers get tenacity's RetryError and not the "
                "provider's error: the retry has no reraise=True.",
                [as_anchor(retry, "the retry that wraps the error"), function.anchor],
                confidence=0.5,
                severity=Severity.INFO,
                parameters={"form": "tenacity", "decorates": _decorated(retry)},
                key=_decorated(retry),
                missing=("a run in which all attempts fail",),
            )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Wrappers that ended a step while the error behind them was seen, and was other."""
        yield from _retry_errors(run, model)
        yield from _raised_anew(run, model)
        yield from _asserted(run, model)


def _decorated(retry: Element) -> str:
    named = retry.value("decorates")
    return named if isinstance(named, str) else retry.anchor.qualname


def _asks_model(model: HarnessModel, function: Element) -> bool:
    return bool(model.in_function(function.anchor.path, function.anchor.qualname, ElementRole.MODEL_CALL))


# --- tenacity -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Wrapped:
    """A step that ended with a RetryError, the failed attempts inside it, and the error behind them."""

    step: TraceStep
    wrapper: ErrorInfo
    attempts: list[TraceStep]
    cause: ErrorInfo


def _retry_errors(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    seen: set[str] = set()
    for step in run.steps:
        if step.kind is StepKind.ERROR or step.error is None or short_type(step.error) != "RetryError":
            continue
        attempts = _attempts(run, step)
        cause = attempts[-1].error if attempts else _behind(step.error)
        if cause is None or carries(step.error, cause):
            continue
        retry = _retry_of(model, _between(run, step, attempts))
        place = retry.id if retry is not None else (attempts or [step])[-1].name
        if place not in seen:  # the wrapper passes through several steps on its way out
            seen.add(place)
            yield _retry_finding(_Wrapped(step, step.error, attempts, cause), retry)


def _attempts(run: Htir, step: TraceStep) -> list[TraceStep]:
    """The calls below `step`, all of one function, that failed with something else than the wrapper."""
    failed = [
        below
        for below in run.descendants(step.id)
        if below.kind is not StepKind.ERROR and below.error is not None and short_type(below.error) != "RetryError"
    ]
    place = own_anchors(failed[-1])[:1] if failed else ()
    return [below for below in failed if own_anchors(below)[:1] == place]


def _between(run: Htir, step: TraceStep, attempts: list[TraceStep]) -> list[TraceStep]:
    """The step, the last attempt inside it, and what lies between them."""
    found = list(attempts[-1:])
    for outer in ancestors(run, attempts[-1]) if attempts else ():
        if outer is step:
            break
        found.append(outer)
    return [*found, step]


def _behind(error: ErrorInfo) -> ErrorInfo | None:
    return next((link for link in chain(error) if short_type(link) != "RetryError"), None)


def _retry_of(model: HarnessModel, steps: list[TraceStep]) -> Element | None:
    """The retry of tenacity that decorates one of the functions that these steps ran."""
    ran = [function.anchor for step in steps if (function := own_function(model, step)) is not None]
    for retry in model.of_role(ElementRole.RETRY):
        if retry.value("library") == "tenacity" and any(
            retry.anchor.path == anchor.path and _decorated(retry) == anchor.qualname for anchor in ran
        ):
            return retry
    return None


def _retry_finding(seen: _Wrapped, retry: Element | None) -> Finding:
    last = seen.attempts[-1] if seen.attempts else seen.step
    anchors: list[Anchor] = [as_anchor(retry, "the retry that wraps the error")] if retry is not None else []
    cause = short_type(seen.cause)
    count = f"{len(seen.attempts)} attempts" if len(seen.attempts) > 1 else "The only attempt"
    tried = f"{count} failed with {cause} (last {last.id})" if seen.attempts else f"{cause} was raised"
    return Finding(
        f"{tried}, but {seen.step.name} ({seen.step.id}) ended with a RetryError whose text does not say so.",
        one_of_each([*anchors, *own_anchors(last)[:1], *own_anchors(seen.step)[:1]]),
        responsible_step=last.id,
        symptom_step=seen.step.id,
        path=list(dict.fromkeys([last.id, seen.step.id])),
        confidence=0.95 if retry is not None else 0.7,
        evidence=Evidence.OBSERVED if seen.attempts else Evidence.DERIVED,
        quotes=[
            (f"{last.id} error", quote(seen.cause.message)),
            (f"{seen.step.id} error", quote(seen.wrapper.message)),
        ],
        parameters={"form": "tenacity", "decorates": _decorated(retry)} if retry is not None else {},
        key=_decorated(retry) if retry is not None else "",
        missing=() if retry is not None else ("the source of the retry",),
    )


# --- raised anew ----------------------------------------------------------------------------------------------------


@dataclass
class _Caught:
    """What one call of a function has caught so far."""

    steps: list[TraceStep] = field(default_factory=list)

    def before(self, run: Htir, new: TraceStep) -> list[TraceStep]:
        """The entries into the clause that was entered last, unless it told of the very error that is raised now."""
        if not self.steps or is_same(new.error, error_of(run, self.steps[-1])):
            return []
        clause = self.steps[-1].anchors[:1]
        return [step for step in self.steps if step.anchors[:1] == clause]


def _raised_anew(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    """Exceptions raised without a cause in the very call of the function that had just caught another one."""
    calls: dict[tuple[str | None, str, str], _Caught] = {}
    for step in run.of_kind(StepKind.ERROR):
        error = error_of(run, step)
        if not step.anchors or error is None or is_signal(error):
            continue
        call = calls.setdefault((step.parent, step.anchors[0].path, step.anchors[0].qualname), _Caught())
        if step.name.startswith("except"):
            call.steps.append(step)
        elif earlier := call.before(run, step):
            if not _is_call_of(run, step):  # calls that are no steps of their own are not told apart
                earlier = earlier[-1:]
            finding = _anew(model, step, earlier, error_of(run, earlier[-1]))
            if finding is not None:
                yield finding


def _is_call_of(run: Htir, error: TraceStep) -> bool:
    """Whether the step that an exception was raised in is a call of the function that raised it."""
    own = run.step(error.parent).anchors[:1] if error.parent is not None else ()
    return any(f"{error.anchors[0].symbol}.".startswith(f"{anchor.symbol}.") for anchor in own)


def _anew(model: HarnessModel, new: TraceStep, earlier: list[TraceStep], cause: ErrorInfo | None) -> Finding | None:
    old = earlier[-1]
    statement = element_at(model, new.anchors[0], ElementRole.RAISE)
    handler = element_at(model, old.anchors[0], ElementRole.HANDLER)
    if statement is None or handler is None or new.error is None or cause is None or carries(new.error, cause):
        return None
    chained = statement.value("from")
    inside = handler.anchor.start_line <= statement.anchor.start_line <= handler.anchor.end_line
    if chained is not None and chained != "None":
        return None
    if inside and chained is None and handler.fact("broad") is None and len(earlier) < 2:
        return None  # a narrow clause that translates what it knows, once; Python keeps the context
    if inside and not cause.message.strip() and handler.fact("uses-exception") is not None:
        return None  # it passed on all there was to pass on
    if not inside and len(earlier) < 2:
        return None  # the clause and the new error may have nothing to do with each other
    times = f"{len(earlier)} times, last at" if len(earlier) > 1 else "at"
    return Finding(
        f"{short_type(cause)} was caught {times} {old.id}; then {new.id} raised a new {short_type(new.error)} that "
        "neither names it nor is chained to it.",
        one_of_each([as_anchor(statement, "raises without the cause"), as_anchor(handler, "has the cause in hand")]),
        responsible_step=old.id,
        symptom_step=new.id,
        path=[old.id, new.id],
        confidence=0.75 if inside and chained is None else 0.9,
        quotes=[(f"{old.id} error", quote(cause.message)), (f"{new.id} error", quote(new.error.message))],
        parameters={"form": "raise", "cause-line": handler.anchor.start_line},
        key=f"raise {short_type(new.error)}",
    )


# --- asserted -------------------------------------------------------------------------------------------------------


def _asserted(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    """Assertions of the harness that fail right after a failure that had passed through their file, and hide it."""
    before: dict[str | None, tuple[TraceStep, list[Anchor]]] = {}
    for step in run.steps:
        if step.kind is not StepKind.ERROR:
            before[step.parent] = step, list(own_anchors(step)[:1])
            continue
        failed, places = before.get(step.parent, (step, []))
        if step.name.startswith("except"):
            places += own_anchors(step)[:1]
            continue
        error, function = error_of(run, step), own_function(model, step)
        if error is None or short_type(error) != "AssertionError" or function is None or failed is step:
            continue
        at = [place for place in places if place.path == function.anchor.path]
        if not at or failed.error is None or is_signal(failed.error) or carries(error, failed.error):
            continue
        yield Finding(
            f"{failed.name} ({failed.id}) failed with {short_type(failed.error)}; what was asked for next is an "
            f"AssertionError ({step.id}) that does not name it.",
            one_of_each([as_anchor(function, "asserts what a failure before it made untrue"), *at[:1]]),
            responsible_step=step.id,
            symptom_step=step.id,
            path=[failed.id, step.id],
            confidence=0.7,
            quotes=[(f"{failed.id} error", quote(failed.error.message)), (f"{step.id} error", quote(error.message))],
            operator="",
            key="assert",
        )
