"""What an answer consists of is told by `all(…)` over its items, and an answer without items is taken for any sort."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, conjuncts, last, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import spelled, walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_TEXTS = frozenset(("str", "repr", "dumps", "safe_dumps", "to_json", "dump_json"))
_MADE = (ast.ListComp, ast.GeneratorExp)


class AllOfNothing(Role):
    """`if all(isinstance(item, Part) for item in output): return output`, and else `return str(output)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for branch in scope.of(ast.If):
                for test in conjuncts(branch.test):
                    items = _items(test, scope)
                    if (
                        items is None
                        or _asks_for_any(branch, items, scope, file)
                        or _asks_for_lists_next(branch, items, scope)
                        or _as_text(branch.body, items, scope)
                    ):
                        continue
                    # That other lists become text says that this one would have been, too.
                    if _as_text(_elsewhere(branch, scope), items, scope):
                        draft = hazard("all-of-nothing", scope, branch.test).add("items", file.segment(items[0], 60))
                        yield draft.add("test", file.segment(test, 60))


def _items(test: ast.expr, scope: Scope) -> list[ast.expr] | None:
    """What `all(…)` goes through: the name in the call and what it was made from, item by item."""
    if not (isinstance(test, ast.Call) and callee(test, scope) == "all" and len(test.args) == 1):
        return None
    if any(isinstance(node, ast.Name) and node.id == "str" for node in walk(test)):
        return None  # texts are joined, and of none comes an empty one
    found: list[ast.expr] = [_source(test.args[0])]
    for _ in range(3):
        name = found[-1]
        values = scope.bindings.get(name.id, ()) if isinstance(name, ast.Name) else ()
        made = values[0] if len(values) == 1 and isinstance(values[0], _MADE) else None
        if made is None:
            break
        found.append(_source(made))
    return found if isinstance(found[-1], (ast.Name, ast.Attribute)) else None


def _source(node: ast.expr) -> ast.expr:
    """What a comprehension without conditions goes through; anything else is its own source."""
    if isinstance(node, _MADE) and len(node.generators) == 1 and not node.generators[0].ifs:
        return node.generators[0].iter
    return node


def _asks_for_any(branch: ast.If, items: list[ast.expr], scope: Scope, file: FileContext) -> bool:
    """Whether it is asked that there are items at all, in this condition or in one around or before it."""
    names = {spelled(item) for item in items}
    tests = [branch.test, *(around.test for around in file.ancestors(branch) if isinstance(around, ast.If))]
    tests += [other.test for other in scope.of(ast.If) if other.lineno < branch.lineno]
    for part in (inner for test in tests for inner in conjuncts(test)):
        bare = part.operand if isinstance(part, ast.UnaryOp) else part
        if spelled(bare) in names:
            return True
        for node in walk(bare):
            counts = isinstance(node, ast.Call) and last(callee(node, scope)) in ("len", "any") and node.args
            if counts and any(spelled(inner) in names for inner in walk(node)):
                return True
    return False


def _asks_for_lists_next(branch: ast.If, items: list[ast.expr], scope: Scope) -> bool:
    """Whether the next `elif` is for all other lists, and what is behind it for something else."""
    following = branch.orelse[0] if len(branch.orelse) == 1 else None
    names = {spelled(item) for item in items}
    return isinstance(following, ast.If) and any(
        callee(test, scope) == "isinstance" and spelled(test.args[0]) in names and "list" in words_in(test.args[1])
        for test in conjuncts(following.test)
        if isinstance(test, ast.Call) and len(test.args) == 2
    )


def _elsewhere(branch: ast.If, scope: Scope) -> list[ast.stmt]:
    """What runs where the condition is false: the other branch, and what is returned behind it."""
    behind: list[ast.stmt] = [r for r in scope.of(ast.Return) if r.lineno > (branch.end_lineno or branch.lineno)]
    return [*branch.orelse, *behind]


def _as_text(body: list[ast.stmt], items: list[ast.expr], scope: Scope) -> bool:
    """Whether the items are written out as a text there."""
    names = {spelled(item) for item in items}
    return any(
        isinstance(node, ast.Call)
        and last(callee(node, scope)) in _TEXTS
        and any(spelled(given) in names for given in node.args)
        for part in body
        for node in walk(part)
    )
