"""Which names are certain to be bound at a place."""

import builtins
from collections.abc import Iterable

import libcst as cst

from .python import PythonFile

_OWN_SCOPE = (cst.FunctionDef, cst.ClassDef, cst.Lambda)


def names_in(file: PythonFile, node: cst.CSTNode) -> set[str]:
    """Names that an expression or statement reads; attribute and keyword names are none."""
    skip: set[cst.CSTNode] = set()
    for attribute in file.within(node, cst.Attribute):
        skip.add(attribute.attr)
    for arg in file.within(node, cst.Arg):
        if arg.keyword is not None:
            skip.add(arg.keyword)
    return {name.value for name in file.within(node, cst.Name) if name not in skip}


def bound_at(file: PythonFile, at: cst.CSTNode) -> set[str]:
    """Names that hold a value whenever `at` runs.

    Parameters, targets of the loops, `with` items and handlers around it, what earlier statements of the blocks around
    it assign without condition, module-level names, and builtins.
    """
    names = set(dir(builtins)) | set(file.imported)
    child: cst.CSTNode = at
    for node in file.parents(at):
        if isinstance(node, (cst.IndentedBlock, cst.Module)):
            body: list[cst.CSTNode] = list(node.body)
            earlier = body if isinstance(node, cst.Module) else body[: body.index(child)] if child in body else []
            names.update(_assigned(file, earlier))
        elif isinstance(node, cst.FunctionDef):
            names.update(parameters(node))
        elif isinstance(node, cst.For):
            names.update(_targets(file, [node.target]))
        elif isinstance(node, cst.With):
            names.update(_targets(file, [item.asname.name for item in node.items if item.asname]))
        elif isinstance(node, cst.ExceptHandler) and node.name is not None:
            names.update(_targets(file, [node.name.name]))
        child = node
    return names


def is_rebound(file: PythonFile, name: str) -> bool:
    """Whether anything in the file but a method, or an import of that very module, gives the name a meaning."""
    return file.imported.get(name, name) != name or name in file.bound_names


def parameters(function: cst.FunctionDef) -> list[str]:
    """Names of a function's parameters."""
    given = function.params
    plain = [*given.posonly_params, *given.params, *given.kwonly_params]
    starred = [star for star in (given.star_arg, given.star_kwarg) if isinstance(star, cst.Param)]
    return [param.name.value for param in [*plain, *starred]]


def _assigned(file: PythonFile, statements: Iterable[cst.CSTNode]) -> set[str]:
    names: set[str] = set()
    for statement in statements:
        if isinstance(statement, (cst.FunctionDef, cst.ClassDef)):
            names.add(statement.name.value)
        elif isinstance(statement, cst.With):
            names.update(_targets(file, [item.asname.name for item in statement.items if item.asname]))
            names.update(_assigned(file, statement.body.body))
        elif isinstance(statement, cst.SimpleStatementLine):
            for small in statement.body:
                if isinstance(small, cst.Assign):
                    names.update(_targets(file, [target.target for target in small.targets]))
                elif isinstance(small, cst.AnnAssign) and small.value is not None:
                    names.update(_targets(file, [small.target]))
    return names


def _targets(file: PythonFile, targets: Iterable[cst.CSTNode]) -> set[str]:
    names: set[str] = set()
    for target in targets:
        if isinstance(target, cst.Name):
            names.add(target.value)
        elif isinstance(target, (cst.Tuple, cst.List)):
            names.update(_targets(file, [element.value for element in target.elements]))
    return names


def loop_around(file: PythonFile, node: cst.CSTNode) -> cst.For | cst.While | None:
    """The innermost loop around a node in its own function; a loop's `else` is not inside it."""
    child = node
    for above in file.parents(node):
        if isinstance(above, _OWN_SCOPE):
            return None
        if isinstance(above, (cst.For, cst.While)) and child is above.body:
            return above
        child = above
    return None
