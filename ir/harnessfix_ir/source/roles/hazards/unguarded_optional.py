"""A field that is declared as possibly None and used as if it never were."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import EXITS, defaults_of, dotted, is_none, own_attribute
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard


class UnguardedOptional(Role):
    """`tool_calls: list | None = None` and, in a method, `self.tool_calls[0].id`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for owner in file.classes:
            optional = {
                node.target.id
                for node in owner.of(ast.AnnAssign)
                if isinstance(node.target, ast.Name) and is_none(node.value) and _may_be_none(node.annotation)
            }
            optional -= {name for method in owner.methods for name in _given_a_value(method)} if optional else set()
            for method in owner.children if optional else ():
                if method.is_function and method.name not in ("__init__", "__post_init__"):
                    yield from _uses(method, optional, file)


def _given_a_value(method: Scope) -> Iterator[str]:
    """Fields that are given a value whenever an object is made: by its start, or by a validator of the whole."""
    starts = method.name in ("__init__", "__post_init__", "model_post_init")
    decorated = method.is_function and any("validator" in dotted(d, method) for d in method.function.decorator_list)
    if not starts and not decorated:
        return
    maybe = {name for name, default in defaults_of(method.function) if is_none(default)}
    for statement in method.function.body:
        # Either in any case, or where it is None.
        inner = statement.body if isinstance(statement, ast.If) and _asks_for_none(statement.test) else [statement]
        for node in inner:
            if not isinstance(node, ast.Assign) or is_none(node.value):
                continue
            if not (isinstance(node.value, ast.Name) and node.value.id in maybe):
                yield from filter(None, map(own_attribute, targets_of(node)))


def _asks_for_none(test: ast.expr) -> bool:
    """Whether a test is `self.x is None` or `not self.x`."""
    if isinstance(test, ast.UnaryOp):
        return isinstance(test.op, ast.Not) and bool(own_attribute(test.operand))
    return isinstance(test, ast.Compare) and bool(own_attribute(test.left)) and is_none(test.comparators[0])


def _uses(method: Scope, optional: set[str], file: FileContext) -> Iterator[Draft]:
    seen: set[str] = set()
    for node in method.of(ast.Attribute):
        name = node.attr
        if name in seen or name not in optional or not own_attribute(node):
            continue
        around = file.parents.get(node)
        indexed = isinstance(around, ast.Subscript) and around.value is node and isinstance(around.slice, ast.Constant)
        gone_through = isinstance(around, (ast.For, ast.AsyncFor, ast.comprehension)) and around.iter is node
        if not (indexed or gone_through) or not isinstance(node.ctx, ast.Load) or _is_guarded(node, method, file):
            continue
        seen.add(name)
        how = "indexed" if indexed else "gone-through"
        yield hazard("unguarded-optional", method, node).add("name", name).add("how", how)


def _is_guarded(use: ast.Attribute, method: Scope, file: FileContext) -> bool:
    """Whether a test around the use looks at the field, or something before it sets it, asks for it, or leaves."""
    for around in file.ancestors(use):
        tests = around.values if isinstance(around, ast.BoolOp) else [getattr(around, "test", None)]
        if isinstance(around, ast.comprehension):
            tests = [*around.ifs]
        if any(test is not None and _names(test, use) for test in tests):
            return True
    for branch in method.of(ast.If):
        if branch.lineno < use.lineno and _names(branch.test, use) and _leaves(branch.body):
            return True
    before: list[ast.AST] = [n for n in method.of(ast.Attribute) if isinstance(n.ctx, ast.Store)]
    before += [*method.of(ast.Assert), *method.of(ast.Match)]
    before += [call for call in method.of(ast.Call) if dotted(call.func, method).startswith("self.")]
    return any(getattr(n, "lineno", 0) < use.lineno and _names(n, use) for n in before)


def _names(node: ast.AST, use: ast.Attribute) -> bool:
    return any(isinstance(n, ast.Attribute) and n is not use and n.attr == use.attr for n in walk(node))


def _leaves(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], EXITS)


def _may_be_none(annotation: ast.expr) -> bool:
    if isinstance(annotation, ast.BinOp):
        return is_none(annotation.right) or is_none(annotation.left) or _may_be_none(annotation.left)
    return (
        isinstance(annotation, ast.Subscript)
        and getattr(annotation.value, "id", getattr(annotation.value, "attr", "")) == "Optional"
    )
