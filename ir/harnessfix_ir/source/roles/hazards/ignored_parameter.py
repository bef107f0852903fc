"""A function takes an option and never looks at it: whatever is asked for, the same happens."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import body_without_docstring, callee, is_stub, last, optional_params
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, all_arguments
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

_SAID = re.compile(
    r"deprecat|unused|ignored|no longer|backward|compatib|legacy|not used|reserved|not support", re.IGNORECASE
)
_ASKS = re.compile(r"^_?(a?generate|a?query|a?complet\w*|a?create|a?chat|a?invoke|a?run|a?call|a?stream\w*|__call__)$")


class IgnoredParameter(Role):
    """`def ask(messages, timeout=30): return self.client.create(messages)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            node = scope.function
            if scope.name == "__init__" or node.decorator_list or is_stub(node) or not _is_own(scope, file):
                continue
            if len(body_without_docstring(node)) < 2 or _says_so(scope):
                continue
            used = {n.id for n in scope.deep(ast.Name)}
            if "locals" in used or "vars" in used:
                continue
            optional = set(optional_params(node))
            for given in all_arguments(node.args):
                rest = given is node.args.kwarg and _ASKS.match(scope.name) is not None and _asks_on(scope)
                if (given.arg in optional or rest) and given.arg not in used and not given.arg.startswith("_"):
                    end = given.end_lineno or given.lineno
                    draft = Draft(
                        ElementRole.HAZARD, "ignored-parameter", scope.qualname, given.lineno, end, AnchorKind.CALL
                    )
                    yield draft.add("ignored-parameter").add("name", ("**" if rest else "") + given.arg)


def _is_own(scope: Scope, file: FileContext) -> bool:
    """Whether nobody else prescribes the parameters: no method that stands for one of a base class or of a twin."""
    owner = scope.owner
    if owner is None:
        return scope.parent is not None and not scope.parent.is_function
    node = owner.node
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    if bases:
        return False
    return sum(other.name == scope.name for other in file.functions) == 1


def _says_so(scope: Scope) -> bool:
    return any(isinstance(n.value, str) and _SAID.search(n.value) is not None for n in scope.of(ast.Constant))


def _asks_on(scope: Scope) -> bool:
    """Whether the function hands its work on to another that asks a model."""
    return any(_ASKS.match(last(callee(call, scope))) for call in scope.deep(ast.Call))
