"""Questions about single expressions: dotted names, literals, templates, what flows where."""

import ast
from bisect import bisect_right
from collections.abc import Iterator, Mapping

from .nodes import below, children, walk
from .scopes import FunctionNode, Scope, all_arguments

_OPENS_SCOPE = frozenset((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda))

EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
"""Statements behind which nothing of their block runs."""


def dotted(node: ast.AST | None, scope: Scope) -> str:
    """Dotted name of an expression with imports resolved; calls and subscripts show as `()` and `[]`, else empty."""
    suffix: list[str] = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute):
            suffix.append("." + node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            suffix.append("()")
            node = node.func
        elif isinstance(node, ast.Subscript):
            suffix.append("[]")
            node = node.value
        elif isinstance(node, ast.Await):
            node = node.value
        else:
            break
    else:
        name = scope.resolve(node.id)
        return name + "".join(reversed(suffix)) if suffix else name
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return "str" + "".join(reversed(suffix))
    return ""


def callee(call: ast.Call, scope: Scope) -> str:
    """Dotted name of what a call calls; kept, because every role asks."""
    found = scope.callees.get(call)
    if found is None:
        found = scope.callees[call] = dotted(call.func, scope)
    return found


_ELSEWHERE = {"to_thread": 0, "run_sync": 0, "run_in_threadpool": 0, "run_in_executor": 1}


def passed_on(call: ast.Call, scope: Scope) -> str:
    """Dotted name of the function that a call runs in a thread (`asyncio.to_thread(post, url)`), empty for others."""
    at = _ELSEWHERE.get(last(callee(call, scope)))
    return dotted(call.args[at], scope) if at is not None and at < len(call.args) else ""


def own_attribute(node: ast.AST | None) -> str:
    """`x` of `self.x`, empty for anything else."""
    own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return node.attr if isinstance(node, ast.Attribute) and own else ""


def called_name(call: ast.Call) -> str:
    """`end` of `self.metrics.end(…)` and of `end(…)`, empty for anything else."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def last(name: str) -> str:
    """Last part of a dotted name."""
    return name.rpartition(".")[2]


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Value of a keyword argument, or None."""
    return next((k.value for k in call.keywords if k.arg == name), None)


def has_star_keywords(call: ast.Call) -> bool:
    """Whether the call passes `**something`."""
    return any(k.arg is None for k in call.keywords)


def conjuncts(test: ast.expr) -> list[ast.expr]:
    """The conditions that all hold where a test does: of `a and b` both, of any other the test itself."""
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]


def declared_as(name: str, scope: Scope) -> ast.expr | None:
    """How a parameter of a function is annotated; None for other names, other scopes and where nothing is said."""
    arguments = all_arguments(scope.function.args) if scope.is_function else []
    return next((given.annotation for given in arguments if given.arg == name), None)


def is_spread(call: ast.Call) -> bool:
    """Whether the call passes `*something` or `**something`, so that it may give more than is written."""
    return has_star_keywords(call) or any(isinstance(arg, ast.Starred) for arg in call.args)


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """An argument given by position or by name, or None."""
    if position < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args[: position + 1]):
        return call.args[position]
    return keyword(call, name)


def text_of(node: ast.AST | None) -> str | None:
    """Value of a string literal, None for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def is_true(node: ast.AST | None) -> bool:
    """Whether a node is a constant that is true."""
    return isinstance(node, ast.Constant) and bool(node.value)


def is_constant(node: ast.AST | None) -> bool:
    """Whether a node is a literal: a constant, or a container of literals."""
    if node is None or isinstance(node, ast.Constant):
        return True
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return all(is_constant(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        return all(is_constant(item) for item in (*node.keys, *node.values))
    return isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)


def is_none(node: ast.AST | None) -> bool:
    """Whether an expression is the constant None."""
    return isinstance(node, ast.Constant) and node.value is None


def names_in(node: ast.AST | None) -> Iterator[str]:
    """Plain names used anywhere in an expression or statement."""
    if node is not None:
        for inner in walk(node):
            if isinstance(inner, ast.Name):
                yield inner.id


def words_in(node: ast.AST | None) -> Iterator[str]:
    """Names and attribute names used anywhere in an expression."""
    if node is not None:
        for inner in walk(node):
            if isinstance(inner, ast.Name):
                yield inner.id
            elif isinstance(inner, ast.Attribute):
                yield inner.attr


def calls_in(nodes: list[ast.stmt] | list[ast.expr]) -> Iterator[ast.Call]:
    """Calls in some statements, without those in functions defined there."""
    pending: list[ast.AST] = list(reversed(nodes))
    while pending:
        node = pending.pop()
        if node.__class__ in _OPENS_SCOPE:
            continue
        if isinstance(node, ast.Call):
            yield node
        pending.extend(reversed(children(node)))


def inside(nodes: list[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes of some statements, without the insides of functions and classes defined there."""
    for node in nodes:
        yield node
        yield from below(node)


def assigned_value(name: str, scope: Scope, before: int) -> ast.expr | None:
    """The expression last assigned to a plain name above line `before` of the same scope, or None."""
    values = scope.bindings.get(name, [])
    at = bisect_right(values, before, key=lambda value: value.lineno)
    return values[at - 1] if at else None


def tainted_names(scope: Scope, seeds: set[str]) -> set[str]:
    """Names that may hold something made from `seeds`, by following plain assignments and `append`-like calls."""
    return reached_from(seeds, scope.flows)


def reached_from(seeds: set[str], moves: Mapping[str, set[str]]) -> set[str]:
    """The names that `moves` lead to from `seeds`, with these.

    Args:
        seeds: where to begin.
        moves: from each name to those that are made from it.
    """
    found: set[str] = set()
    pending = list(seeds)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(moves.get(name, ()))
    return found


def optional_params(function: FunctionNode) -> list[str]:
    """Names of parameters that need not be given."""
    return [name for name, _ in defaults_of(function)]


def defaults_of(function: FunctionNode) -> Iterator[tuple[str, ast.expr]]:
    """Parameters with their defaults."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    for given, default in zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults):
        yield given.arg, default
    for given, keyword_default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        if keyword_default is not None:
            yield given.arg, keyword_default


def body_without_docstring(function: FunctionNode) -> list[ast.stmt]:
    """Statements of a function, its docstring left out."""
    body = function.body
    return body[1:] if body and isinstance(body[0], ast.Expr) and text_of(body[0].value) is not None else body


def is_stub(function: FunctionNode) -> bool:
    """Whether a function has nothing to run: `...`, `pass` or `raise NotImplementedError` alone."""
    body = body_without_docstring(function)
    if not body:
        return True
    only = body[0]
    if len(body) > 1:
        return False
    if isinstance(only, ast.Pass) or (isinstance(only, ast.Expr) and isinstance(only.value, ast.Constant)):
        return True
    return isinstance(only, ast.Raise) and "NotImplementedError" in set(names_in(only.exc))
