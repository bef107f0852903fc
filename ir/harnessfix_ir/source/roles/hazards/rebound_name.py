"""A loop variable that takes the place of a parameter, or of a value from before, which is read again afterwards."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard, holds, loops_around, targets_in


class ReboundName(Role):
    """`for message in results:` inside a loop whose next turn reads the parameter `message`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            reads: dict[str, list[int]] | None = None
            params = frozenset(scope.params)
            for loop in scope.for_loops:
                for target in targets_in(loop.target):
                    outer = list(loops_around(loop, file))
                    known = target.id in params or (bool(outer) and _was_bound(target.id, scope, outer[-1].lineno))
                    if not known or target.id.startswith("_"):
                        continue
                    reads = _reads(scope) if reads is None else reads
                    read = _read_again(target.id, loop, outer, reads, scope)
                    if read:
                        yield hazard("rebound-name", scope, loop.target).add("name", target.id).add("read-at", read)


def _reads(scope: Scope) -> dict[str, list[int]]:
    """Lines on which each name is read, where it is not a comprehension's own.

    What a nested function reads is read where that function is used.
    """
    found: dict[str, list[int]] = {}
    own = [(node, {n.id for n in targets_in(part.target)}) for node, part in _comprehensions(scope)]
    looked_up = {child.name: _looked_up(child) for child in scope.methods}
    for node in scope.of(ast.Name):
        if isinstance(node.ctx, ast.Load) and not any(
            node.id in names and holds(around, node) for around, names in own
        ):
            for name in (node.id, *looked_up.get(node.id, ())):
                found.setdefault(name, []).append(node.lineno)
    return found


def _looked_up(scope: Scope) -> set[str]:
    """Names that a nested function takes from around it."""
    names = list(scope.deep(ast.Name))
    stored = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    return {n.id for n in names if isinstance(n.ctx, ast.Load)} - stored - set(scope.params)


def _comprehensions(scope: Scope) -> Iterator[tuple[ast.expr, ast.comprehension]]:
    found: list[ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp] = [*scope.of(ast.ListComp)]
    found += [*scope.of(ast.SetComp), *scope.of(ast.DictComp), *scope.of(ast.GeneratorExp)]
    for node in found:
        yield from ((node, part) for part in node.generators)


def _was_bound(name: str, scope: Scope, line: int) -> bool:
    return any(value.lineno < line for value in scope.bindings.get(name, ()))


def _read_again(
    name: str,
    loop: ast.For | ast.AsyncFor,
    outer: list[ast.For | ast.AsyncFor | ast.While],
    reads: dict[str, list[int]],
    scope: Scope,
) -> int:
    """A line of the next turn of a loop around that reads the name as it was; 0 without one.

    A name that the turn itself sets before it reads it is another matter.
    """
    bound = [
        node.lineno
        for node in scope.of(ast.Name)
        if node.id == name and isinstance(node.ctx, ast.Store) and not holds(loop.target, node)
    ]
    for around in outer:
        for line in reads.get(name, ()):
            if around.lineno < line < loop.lineno and not any(around.lineno <= at <= line for at in bound):
                return line
    return 0
