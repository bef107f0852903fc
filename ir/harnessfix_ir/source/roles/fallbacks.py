"""`value or fallback`, where the value counts and not whether it is true."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import called_name, callee, defaults_of, is_constant, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, at_node

_ASKS = re.compile(
    r"^_*(is|has|can|should|are|was|did|does|needs|any|all|isinstance|issubclass|callable|hasattr|bool)(_|$)"
)
_TESTS = re.compile(r"^(starts|ends)with$|^is[a-z]+$|match$")


class Fallbacks(Role):
    """One element per choice; those that only ask whether one of several things is so are none."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            for choice in scope.of(ast.BoolOp):
                value, default = choice.values[:2]
                if not isinstance(choice.op, ast.Or) or not _is_value(value, scope) or _is_false_unless_given(value):
                    continue
                if _is_nothing(default) or not _is_value(default, scope) or _is_asked(choice, scope, file):
                    continue
                draft = at_node(ElementRole.FALLBACK, scope, choice, AnchorKind.CALL, file.segment(value, 60))
                draft.note("none-unless-given", _is_none_unless_given(value, scope))
                yield draft.add("default", file.segment(default, 60)).add("column", choice.col_offset)


def _is_value(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression stands for something else than true or false, as far as its words tell."""
    if isinstance(node, ast.Await):
        node = node.value
    if isinstance(node, ast.Call):
        name = last(callee(node, scope))
        return not (_ASKS.search(name) or _TESTS.search(name))
    if isinstance(node, (ast.Name, ast.Attribute)):
        return not _ASKS.search(node.id if isinstance(node, ast.Name) else node.attr)
    return not isinstance(node, (ast.Compare, ast.UnaryOp, ast.BoolOp)) and not (
        isinstance(node, ast.Constant) and isinstance(node.value, bool)
    )


def _is_false_unless_given(node: ast.expr) -> bool:
    """Whether false is what the expression itself takes for not given: `options.get("cache", False)`."""
    if not isinstance(node, ast.Call) or len(node.args) < 2 or not isinstance(node.args[-1], ast.Constant):
        return False
    name = called_name(node)
    told = node.args[-1].value
    return name in ("get", "getattr", "pop", "setdefault") and told is not None and not told


def _is_none_unless_given(value: ast.expr, scope: Scope) -> bool:
    """Whether a value is a parameter that is None where nobody gives one: anything else in it was given."""
    if not isinstance(value, ast.Name) or not isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    default = dict(defaults_of(scope.node)).get(value.id)
    return isinstance(default, ast.Constant) and default.value is None


def _is_nothing(node: ast.expr) -> bool:
    """Whether it makes no difference which of the two is taken: the fallback is empty, zero, or the 1 that a divisor
    must have at least."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return not node.elts
    if isinstance(node, ast.Dict):
        return not node.keys
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _EMPTY and not node.args and not node.keywords
    return is_constant(node) and isinstance(node, ast.Constant) and (not node.value or node.value == 1)


_EMPTY = frozenset({"list", "dict", "set", "tuple", "str", "bytes", "frozenset"})


def _is_asked(choice: ast.BoolOp, scope: Scope, file: FileContext) -> bool:
    """Whether only the truth of the whole matters: in a condition, in `not`, in `bool(…)`, for each in `any(…)`."""
    inner: ast.AST = choice
    for around in file.ancestors(choice):
        if isinstance(around, (ast.BoolOp, ast.UnaryOp)):
            if isinstance(around, ast.UnaryOp):
                return isinstance(around.op, ast.Not)
            if inner is not around.values[-1]:
                return True
        elif isinstance(around, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            return around.test is inner
        elif isinstance(around, ast.comprehension):
            return inner in around.ifs
        elif isinstance(around, (ast.GeneratorExp, ast.ListComp, ast.SetComp)):
            if around.elt is not inner:
                return False  # `any(a or b for …)` asks for the truth of each
        else:
            return isinstance(around, ast.Call) and callee(around, scope) in ("bool", "any", "all")
        inner = around
    return False
