"""Retries: tenacity, backoff, and loops that try again."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, calls_in, dotted, inside, is_true, keyword, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import RETRYABLE_SLEEP
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, at_node
from .handlers import BROAD, caught_types
from .loops import LoopNode, exit_statements, is_limit_test

_TENACITY = ("tenacity.retry", "tenacity.Retrying", "tenacity.AsyncRetrying")
_BACKOFF = ("backoff.on_exception", "backoff.on_predicate")


class Retries(Role):
    """One element per retry decorator, `Retrying` object or retrying loop."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            around = scope.parent or scope
            for decorator in scope.function.decorator_list:
                name = dotted(decorator, around).removesuffix("()")
                call = decorator if isinstance(decorator, ast.Call) else None
                if name in _TENACITY or name in _BACKOFF:
                    draft = at_node(ElementRole.RETRY, scope, decorator, AnchorKind.DECORATOR, scope.name)
                    yield _describe(draft.add("decorates", scope.qualname), name, call, around, file)
        decorators = {d for scope in file.functions for d in scope.function.decorator_list}
        for scope, call in file.all(ast.Call):
            name = callee(call, scope)
            if name in _TENACITY and call not in decorators:
                draft = at_node(ElementRole.RETRY, scope, call, AnchorKind.CALL, scope.name)
                yield _describe(draft.add("decorates", scope.qualname), name, call, scope, file)
        for scope in file.scopes:
            for node in scope.loops:
                loop = retry_loop(node, scope)
                if loop is not None:
                    yield _loop(node, loop, scope, file)


def _describe(draft: Draft, name: str, call: ast.Call | None, scope: Scope, file: FileContext) -> Draft:
    if name in _BACKOFF:
        return _backoff(draft, call, scope, file)
    draft.add("library", "tenacity")
    given = {k.arg: k.value for k in call.keywords if k.arg} if call else {}
    stop, wait, which = given.get("stop"), given.get("wait"), given.get("retry")
    if stop is not None:
        draft.add("stop", file.segment(stop), stop.lineno)
    else:
        draft.add("no-stop")
    draft.note("no-wait", wait is None)
    draft.note("retries-everything", which is None)
    if which is not None:
        _predicate(draft, which, scope)
    draft.note("no-reraise", not is_true(given.get("reraise")) and "retry_error_callback" not in given)
    draft.note("sleeps", wait is not None)
    return draft


def _predicate(draft: Draft, node: ast.expr, scope: Scope) -> None:
    """The types in `retry_if_exception_type(...)` and `retry_if_not_exception_type(...)`, also combined."""
    for call in walk(node):
        if not isinstance(call, ast.Call):
            continue
        name = last(callee(call, scope))
        types = [t for a in call.args for t in (a.elts if isinstance(a, (ast.Tuple, ast.List)) else [a])]
        named = [n for t in types if (n := dotted(t, scope))]
        if name == "retry_if_not_exception_type":
            draft.note("not-retried", [*named])
        elif name == "retry_if_exception_type":
            if not types or any(n in BROAD for n in named):
                draft.note("retries-everything", True)
            draft.note("retries", [*named])


def _backoff(draft: Draft, call: ast.Call | None, scope: Scope, file: FileContext) -> Draft:
    draft.add("library", "backoff")
    if call is None:
        return draft
    types = call.args[1] if len(call.args) > 1 else keyword(call, "exception")
    items = types.elts if isinstance(types, (ast.Tuple, ast.List)) else [types] if types else []
    names = [n for t in items if (n := dotted(t, scope))]
    draft.note("retries", [*names])
    draft.note("retries-everything", any(n in BROAD for n in names))
    stop = keyword(call, "max_tries") or keyword(call, "max_time")
    if stop is not None:
        draft.add("stop", file.segment(stop), stop.lineno)
    draft.note("no-stop", stop is None)
    return draft.add("sleeps")


def retry_loop(node: LoopNode, scope: Scope) -> ast.Try | None:
    """The `try` of a loop that exists to try again: success leaves it, a failure goes round once more."""
    for statement in node.body:
        if not isinstance(statement, ast.Try) or not statement.handlers:
            continue
        succeeds = any(
            isinstance(s, (ast.Return, ast.Break)) for s in exit_statements([*statement.body, *statement.orelse])
        )
        after = node.body[node.body.index(statement) + 1 :]
        succeeds = succeeds or any(isinstance(s, (ast.Return, ast.Break)) for s in after)
        again = any(not _always_leaves(h) for h in statement.handlers)
        if succeeds and again and (_sleeps(node, scope) or _counts_attempts(node)):
            return statement
    return None


def _always_leaves(clause: ast.ExceptHandler) -> bool:
    final = clause.body[-1]
    return isinstance(final, (ast.Return, ast.Raise, ast.Break))


def _gives_up(clause: ast.ExceptHandler) -> bool:
    """Whether a clause ends the loop once something is larger than something else: attempts, or the time."""
    for node in inside(clause.body):
        if isinstance(node, ast.If) and isinstance(node.body[-1], (ast.Raise, ast.Return, ast.Break)):
            compared = [n for n in walk(node.test) if isinstance(n, ast.Compare)]
            if any(isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for n in compared for op in n.ops):
                return True
    return False


def _sleeps(node: LoopNode, scope: Scope) -> bool:
    return any(callee(c, scope) in RETRYABLE_SLEEP or last(callee(c, scope)) == "sleep" for c in calls_in(node.body))


def _counts_attempts(node: LoopNode) -> bool:
    source = node.target if not isinstance(node, ast.While) else node.test
    words = {n.id for n in walk(source) if isinstance(n, ast.Name)}
    if not isinstance(node, ast.While):
        words |= {n.id for n in walk(node.iter) if isinstance(n, ast.Name)}
        words |= {n.attr for n in walk(node.iter) if isinstance(n, ast.Attribute)}
    return any(part in w.lower() for w in words for part in ("attempt", "retry", "retries", "tries"))


def _loop(node: LoopNode, attempt: ast.Try, scope: Scope, file: FileContext) -> Draft:
    draft = at_node(ElementRole.RETRY, scope, node, AnchorKind.LOOP, scope.name)
    draft.add("library", "loop").add("decorates", scope.qualname)
    bounded = not isinstance(node, ast.While) or not is_true(node.test)
    bounded = bounded or any(isinstance(n, ast.If) and is_limit_test(n.test, scope) for n in inside(node.body))
    bounded = bounded or any(_gives_up(clause) for clause in attempt.handlers)
    if bounded:
        draft.add("stop", file.segment(node.test if isinstance(node, ast.While) else node.iter))
    else:
        draft.add("no-stop")
    types = [t for h in attempt.handlers if not _always_leaves(h) for t in caught_types(h, scope) or ["BaseException"]]
    draft.note("retries", [*dict.fromkeys(types)])
    draft.note("retries-everything", any(t in BROAD for t in types))
    sleeps = _sleeps(node, scope)
    draft.note("sleeps", sleeps)
    draft.note("no-wait", not sleeps)
    return draft
