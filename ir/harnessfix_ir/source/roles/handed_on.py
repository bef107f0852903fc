"""Settings that are handed on where they are true: `if timeout: options["timeout"] = timeout`, which 0 is not."""

import ast
from collections.abc import Iterator

from harnessfix_ir.document import JsonValue
from harnessfix_ir.source.expressions import callee, dotted, inside, last
from harnessfix_ir.source.scopes import Scope

MOST = 50
# To sleep for no time is not to sleep, and what is only told changes nothing.
_TELLS = frozenset({"sleep", "print", "log", "debug", "info", "warning", "warn", "error", "echo"})


def handed_on(scope: Scope) -> list[JsonValue]:
    """Such settings of a function, where nothing else is done with a false one: name, line of the test, first line of
    what is done where it is true, and whether it is a parameter of the function's own."""
    found: list[JsonValue] = []
    given: dict[str, int] | None = None
    for branch in scope.of(ast.If):
        test = branch.test
        value = test.value if isinstance(test, ast.NamedExpr) else test
        name = _setting(value)
        if not name or branch.orelse or len(found) == MOST:
            continue
        target = _target(branch.body, test, scope)
        if target is None:
            continue
        given = _first_given(scope) if given is None else given
        if given.get(target, branch.lineno) >= branch.lineno:
            own = isinstance(value, ast.Name) and value.id in scope.params
            found.append([name, test.lineno, branch.body[0].lineno, own])
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


def _target(body: list[ast.stmt], test: ast.expr, scope: Scope) -> str | None:
    """The item, attribute or argument that the value goes into there; None where it goes into none."""
    same = test.target if isinstance(test, ast.NamedExpr) else test
    name, holder = _setting(same), _holder(same, scope)
    into: dict[int, str] = {}  # the nodes of what is handed over, by the name it is handed over under
    for node in inside(body):
        if isinstance(node, ast.Call) and last(callee(node, scope)) in _TELLS:
            return None
        for key, value in _given(node):
            into.setdefault(id(value), key)
        if id(node) in into:
            if isinstance(node, ast.expr) and _setting(node) == name and _holder(node, scope) == holder:
                return into[id(node)]
            for child in ast.iter_child_nodes(node):
                into.setdefault(id(child), into[id(node)])
    return None


def _holder(node: ast.expr, scope: Scope) -> str:
    """What a setting is kept in, the same for `settings["timeout"]` and `settings.get("timeout")`."""
    match node:
        case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Call(func=ast.Attribute(value=value)):
            return dotted(value, scope)
    return ""


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Attribute(attr=name)], value=value):
            yield name, value
        case ast.Assign(targets=[ast.Subscript(slice=key)], value=value):
            yield _text(key), value
        case ast.Call(keywords=keywords):
            yield from ((keyword.arg, keyword.value) for keyword in keywords if keyword.arg)
        case ast.Dict(keys=keys, values=values):
            yield from ((_text(key), value) for key, value in zip(keys, values, strict=True))


def _text(key: ast.expr | None) -> str:
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""


def _first_given(scope: Scope) -> dict[str, int]:
    """First line where the function gives something each name: below it a false value leaves what stands there."""
    lines: dict[str, int] = {}
    givers: list[ast.Assign | ast.Dict | ast.Call] = [*scope.of(ast.Assign), *scope.of(ast.Dict), *scope.of(ast.Call)]
    for node in givers:
        for key, _ in _given(node):
            if key:
                lines[key] = min(node.lineno, lines.get(key, node.lineno))
    return lines
