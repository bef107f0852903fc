"""`except` clauses and new exceptions."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from harnessfix_ir.source.expressions import (
    assigned_value,
    callee,
    calls_in,
    dotted,
    inside,
    is_constant,
    last,
    names_in,
    text_of,
)
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.templates import template_of
from harnessfix_ir.source.words import LOG_METHODS, LOGGER_RECEIVER
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, at_node

BROAD = frozenset(("Exception", "BaseException"))
_TRACE_CALLS = frozenset(
    [
        "traceback.print_exc",
        "traceback.print_exception",
        "traceback.format_exc",
        "traceback.format_exception",
        "sys.exc_info",
        "sys.exception",
        "traceback.TracebackException",
    ]
)
_EVERYTHING = "BaseException"  # what a bare `except` takes
_REPORT = re.compile(r"^_?log_(error|warning|exception|critical)$")


class Handlers(Role):
    """One element per `except` clause."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            for node in scope.tries:
                for clause in node.handlers:
                    yield _handler(clause, node, scope, file)


def caught_types(clause: ast.ExceptHandler, scope: Scope) -> list[str]:
    """Dotted names of what a clause catches; empty for a bare `except`."""
    if clause.type is None:
        return []
    types = clause.type.elts if isinstance(clause.type, ast.Tuple) else [clause.type]
    return [dotted(t, scope) or "?" for t in types]


def is_caught(node: ast.AST, kinds: frozenset[str], scope: Scope, file: FileContext) -> bool:
    """Whether a node lies in a `try` of its function that takes one of these exceptions, or in a `suppress`.

    Args:
        node: what may raise.
        kinds: bare names of exceptions; those that take everything are to be among them.
        scope: the function that it stands in.
        file: the file around.
    """
    inner: ast.AST = node
    for around in file.ancestors(node):
        taken: set[str] = set()
        if isinstance(around, (ast.Try, ast.TryStar)) and inner in around.body:
            taken = {last(kind) for clause in around.handlers for kind in caught_types(clause, scope) or [_EVERYTHING]}
            taken |= kinds if any(kind.isupper() for kind in taken) else set()  # a tuple of them that has a name
        elif isinstance(around, (ast.With, ast.AsyncWith)):
            managers = (last(dotted(item.context_expr, scope).removesuffix("()")) for item in around.items)
            taken = {*kinds} if "suppress" in managers else taken
        if kinds & taken:
            return True
        inner = around
    return False


def is_log_call(call: ast.Call, scope: Scope) -> str:
    """Level of a logging call (`print` counts as `print`), empty for any other call."""
    return _log_level(callee(call, scope))


@lru_cache(maxsize=65536)
def _log_level(name: str) -> str:
    receiver, _, method = name.rpartition(".")
    if name in ("print", "warnings.warn", "traceback.print_exc", "traceback.print_exception") or (
        method == "print" and LOGGER_RECEIVER.search(receiver)
    ):
        return "print"
    if method in ("record_exception", "add_event", "set_status"):
        return "error"
    return LOG_METHODS.get(method, "") if LOGGER_RECEIVER.search(receiver) else ""


def _handler(clause: ast.ExceptHandler, node: ast.Try | ast.TryStar, scope: Scope, file: FileContext) -> Draft:
    types = caught_types(clause, scope)
    name = ", ".join(last(t) for t in types) or "except"
    draft = at_node(ElementRole.HANDLER, scope, clause, AnchorKind.HANDLER, name)
    draft.add("catches", [*types])
    draft.note("broad", not types or any(t in BROAD for t in types))
    reraises, raised = _raises(clause)
    logs = any(is_log_call(call, scope) for call in calls_in(clause.body))
    uses = _uses_exception(clause, scope)
    draft.note("reraises", reraises)
    if raised:
        draft.add("raises", _type_of(raised[0], scope), raised[0].lineno)
        bare = [r for r in raised if r.cause is None]
        draft.note("raises-without-from", bool(bare), bare[0].lineno if bare else 0)
    draft.note("logs", logs)
    draft.note("only-reports", _only_reports(clause, scope))
    draft.note("uses-exception", uses)
    draft.note("swallows", not (reraises or raised or logs or uses))
    _describe_body(draft, clause, file, scope)
    draft.note("try-calls", list(dict.fromkeys(n for c in calls_in(node.body) if (n := callee(c, scope)))))
    draft.note("try-lines", [node.body[0].lineno, node.body[-1].end_lineno or node.body[-1].lineno])
    return draft


def _raises(clause: ast.ExceptHandler) -> tuple[bool, list[ast.Raise]]:
    """Whether the clause raises what it caught, and the raises of something else."""
    again, new = False, []
    for node in inside(clause.body):
        if isinstance(node, ast.Raise):
            if node.exc is None or (isinstance(node.exc, ast.Name) and node.exc.id == clause.name):
                again = True
            else:
                new.append(node)
    return again, new


def _only_reports(clause: ast.ExceptHandler, scope: Scope) -> bool:
    """Whether all that a clause does is to say that something went wrong, in a log that no caller reads."""
    said = [statement.value for statement in clause.body if isinstance(statement, ast.Expr)]
    return len(said) == len(clause.body) and all(_is_report(value, scope) for value in said)


def _is_report(value: ast.expr, scope: Scope) -> bool:
    if not isinstance(value, ast.Call):
        return False
    name = callee(value, scope)
    return _log_level(name) in ("warning", "error", "critical") or _REPORT.search(last(name)) is not None


def _uses_exception(clause: ast.ExceptHandler, scope: Scope) -> bool:
    if clause.name is not None and any(clause.name in names_in(statement) for statement in clause.body):
        return True
    for call in calls_in(clause.body):
        if callee(call, scope) in _TRACE_CALLS or any(k.arg == "exc_info" for k in call.keywords):
            return True
    return False


def _describe_body(draft: Draft, clause: ast.ExceptHandler, file: FileContext, scope: Scope) -> None:
    body = [s for s in clause.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    draft.note("passes", all(isinstance(s, ast.Pass) for s in body))
    for node in inside(clause.body):
        if isinstance(node, ast.Continue) and draft.get("continues") is None:
            draft.add("continues", True, node.lineno)
        elif isinstance(node, ast.Break) and draft.get("breaks") is None:
            draft.add("breaks", True, node.lineno)
        elif isinstance(node, ast.Return):
            if draft.get("returns") is None:
                draft.add("returns", file.segment(node.value) if node.value else "None", node.lineno)
            if is_constant(node.value) and draft.get("returns-constant") is None:
                draft.add("returns-constant", file.segment(node.value) if node.value else "None", node.lineno)
    message = _fixed_message(clause, file, scope)
    if message is not None:
        draft.add("returns-message", message[0], message[1])


def _fixed_message(clause: ast.ExceptHandler, file: FileContext, scope: Scope) -> tuple[str, int] | None:
    """A sentence that the clause returns, assigns or appends, and that says nothing of the exception."""
    for node in inside(clause.body):
        for value in _handed_on(node, scope):
            if clause.name is not None and clause.name in names_in(value):
                continue
            for inner in walk(value):
                text = text_of(inner)
                if text and " " in text.strip() and not isinstance(file.parents.get(inner), ast.JoinedStr):
                    return text, getattr(inner, "lineno", clause.lineno)
    return None


def _handed_on(node: ast.AST, scope: Scope) -> list[ast.expr]:
    """Values that a statement returns or assigns, or that a call appends to something."""
    if isinstance(node, (ast.Return, ast.Assign)):
        return [] if node.value is None else [node.value]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not is_log_call(node, scope):
        adds = "append" in node.func.attr or "add" in node.func.attr
        return [*node.args, *(k.value for k in node.keywords)] if adds else []
    return []


class Raises(Role):
    """One element per `raise` of a new exception."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, node in file.all(ast.Raise):
            if node.exc is None or (isinstance(node.exc, ast.Name) and node.exc.id[:1].islower()):
                continue
            kind = _type_of(node, scope)
            draft = at_node(ElementRole.RAISE, scope, node, AnchorKind.CALL, last(kind))
            draft.add("type", kind)
            message = _message(node.exc, file, scope)
            draft.note("message", message)
            draft.text = message
            if node.cause is not None:
                draft.add("from", file.segment(node.cause))
            yield draft


def _type_of(node: ast.Raise, scope: Scope) -> str:
    return dotted(node.exc, scope).removesuffix("()")


def _message(exc: ast.expr, file: FileContext, scope: Scope) -> str:
    if not isinstance(exc, ast.Call):
        return ""
    for value in [*exc.args, *(k.value for k in exc.keywords)]:
        if isinstance(value, ast.Name):
            value = assigned_value(value.id, scope, exc.lineno) or value
        found = template_of(value, file, scope)
        if found is not None and found.text.strip():
            return found.skeleton
    return ""
