"""What can be gone through once is gone through again: the second time there is nothing in it."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import EXITS, called_name, callee, calls_in, names_in, own_attribute
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, all_arguments, targets_of
from harnessfix_ir.source.words import words

from .base import hazard

_ONCE = frozenset(("Iterable", "Iterator", "Generator"))
_MADE = frozenset(("map", "filter", "zip", "iter", "reversed", "enumerate"))
_KEEPS = frozenset(("append", "add", "appendleft", "insert"))
_EATS = words("list tuple set sorted sum any all min max dict frozenset enumerate zip map filter join extend update")


class SpentIterator(Role):
    """`def run(tools: Iterable[Tool])` with two loops over `tools`; `self.items = map(…)` read by every call."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for given in all_arguments(scope.function.args):
                if _outer(given.annotation) in _ONCE and given.arg not in scope.bindings:
                    used = [use for use in _uses(scope) if isinstance(use, ast.Name) and use.id == given.arg]
                    again = _again(used, file)
                    if again is not None:
                        draft = hazard("spent-iterator", scope, again).add("name", given.arg)
                        yield draft.add("first-at", used[0].lineno)
        for owner in file.classes:
            yield from _kept(owner)


def _kept(owner: Scope) -> Iterator[Draft]:
    """An attribute that holds an iterator from the start, and that a method goes through."""
    methods, start = owner.methods, owner.method("__init__")
    if start is None:
        return
    for node in start.assignments:
        value, target = node.value, targets_of(node)[0]
        once = isinstance(value, ast.GeneratorExp) or (
            isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _MADE
        )
        if not (once and isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)):
            continue
        for method in methods:
            eaten = any(isinstance(u, ast.Attribute) and u.attr == target.attr for u in _uses(method))
            if method is not start and eaten and value is not None and not _keeps_items(target.attr, method):
                yield hazard("spent-iterator", start, value).add("name", f"self.{target.attr}").add("by", method.name)
                break


def _keeps_items(attribute: str, method: Scope) -> bool:
    """Whether a method puts each item of an iterator into something else of the object as it goes through it."""
    for loop in method.of(ast.For):
        if isinstance(loop.iter, ast.Attribute) and loop.iter.attr == attribute:
            items = set(names_in(loop.target))
            puts = (call for call in calls_in(loop.body) if called_name(call) in _KEEPS)
            kept = (given for call in puts if own_attribute(_holder(call)) for given in call.args)
            if any(items & set(names_in(given)) for given in kept):
                return True
    return False


def _holder(call: ast.Call) -> ast.expr | None:
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def _outer(annotation: ast.expr | None) -> str:
    """Name of an annotation's outermost type; of `A | None` that of A."""
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.right, ast.Constant):
        annotation = annotation.left
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    if isinstance(annotation, ast.Attribute):
        return annotation.attr
    return annotation.id if isinstance(annotation, ast.Name) else ""


def _uses(scope: Scope) -> Iterator[ast.expr]:
    """Expressions that are gone through to their end, in order of source."""
    found: list[ast.expr] = [loop.iter for loop in scope.of(ast.For)]
    for kind in (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp):
        found += [turn.iter for made in scope.of(kind) for turn in made.generators[:1]]  # type: ignore[attr-defined]
    for call in scope.of(ast.Call):
        if callee(call, scope).rpartition(".")[2] in _EATS:
            found += call.args[-1:]
    found += [star.value for star in scope.of(ast.Starred)]
    yield from sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _again(used: list[ast.Name], file: FileContext) -> ast.Name | None:
    """The first use that comes after another on the same way through the function."""
    for at, use in enumerate(used):
        for before in used[:at]:
            if not _apart(before, use, file):
                return use
    return None


def _apart(one: ast.AST, other: ast.AST, file: FileContext) -> bool:
    """Whether two places lie in different branches, or the way ends behind the first."""
    sides: dict[ast.AST, ast.AST] = {}
    inner: ast.AST = one
    for around in file.ancestors(one):
        sides[around] = inner
        if isinstance(around, ast.If) and _leaves(around, inner):
            return True
        if isinstance(inner, ast.Return):
            return True
        inner = around
    inner = other
    for around in file.ancestors(other):
        mine = sides.get(around)
        if mine is not None:
            both = isinstance(around, (ast.If, ast.IfExp, ast.Try, ast.Match)) and mine is not inner
            return both and not _same_side(around, mine, inner)
        inner = around
    return False


def _leaves(branch: ast.If, inner: ast.AST) -> bool:
    """Whether the branch that holds a place ends the function or the turn."""
    side = branch.body if inner in branch.body else branch.orelse if inner in branch.orelse else []
    return bool(side) and isinstance(side[-1], EXITS)


def _same_side(around: ast.AST, one: ast.AST, other: ast.AST) -> bool:
    body = getattr(around, "body", [])
    return isinstance(body, list) and one in body and other in body
