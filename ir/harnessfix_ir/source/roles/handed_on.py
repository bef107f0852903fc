"""Settings that are handed on where they are true: `if timeout: options["timeout"] = timeout`, which 0 is not."""

import ast
from collections.abc import Iterator
from itertools import islice

from harnessfix_ir.document import JsonValue
from harnessfix_ir.source.expressions import callee, inside, last
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import Scope

MOST = 50
MOST_PARTS = 100  # of a value that are looked at


def handed_on(scope: Scope) -> list[JsonValue]:
    """Such settings of a function: name, line of the test, first line of what is done where it is true."""
    found: list[JsonValue] = []
    for branch in scope.of(ast.If):
        test = branch.test
        value = test.value if isinstance(test, ast.NamedExpr) else test
        name = _setting(value)
        if name and len(found) < MOST and _hands_on(branch.body, test, scope):
            found.append([name, test.lineno, branch.body[0].lineno])
    return found


def _setting(value: ast.expr) -> str:
    """Name under which a value is kept: `timeout`, `self.timeout`, `settings["timeout"]`, `settings.get("timeout")`."""
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(name))], keywords=[]):
            return name
    return ""


def _hands_on(body: list[ast.stmt], test: ast.expr, scope: Scope) -> bool:
    """Whether the value goes into something else there: an item, an attribute, an argument of its own."""
    same = test.target if isinstance(test, ast.NamedExpr) else test
    looks = ast.dump(same).replace("Store()", "Load()")
    for node in inside(body):
        if isinstance(node, ast.Call) and last(callee(node, scope)) == "sleep":
            return False  # to sleep for no time is not to sleep
        for value in _given(node):
            parts = (part for part in islice(walk(value), MOST_PARTS) if isinstance(part, same.__class__))
            if any(ast.dump(part) == looks for part in parts):
                return True
    return False


def _given(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()], value=value):
            yield value
        case ast.Call(keywords=keywords):
            yield from (keyword.value for keyword in keywords if keyword.arg)
        case ast.Dict(values=values):
            yield from values
