"""Whose an exception is: raised by the provider, by a tool, by the system, or by the harness's own mistake."""

import re
from collections.abc import Iterator, Sequence

from harnessfix.rules._errors import chain, raised, short_type
from harnessfix.rules._own import is_model_step
from harnessfix.rules._query import ancestors, quote
from harnessfix.rules._refusals import MAY_PASS, refusal_of
from harnessfix.rules._signals import is_same
from harnessfix_ir.attribution import Cause
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import Evidence, Layer, StepKind, Verdict

from .symptom import Symptom

MISTAKES = frozenset(
    {
        "AttributeError", "AssertionError", "IndexError", "JSONDecodeError", "KeyError", "LookupError", "NameError",
        "RecursionError", "SyntaxError", "TypeError", "UnboundLocalError", "UnicodeDecodeError", "UnicodeEncodeError",
        "ValidationError", "ValueError", "UndefinedError", "ZeroDivisionError",
    }
)  # fmt: skip
"""Raised in code of the harness, these say that it met something it was not written for."""
NETWORK = re.compile(
    r"^(?:API|HTTP)?(?:Connect(?:ion)?|Read|Write|Pool|Remote|Proxy|SSL|URL|Network|Gateway|Chunked)\w*"
    r"(?:Error|Exception|Timeout)$|^(?:timeout|gaierror|BrokenPipeError|IncompleteRead|RemoteDisconnected)$"
)
BUSY = re.compile(
    r"^(?:RateLimit|InternalServer|ServiceUnavailable|Overloaded|BadGateway|Timeout|APITimeout|Throttling)\w*"
    r"(?:Error|Exception)?$"
)
ACCOUNT = re.compile(
    r"authentication|permission|unauthori[sz]ed|unauthenticated|forbidden|access_?denied|api_?key|quota|billing|credit|account",
    re.IGNORECASE,
)
_LEADING = re.compile(r"\s*([45]\d\d)\b")
_ANSWER = re.compile(r"http|status|api", re.IGNORECASE)
OVERFLOW = re.compile(
    r"context[_ ]length|maximum context|context window|prompt is too long|input is too long|too many (?:input )?tokens",
    re.IGNORECASE,
)
SYSTEM = re.compile(r"no space left|cannot allocate memory|too many open files|read-only file system", re.IGNORECASE)
_LAYERS = {
    StepKind.TOOL_CALL: Layer.TOOL_INTERFACE,
    StepKind.PARSE: Layer.TOOL_INTERFACE,
    StepKind.RETRIEVAL: Layer.TOOL_INTERFACE,
    StepKind.CONTEXT_BUILD: Layer.CONTEXT,
    StepKind.MEMORY: Layer.CONTEXT,
    StepKind.GUARD: Layer.GOVERNANCE,
    StepKind.VERIFY: Layer.VERIFICATION,
    StepKind.SUBMIT: Layer.VERIFICATION,
}
STOPPED = frozenset({"KeyboardInterrupt", "CancelledError", "SystemExit"})
WORLD = frozenset(
    {
        "FileNotFoundError",
        "PermissionError",
        "TimeoutExpired",
        "TimeoutError",
        "OSError",
        "ConnectionError",
        "IsADirectoryError",
    }
)


def from_exception(run: Htir, symptom: Symptom) -> Iterator[Cause]:
    """Causes that the exception which ended a run speaks for, its own cause before itself."""
    step = symptom.origin
    if step is None or step.error is None:
        return
    for error in reversed(list(chain(step.error))):
        at = step if error is step.error else _raised_as(run, error) or step
        cause = _judge(run, at, error)
        if cause is not None:
            yield cause
            return
    yield Cause(
        verdict=Verdict.UNKNOWN,
        reason=f"{short_type(step.error)} was raised in {step.id}, and what brought it about is not recorded",
        weight=0.3,
        evidence=Evidence.OBSERVED,
        step=step.id,
    )


def _raised_as(run: Htir, error: ErrorInfo) -> TraceStep | None:
    return next((step for step in raised(run, short_type(error)) if is_same(step.error, error)), None)


def _judge(run: Htir, step: TraceStep, error: ErrorInfo) -> Cause | None:
    name, where = short_type(error), step.id
    around = [step, *ancestors(run, step)]
    asked = next((s for s in around if is_model_step(s) or s.kind is StepKind.TOOL_CALL), None)
    in_model = asked is not None and is_model_step(asked)
    tool = next((s for s in around if s.kind is StepKind.TOOL_CALL), None)

    def say(verdict: Verdict, weight: float, words: str) -> Cause:
        said = f"{words} ({where}: {name}: {quote(error.message, 100)!r})"
        layer = _layer(around, in_model) if verdict is Verdict.HARNESS else None
        return Cause(verdict=verdict, reason=said, weight=weight, evidence=Evidence.OBSERVED, step=where, layer=layer)

    if name in STOPPED:
        return say(Verdict.ENVIRONMENT, 0.7, "the run was stopped from outside")
    if name == "MemoryError" or SYSTEM.search(error.message):
        return say(Verdict.ENVIRONMENT, 0.8, "the machine ran out of something")
    if in_model or tool is None:
        provider = _provider(error, name, in_model)
        if provider is not None:
            return say(*provider)
    if tool is not None:
        words = f"an error inside the tool {tool.name} ({tool.id}) was contained by nothing and ended the run"
        return say(Verdict.HARNESS, 0.5 if name in WORLD else 0.6, words)
    if name in ("ImportError", "ModuleNotFoundError"):
        return say(Verdict.ENVIRONMENT, 0.5, "a module is not installed where the run happened")
    if name in MISTAKES and step.anchors:
        return say(Verdict.HARNESS, 0.75, "code of the harness met a value that it was not written for")
    return None


def _layer(around: Sequence[TraceStep], in_model: bool) -> Layer:
    """The layer of the innermost step whose kind has one: what is raised in a tool's code is the tool's."""
    for step in around:
        if step.kind in _LAYERS:
            return _LAYERS[step.kind]
        if in_model and is_model_step(step):
            return Layer.CONTEXT  # a request is refused for what it holds
    return Layer.LIFECYCLE


def _provider(error: ErrorInfo, name: str, asked: bool) -> tuple[Verdict, float, str] | None:
    """What an answer of the model's provider says, None when the error is no such answer."""
    if not asked and not _ANSWER.search(name):
        return None
    said = refusal_of(error.model_copy(update={"cause": None}))
    codes = " ".join((name, *(said.codes if said is not None else ())))
    leading = _LEADING.match(error.message) if asked else None
    status = (said.status if said is not None else "") or (leading.group(1) if leading else "")
    if OVERFLOW.search(error.message[:2000]):
        return Verdict.HARNESS, 0.7, "the harness sent a request that is larger than the model takes"
    if status in ("401", "402", "403") or ACCOUNT.search(codes):
        return Verdict.ENVIRONMENT, 0.8, "the model's provider refused the credentials or the account"
    refused = said.for_good if said is not None else status.startswith("4") and status not in MAY_PASS
    if refused:
        return Verdict.HARNESS, 0.6, "the model's provider refused the request as wrong"
    if said is not None or status or BUSY.match(name):
        return Verdict.ENVIRONMENT, 0.85, "the model's provider was busy or broken"
    if NETWORK.match(name):
        return Verdict.ENVIRONMENT, 0.8, "the model's provider could not be reached"
    return None
