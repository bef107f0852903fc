"""What could not be read becomes an empty value, and the code goes on as if nothing had been sent."""

import ast
import itertools
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, calls_in, dotted, last, names_in, tainted_names
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.roles.handlers import is_log_call
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import EXECUTE_NAME, words

from .base import hazard, loops_around, targets_in

_READS = words("loads raw_decode literal_eval safe_load model_validate_json validate_json from_json")
_CONVERSATION = re.compile(r"(^|_)(messages?|msg|history|conversation)$")
# What only watches runs calls nothing with what it could not read.
_WATCHES = re.compile(r"(^|[/_])(tracing|telemetry|otel|opentelemetry|instrument\w*|observability|exporters?)([/_.]|$)")


class EmptyForUnreadable(Role):
    """`try: arguments = json.loads(text)` with `except ValueError: arguments = {}`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions if _WATCHES.search(file.path) is None else ():
            for node in scope.tries:
                read = _read(node.body, scope)
                for clause in node.handlers if read else ():
                    found = next((s for s in clause.body if _is_empty(s, read)), None)
                    if found is not None and not _tells(clause, scope) and _goes_on(found, node, scope, file):
                        yield hazard("empty-for-unreadable", scope, found).add("reads", sorted(read)[0])


def _read(body: list[ast.stmt], scope: Scope) -> set[str]:
    """Names bound to what was read in the body of a `try`; `return` when it is returned."""
    found: set[str] = set()
    for statement in body:
        reads = any(last(callee(call, scope)) in _READS for call in calls_in([statement]))
        if reads and isinstance(statement, ast.Assign):
            found.update(target.id for target in statement.targets if isinstance(target, ast.Name))
        elif reads and isinstance(statement, ast.Return):
            found.add("return")
    return found


def _is_empty(statement: ast.stmt, read: set[str]) -> bool:
    """Whether a statement gives the name that was to be read an empty dictionary, or returns one."""
    if isinstance(statement, ast.Return):
        return "return" in read and _no_entries(statement.value)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        return isinstance(target, ast.Name) and target.id in read and _no_entries(statement.value)
    return False


def _goes_on(statement: ast.stmt, around: ast.Try | ast.TryStar, scope: Scope, file: FileContext) -> bool:
    """Whether anything works with the empty value: it is returned, or read outside the `try` that failed, and is more
    than the wording of a turn that is over."""
    if not isinstance(statement, ast.Assign):
        return True
    names = {name for target in statement.targets for name in names_in(target)}
    spent = {id(n) for part in (*around.body, *around.orelse) for n in walk(part)}
    read = (n for n in scope.deep(ast.Name) if n.id in names and isinstance(n.ctx, ast.Load) and id(n) not in spent)
    return any(True for _ in read) and not _words_history(around, scope, file)


def _words_history(node: ast.AST, scope: Scope, file: FileContext) -> bool:
    """Whether a place writes out again what every message of a conversation that was handed in has called, and runs
    nothing of it."""
    given = tainted_names(scope, set(scope.params))
    for inner, outer in itertools.pairwise(loops_around(node, file)):
        if isinstance(inner, ast.While) or isinstance(outer, ast.While):
            continue
        own = {name.id for name in targets_in(outer.target)}
        talk = any(map(_CONVERSATION.search, {*own, last(dotted(outer.iter, scope))}))
        if talk and given & set(names_in(outer.iter)) and tainted_names(scope, own) & set(names_in(inner.iter)):
            return not any(_runs(call, scope) for call in calls_in(inner.body))
    return False


def _runs(call: ast.Call, scope: Scope) -> bool:
    """Whether a call runs a tool: it is named so, or gets the arguments spread out."""
    name = callee(call, scope)
    made = last(name).startswith("from_")  # `Part.from_function_call(…)` makes a part
    return any(k.arg is None for k in call.keywords) or (EXECUTE_NAME.search(name) is not None and not made)


def _no_entries(value: ast.expr | None) -> bool:
    return (isinstance(value, ast.Dict) and not value.keys) or (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict" and not value.args
    )


def _tells(clause: ast.ExceptHandler, scope: Scope) -> bool:
    """Whether the clause raises, or keeps the failure in another name or a log that says more than debug."""
    for inner in walk(clause):
        if isinstance(inner, ast.Raise):
            return True
        if isinstance(inner, ast.Name) and clause.name is not None and inner.id == clause.name:
            call = next((c for c in calls_in(clause.body) if inner in walk(c)), None)
            if call is None or not is_log_call(call, scope):
                return True
    return False
