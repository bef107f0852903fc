"""Third-party packages that code imports; linking compares them with what is declared."""

import ast
import sys
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, at_node
from .handlers import caught_types

_MISSING = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")


class Imports(Role):
    """One element per import of a package that is not of the standard library; linking drops those of the harness."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            for plain in scope.of(ast.Import):
                for alias in plain.names:
                    yield from _import(alias.name, plain, scope, file)
            for node in scope.of(ast.ImportFrom):
                if node.level == 0 and node.module:
                    yield from _import(node.module, node, scope, file)


def _import(name: str, node: ast.Import | ast.ImportFrom, scope: Scope, file: FileContext) -> Iterator[Draft]:
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top.startswith("_"):
        return
    draft = at_node(ElementRole.DEPENDENCY, scope, node, AnchorKind.DEPENDENCY, top)
    draft.add("imported", name)
    draft.note("optional", _optional(node, scope, file))
    yield draft


def _optional(node: ast.stmt, scope: Scope, file: FileContext) -> bool:
    """Whether the program does without: the import is tried, only for type checkers, or made when needed."""
    inner: ast.AST = node
    for around in file.ancestors(node):
        if isinstance(around, (ast.Try, ast.TryStar)) and inner in around.body:
            caught = {t for h in around.handlers for t in caught_types(h, scope) or ["BaseException"]}
            if caught & set(_MISSING):
                return True
        if isinstance(around, ast.If) or (isinstance(around, (ast.With, ast.AsyncWith)) and _forgives(around)):
            return True
        inner = around
    return scope.is_function


def _forgives(block: ast.With | ast.AsyncWith) -> bool:
    """Whether a `with` block lets a failed import pass: `suppress(ImportError)`, or a manager that says so."""
    named = " ".join(ast.unparse(item.context_expr) for item in block.items)
    return "ImportError" in named or "ModuleNotFoundError" in named or "import" in named.lower()
