"""Loops over what a model asked for that are left at one of the calls, so that those behind it are never made."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, calls_in, dotted, inside, last, names_in, tainted_names, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import EXECUTE_NAME

from .base import LOOPS, hazard, targets_in

_CALLS = re.compile(r"(^|_)(tool_?calls?|function_?calls?|tool_?uses?|(parsed_)?actions|tool_?requests?|calls)(_|$)")

_ERROR = re.compile(r"error|fail|invalid|refus|reject|denied", re.IGNORECASE)


class DroppedCalls(Role):
    """`for call in tool_calls:` that runs calls and returns at the first of a sort."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for loop in scope.for_loops:
                words = _words(loop.iter, scope)
                if not any(_CALLS.search(word.lower()) and not word.isupper() for word in words):
                    continue
                names = {name.id for name in targets_in(loop.target)}
                jump = _leaves(loop, names, scope, file) if _runs_them(loop, names, scope) else None
                if jump is not None:
                    yield hazard("dropped-calls", scope, jump).add("loop", loop.lineno)


def _words(node: ast.expr, scope: Scope) -> list[str]:
    if isinstance(node, ast.Call):
        return [word for given in node.args for word in _words(given, scope)]
    if isinstance(node, ast.BoolOp):
        return _words(node.values[0], scope)
    return [last(dotted(node, scope)).removesuffix("[]")]


def _runs_them(loop: ast.For | ast.AsyncFor, names: set[str], scope: Scope) -> bool:
    """Whether the loop runs each call, or puts it away to be run, and does not only look for one."""
    derived = tainted_names(scope, names)
    for call in calls_in(loop.body):
        name = callee(call, scope)
        kept = last(name) == "append" and any(n in derived for given in call.args for n in names_in(given))
        if kept or (
            EXECUTE_NAME.search(name)
            and any(isinstance(inner, ast.Name) and inner.id in names for given in call.args for inner in walk(given))
        ):
            return True
    return False


def _leaves(loop: ast.For | ast.AsyncFor, names: set[str], scope: Scope, file: FileContext) -> ast.stmt | None:
    """A `return` or `break` that ends the loop because of what one call is, not because something failed."""
    for node in inside(loop.body):
        if not isinstance(node, (ast.Return, ast.Break)):
            continue
        tests: list[ast.expr] = []
        for around in file.ancestors(node):
            if around is loop:
                break
            if isinstance(around, (ast.ExceptHandler, *LOOPS)):
                tests = []
                break
            if isinstance(around, ast.If):
                tests.append(around.test)
        derived = tainted_names(scope, names)
        about = [n for test in tests for n in walk(test) if isinstance(n, ast.Name) and n.id in derived]
        if (
            about
            and not any(map(_finds_one, tests))
            and not _ends_in_error(node)
            and not _has_as_many_as_asked(tests[0], scope)
        ):
            return node
    return None


def _finds_one(test: ast.expr) -> bool:
    """Whether the test is that a call has a certain id: then the loop looks for one and is done."""
    compared = [node for node in walk(test) if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq)]
    sides = (side for node in compared for side in (node.left, *node.comparators))
    return any(
        isinstance(side, ast.Attribute) and (side.attr == "id" or side.attr.endswith("call_id")) for side in sides
    )


def _has_as_many_as_asked(test: ast.expr, scope: Scope) -> bool:
    """Whether the test is that as many were gathered as a parameter asks for: `len(found) >= count`."""
    for node in walk(test):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            counts = any(isinstance(s, ast.Call) and callee(s, scope) == "len" for s in sides)
            if counts and any(isinstance(s, ast.Name) and s.id in scope.params for s in sides):
                return True
    return False


def _ends_in_error(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Return) else None
    return any(_ERROR.search(word) for word in words_in(value))
