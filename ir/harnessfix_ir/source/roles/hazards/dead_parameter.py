"""A setting that a constructor takes and never looks at."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, is_stub, last, optional_params
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, all_arguments
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

_SAID = re.compile(r"deprecat|unused|ignored|no longer|backward|compatib|legacy|not used|reserved", re.IGNORECASE)


class DeadParameter(Role):
    """`def __init__(self, model, timeout=30): self.model = model`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if scope.name != "__init__" or scope.owner is None or _may_use_all(scope) or _is_base(scope.owner):
                continue
            used = {n.id for n in scope.deep(ast.Name)}
            optional = set(optional_params(scope.function))
            if not (isinstance(scope.owner.node, ast.ClassDef) and scope.owner.node.bases):
                optional |= set(scope.params[1:])  # nobody else prescribes what it takes
            for given in all_arguments(scope.function.args):
                if given.arg in optional and given.arg not in used and not given.arg.startswith("_"):
                    last_line = given.end_lineno or given.lineno
                    draft = Draft(
                        ElementRole.HAZARD, "dead-parameter", scope.qualname, given.lineno, last_line, AnchorKind.CALL
                    )
                    yield draft.add("dead-parameter").add("name", given.arg)


def _may_use_all(scope: Scope) -> bool:
    """Whether the constructor hands on all that it got, or says that something is ignored."""
    function = scope.function
    if is_stub(function) or function.args.kwarg is not None or any(child.is_class for child in scope.children):
        return True
    if any(isinstance(c.func, ast.Name) and c.func.id in ("locals", "vars") for c in scope.deep(ast.Call)):
        return True
    return any(isinstance(n.value, str) and _SAID.search(n.value) is not None for n in scope.of(ast.Constant))


def _is_base(owner: Scope) -> bool:
    """Whether the class is there to be derived from: what it takes is for those below it."""
    node = owner.node
    bases = [last(dotted(base, owner)) for base in node.bases] if isinstance(node, ast.ClassDef) else []
    abstract = any(
        "abstract" in last(dotted(d, owner))
        for child in owner.children
        if child.is_function
        for d in child.function.decorator_list
    )
    return abstract or any(base in ("ABC", "Protocol") for base in bases)
