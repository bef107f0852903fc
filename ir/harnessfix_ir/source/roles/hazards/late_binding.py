"""Functions made in a loop that read a name which the loop goes on changing, and that are called after the turn."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, all_arguments, targets_of
from harnessfix_ir.source.words import words

from .base import hazard, holds, targets_in

_KEEPS = words(
    """
    append add insert setdefault register add_tool submit create_task ensure_future start_soon Thread Timer call_later
    add_done_callback subscribe
    """
)


class LateBinding(Role):
    """`tools.append(lambda x: call(name, x))` in `for name in …`: every tool calls the last name."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            for loop in scope.loops:
                changed = _changed(loop, scope)
                for closure, names in _closures(loop, scope):
                    read = sorted(names & changed)
                    if read and (kept := _kept(closure, loop, scope, file)) is not None:
                        yield hazard("late-binding", scope, kept).add("reads", [*read]).add("loop", loop.lineno)


def _changed(loop: ast.While | ast.For | ast.AsyncFor, scope: Scope) -> set[str]:
    names = set() if isinstance(loop, ast.While) else {name.id for name in targets_in(loop.target)}
    for node in scope.assignments:
        if holds(loop, node):
            for target in targets_of(node):
                names.update(name.id for name in targets_in(target))
    return names


def _closures(loop: ast.stmt, scope: Scope) -> Iterator[tuple[ast.Lambda | ast.stmt, set[str]]]:
    """Functions made in a loop, with the names that they look up when they are called."""
    for made in scope.of(ast.Lambda):
        if holds(loop, made):
            own = {a.arg for a in all_arguments(made.args)}
            yield made, {n.id for n in walk(made.body) if isinstance(n, ast.Name)} - own
    for child in scope.children:
        if child.is_function and holds(loop, child.node):
            own = set(child.params) | {n.id for n in child.of(ast.Name) if isinstance(n.ctx, ast.Store)}
            inside = {n.id for part in child.function.body for n in walk(part) if isinstance(n, ast.Name)}
            yield child.function, inside - own


def _kept(closure: ast.Lambda | ast.stmt, loop: ast.stmt, scope: Scope, file: FileContext) -> ast.expr | None:
    """Where the function is put away, or handed to something that calls it later."""
    if isinstance(closure, ast.Lambda):
        uses: list[ast.expr] = [closure]
    else:
        name = getattr(closure, "name", "")
        uses = [n for n in scope.of(ast.Name) if n.id == name and holds(loop, n) and isinstance(n.ctx, ast.Load)]
    later = isinstance(closure, ast.AsyncFunctionDef)  # calling it only makes a coroutine
    return next((u for u in uses if _is_put_away(u, later, scope, file) and not _leaves(loop, u, scope, file)), None)


def _is_put_away(use: ast.expr, later: bool, scope: Scope, file: FileContext) -> bool:
    node: ast.AST = use
    for around in file.ancestors(use):
        if isinstance(around, ast.Await) or (isinstance(around, ast.Call) and around.func is use and not later):
            return False
        if isinstance(around, ast.Call) and node is not around.func and last(callee(around, scope)) in _KEEPS:
            return True
        if isinstance(around, ast.Assign):
            return node is around.value and any(isinstance(t, (ast.Subscript, ast.Attribute)) for t in around.targets)
        if isinstance(around, ast.Call) and node is not around.func and not last(callee(around, scope))[:1].isupper():
            return False
        if isinstance(around, ast.stmt):
            return False
        node = around
    return False


def _leaves(loop: ast.stmt, use: ast.expr, scope: Scope, file: FileContext) -> bool:
    """Whether the loop ends in the turn that made the function, so that the name keeps its value."""
    statement = file.statement(use)
    exits = (*scope.of(ast.Return), *scope.of(ast.Break))
    around = file.parents.get(statement) if statement is not None else None
    return any(holds(loop, node) and file.parents.get(node) is around and node.lineno >= use.lineno for node in exits)
