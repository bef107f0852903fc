"""A share whose upper part counts what differs and whose lower part counts all, repeated ones too."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard


class DistinctOverAll(Role):
    """`wanted = {d.text for d in truths}`, `found = wanted & got`, then `len(found) / len(truths)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            shares = [node for node in scope.of(ast.BinOp) if isinstance(node.op, ast.Div)]
            counted = [(node, _counted(node.left), _counted(node.right)) for node in shares]
            if not any(above and below for _, above, below in counted):
                continue
            made, shared = _shared(scope)
            for node, above, below in counted:
                if below not in made and below in shared.get(above, ()):
                    yield hazard("distinct-over-all", scope, node).add("above", above).add("below", below)


def _counted(value: ast.expr) -> str:
    """The plain name whose length a value is; empty for anything else."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "len" and value.args:
        return value.args[0].id if isinstance(value.args[0], ast.Name) else ""
    return ""


def _shared(scope: Scope) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Names of sets made here, and names of what two sets have in common; each with what the sets were made from.

    That somebody made a set of a thing says that it is none. Of a share of one set in its own list both are meant.
    """
    made: dict[str, set[str]] = {}
    shared: dict[str, set[str]] = {}
    for name, values in scope.bindings.items():
        value = values[0]
        if len(values) > 1:
            continue
        if (sources := _sources(value, made, scope)) is not None:
            made[name] = sources
        elif (sides := _in_common(value)) is not None:
            found = [_sources(side, made, scope) for side in sides]
            if found[0] is not None and None not in found:
                shared[name] = set().union(*(each for each in found if each is not None))
    return made, shared


def _in_common(value: ast.expr) -> list[ast.expr] | None:
    """The sets of which something is what they have in common; of `a.intersection(b)` the first, `b` may be a list."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitAnd):
        return [value.left, value.right]
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "intersection":
        return [value.func.value]
    return None


def _sources(value: ast.expr, made: dict[str, set[str]], scope: Scope) -> set[str] | None:
    """Names of what a set is made from, None where no set is made."""
    if isinstance(value, ast.SetComp):
        return {node.id for part in value.generators for node in walk(part.iter) if isinstance(node, ast.Name)}
    if isinstance(value, ast.Call) and dotted(value.func, scope) in ("set", "frozenset"):
        return {arg.id for arg in value.args if isinstance(arg, ast.Name)}
    return made.get(value.id) if isinstance(value, ast.Name) else None
