"""Functions and classes."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, is_stub, optional_params, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.scopes import FileContext, FunctionNode, Scope, all_arguments
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, at_function, lines_of
from .handed_on import handed_on
from .spoken import asked_of, names_of
from .wordings import wordings_of


class Functions(Role):
    """Every function, method and nested function."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            function = scope.function
            draft = at_function(ElementRole.FUNCTION, scope)
            draft.add("params", [*scope.params])
            draft.note("optional-params", [*optional_params(function)])
            stars = [a.arg for a in (function.args.vararg, function.args.kwarg) if a is not None]
            draft.note("variadic", [*stars])
            draft.note("changes-params", [*_declared_mutable(function)])
            draft.note("async", isinstance(function, ast.AsyncFunctionDef))
            draft.note("generator", bool(scope.of(ast.Yield) or scope.of(ast.YieldFrom)))
            draft.note("abstract", is_stub(function))
            if scope.owner is not None:
                draft.add("method-of", scope.owner.qualname)
            around = scope.parent if scope.parent is not None else scope
            draft.note("decorators", [name for d in function.decorator_list if (name := _decorator(d, around))])
            if function.returns is not None:
                draft.add("returns-annotation", file.segment(function.returns))
            draft.note("uses-locals", _uses_locals(scope))
            draft.note("wordings", wordings_of(scope, file))
            draft.note("names", names_of(scope))
            draft.note("asks", asked_of(scope))
            draft.note("handed-on", handed_on(scope))
            yield draft


class Classes(Role):
    """Every class."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.classes:
            node = scope.node
            assert isinstance(node, ast.ClassDef)
            around = scope.parent if scope.parent is not None else scope
            draft = Draft(ElementRole.CLASS, scope.name, scope.qualname, *lines_of(node), AnchorKind.CLASS)
            draft.add("bases", [name for base in node.bases if (name := dotted(base, around).removesuffix("[]"))])
            draft.note("mutable-class-attributes", [*_mutable_attributes(scope)])
            draft.note("decorators", [name for d in node.decorator_list if (name := _decorator(d, around))])
            yield draft


def _declared_mutable(function: FunctionNode) -> Iterator[str]:
    """Parameters whose declared type says that they are there to be changed: `MutableMapping[str, str]`."""
    for given in all_arguments(function.args):
        if given.annotation is not None and any(word.startswith("Mutable") for word in words_in(given.annotation)):
            yield given.arg


def _decorator(node: ast.expr, scope: Scope) -> str:
    return dotted(node, scope).removesuffix("()")


def _uses_locals(scope: Scope) -> bool:
    return any(isinstance(c.func, ast.Name) and c.func.id in ("locals", "vars", "globals") for c in scope.of(ast.Call))


def _mutable_attributes(scope: Scope) -> Iterator[str]:
    for assign in scope.of(ast.Assign):
        if _mutable(assign.value):
            yield from (target.id for target in assign.targets if isinstance(target, ast.Name))
    for annotated in scope.of(ast.AnnAssign):
        if annotated.value is not None and _mutable(annotated.value) and isinstance(annotated.target, ast.Name):
            yield annotated.target.id


def _mutable(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("list", "dict", "set", "defaultdict", "deque") and not node.args
    return isinstance(node, (ast.List, ast.Dict, ast.Set))
