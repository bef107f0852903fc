"""preserve-cause: the error that leaves carries the one that caused it."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.calls import add_keyword, argument, is_true
from harnessfix_repairs.editing.handlers import caught_name, caught_types
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile, chain
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, Refusal

_RETRYING = ("retry", "Retrying", "AsyncRetrying")

_TENACITY = """\
from tenacity import retry, stop_after_attempt, wait_exponential


class Client:
    @retry(
        stop=stop_after_attempt(4),  # one request and three more
        wait=wait_exponential(max=30),
    )
    def ask(self, messages):
        return self.api.complete(messages)
"""
_RAISE = """\
def load(path):
    try:
        return read(path)
    except OSError:
        # the caller knows only this type
        raise SettingsError(f"cannot read {path}")
"""
_LOOP = """\
def ask(api, messages, attempts=3):
    for _ in range(attempts):
        try:
            return api.complete(messages)
        except ConnectionError as problem:
            log(problem)
    raise ModelUnavailable("no answer")
"""


class PreserveCause(PythonOperator):
    """Adds `reraise=True` to tenacity's decorators and `from error` to exceptions raised anew.

    Anchor: a retry decorator or call, a `raise`, an `except` clause, or the function that holds them.

    Parameters:
        form: `tenacity` or `raise`, when only that shall be edited; both by default.
        cause-line: line of the `except` clause that has the cause, for a `raise` that stands outside every clause; by
            default the only clause of the loop that ends before the `raise`.
    """

    name = "preserve-cause"
    summary = "Chain the error that leaves to the one that caused it."
    safety = Safety.SAFE
    fix_safety = (
        "`raise … from error` only adds `__cause__`; type and text of the exception stay. `reraise=True` makes "
        "callers see the last attempt's own exception where they saw tenacity's RetryError: a file that catches "
        "RetryError itself is refused, but a handler for it in another file would no longer be entered. Look for "
        "one."
    )
    examples = (
        EditExample(
            _TENACITY,
            _TENACITY.replace("max=30),\n", "max=30),\n        reraise=True,\n"),
            qualname="Client.ask",
            line=5,
            end_line=8,
        ),
        EditExample(
            _RAISE,
            _RAISE.replace("OSError:", "OSError as error:").replace('{path}")', '{path}") from error'),
            qualname="load",
            line=6,
        ),
        EditExample(
            _LOOP,
            """\
def ask(api, messages, attempts=3):
    cause = None
    for _ in range(attempts):
        try:
            return api.complete(messages)
        except ConnectionError as problem:
            cause = problem
            log(problem)
    raise ModelUnavailable("no answer") from cause
""",
            qualname="ask",
            line=7,
            parameters={"cause-line": 5},
        ),
        EditExample(_RAISE.replace("        raise", "        return None  # not raise"), "", qualname="load", line=6),
        EditExample(
            _TENACITY
            + "\n\ndef safe(client):\n    try:\n        client.ask([])\n    except RetryError:\n        pass\n",
            "",
            qualname="Client.ask",
            line=5,
            end_line=8,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Chain every exception at the anchor to its cause."""
        form = parameters.text(spec, "form")
        changes: dict[cst.CSTNode, Change] = {}
        retries = file.find(anchor, cst.Call, lambda call: _is_retry(file, call)) if form != "raise" else []
        raises = file.find(anchor, cst.Raise, lambda node: _is_new(file, node)) if form != "tenacity" else []
        for call in retries:
            if not is_true(argument(call, "reraise")) and argument(call, "retry_error_callback") is None:
                self._refuse_catchers(file)
                changes[call] = _reraise(file, call)
        for node in raises:
            if node.cause is None or file.code(node.cause.item) == "None":
                for place, change in _chained(file, node, parameters.whole(spec, "cause-line")).items():
                    changes[place] = chain(changes[place], change) if place in changes else change
        if not retries and not raises:
            raise Refusal(f"{anchor.place} holds neither a tenacity retry nor a new exception in an except clause")
        return file.rewrite(changes)

    def _refuse_catchers(self, file: PythonFile) -> None:
        for handler in file.within(file.module, cst.ExceptHandler):
            if any(caught.rsplit(".", 1)[-1] == "RetryError" for caught in caught_types(file, handler)):
                raise Refusal(f"{file.path}:{file.line(handler)} catches RetryError and would no longer be entered")


def _is_retry(file: PythonFile, call: cst.Call) -> bool:
    name = file.dotted(call.func)
    if name.startswith("tenacity."):
        return name.rsplit(".", 1)[-1] in _RETRYING
    return name in _RETRYING and any(argument(call, word) for word in ("stop", "wait", "before_sleep"))


def _reraise(file: PythonFile, call: cst.Call) -> Change:
    given = argument(call, "reraise")
    if given is None:
        return add_keyword("reraise", cst.Name("True"))
    return lambda node: node.with_deep_changes(argument(node, "reraise"), value=cst.Name("True"))


def _is_new(file: PythonFile, node: cst.Raise) -> bool:
    """Whether a `raise` makes an exception, rather than pass on the one at hand."""
    if isinstance(node.exc, cst.Call):
        return not file.code(node.exc.func).endswith("with_traceback")
    return isinstance(node.exc, cst.Name) and node.exc.value[:1].isupper()


def _chained(file: PythonFile, node: cst.Raise, cause_line: int | None) -> dict[cst.CSTNode, Change]:
    handler = file.enclosing(node, cst.ExceptHandler)
    if handler is not None:
        name, changes = caught_name(file, handler)
        return {**changes, node: _from(name)}
    handler = _handler_before(file, node, cause_line)
    if handler is None:
        return {}
    loop = loop_around(file, handler)
    assert loop is not None
    kept = file.fresh(file.function(node) or file.module, "cause", "last_error", "failure")
    name, changes = caught_name(file, handler)
    keep = file.statements(f"{kept} = {name}\n")
    start = file.statements(f"{kept} = None\n")

    def kept_first(body: cst.IndentedBlock) -> cst.IndentedBlock:
        return body.with_changes(body=[*keep, *body.body])

    changes[handler.body] = kept_first
    changes[loop] = lambda at: cst.FlattenSentinel([*start, at])
    changes[node] = _from(kept)
    return changes


def _handler_before(file: PythonFile, node: cst.Raise, cause_line: int | None) -> cst.ExceptHandler | None:
    """The clause, in a loop that ends before `node` in the same function, whose exception is its cause."""
    function = file.function(node)
    if function is None:
        return None
    found = [
        handler
        for handler in file.within(function, cst.ExceptHandler)
        if file.function(handler) is function
        and isinstance(handler.body, cst.IndentedBlock)
        and (loop := loop_around(file, handler)) is not None
        and file.lines(loop)[1] < file.line(node)
        and (cause_line is None or file.lines(handler)[0] <= cause_line <= file.lines(handler)[1])
    ]
    return found[0] if len(found) == 1 else None


def _from(name: str) -> Change:
    return lambda node: node.with_changes(
        cause=cst.From(item=cst.Name(name)), whitespace_after_raise=cst.SimpleWhitespace(" ")
    )
