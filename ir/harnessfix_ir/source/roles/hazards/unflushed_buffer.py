"""Pieces are gathered in a loop and handed on when enough are there; what is left at the end is never handed on."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import inside
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import spelled, walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard, loops_around, read_behind


class UnflushedBuffer(Role):
    """`for token in stream: text += token; if done(text): yield text; text = ""`, and nothing behind the loop."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for loop in scope.for_loops:
                if next(loops_around(loop, file), None) is not None:
                    continue  # read again in the next turn of the loop around it
                for name in sorted(_gathered(loop, _emptied(loop) - set(scope.params))):
                    if _begins_empty(name, scope, loop) and not read_behind(name, loop, scope):
                        yield hazard("unflushed-buffer", scope, loop).add("name", name)


def _gathered(loop: ast.For | ast.AsyncFor, among: set[str]) -> set[str]:
    """Names among these that a loop adds to, with something that it goes through."""
    found: set[str] = set()
    for node in inside(loop.body) if among else ():
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and isinstance(node.op, ast.Add):
            if (
                node.target.id in among
                and not isinstance(node.value, ast.Constant)
                and not _handed_on(node.value, loop)
            ):
                found.add(node.target.id)
        elif isinstance(node, ast.Call) and node.args:
            name = _of_method(node, "append", "extend")
            if name in among and name not in found and not _handed_on(node.args[0], loop):
                found.add(name)
    return found


def _handed_on(piece: ast.expr, loop: ast.For | ast.AsyncFor) -> bool:
    """Whether the loop hands each piece on as it comes, too."""
    said = spelled(piece)
    for node in inside(loop.body):
        given = [*node.args, *(k.value for k in node.keywords)] if isinstance(node, ast.Call) else []
        given += [node.value] if isinstance(node, ast.Yield) and node.value is not None else []
        if any(spelled(value) == said and value is not piece for value in given):
            return True
    return False


def _of_method(call: ast.Call, *methods: str) -> str:
    """The plain name whose method a call is of; empty for others."""
    func = call.func
    named = isinstance(func, ast.Attribute) and func.attr in methods and isinstance(func.value, ast.Name)
    return func.value.id if named else ""  # type: ignore[attr-defined]


def _emptied(loop: ast.For | ast.AsyncFor) -> set[str]:
    """Names that a branch of a loop empties after it has looked at them."""
    found: set[str] = set()
    for branch in inside(loop.body):
        if not isinstance(branch, ast.If) or _asks_last(branch.test, loop):
            continue
        emptied: dict[str, int] = {}
        for node in inside(branch.body):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_empty(node.value):
                emptied[node.targets[0].id] = node.lineno
            elif isinstance(node, ast.Call) and (name := _of_method(node, "clear")):
                emptied[name] = node.lineno
        if emptied:
            read = _read_in(branch)
            found |= {name for name, line in emptied.items() if read.get(name, line + 1) <= line}
    return found


def _asks_last(test: ast.expr, loop: ast.For | ast.AsyncFor) -> bool:
    """Whether a test holds for the last of what a loop goes through: `or at == len(items) - 1`."""
    over = {spelled(node) for node in walk(loop.iter) if isinstance(node, (ast.Name, ast.Attribute))}
    for node in walk(test):
        if isinstance(node, ast.Compare) and any(isinstance(op, (ast.Eq, ast.GtE)) for op in node.ops):
            for call in walk(node):
                counted = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "len"
                if counted and any(spelled(given) in over for given in call.args):  # type: ignore[attr-defined]
                    return True
    return False


def _read_in(branch: ast.If) -> dict[str, int]:
    """Names whose value a branch reads, with the line where it first does.

    What is only filled and emptied tells that something came, and hands on nothing.
    """
    nodes = [node for statement in branch.body for node in walk(statement)]
    filled = {id(n.func.value) for n in nodes if isinstance(n, ast.Call) and _of_method(n, "clear", "append", "extend")}  # type: ignore[attr-defined]
    found: dict[str, int] = {}
    for n in nodes:
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and id(n) not in filled:
            found[n.id] = min(n.lineno, found.get(n.id, n.lineno))
    return found


def _is_empty(value: ast.expr) -> bool:
    return (isinstance(value, ast.Constant) and value.value in ("", b"")) or (
        isinstance(value, (ast.List, ast.Tuple)) and not value.elts
    )


def _begins_empty(name: str, scope: Scope, loop: ast.stmt) -> bool:
    return any(_is_empty(value) for value in scope.bindings.get(name, ()) if value.lineno < loop.lineno)
