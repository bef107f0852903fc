"""Which function of the same file a call is sure to reach, and whether its arguments fit."""

import ast

from harnessfix_ir.source.expressions import is_spread
from harnessfix_ir.source.scopes import FileContext, Scope

_PLAIN = ("staticmethod", "classmethod")


def function_called(call: ast.Call, scope: Scope, file: FileContext) -> Scope | None:
    """The one function that a call `name(…)` or `self.name(…)` reaches, None where it may be another.

    Args:
        call: the call.
        scope: the function, class or module that it stands in.
        file: the file around.
    """
    func = call.func
    if isinstance(func, ast.Name):
        return _by_name(func.id, scope, file)
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id in ("self", "cls"):
        owner = _class_around(scope)
        return _only(func.attr, owner) if owner is not None and func.attr not in owner.replaced else None
    return None


def is_plain(called: Scope) -> bool:
    """Whether no decorator may change how a function is called."""
    return all(isinstance(d, ast.Name) and d.id in _PLAIN for d in called.function.decorator_list)


def misfit(call: ast.Call, called: Scope) -> str:
    """What does not fit between a call and the function it reaches, in a few words; empty when all may fit."""
    arguments = called.function.args
    if is_spread(call):
        return ""
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in called.function.decorator_list)
    if called.owner is not None and not static:
        positional = positional[1:]
    named = [k.arg for k in call.keywords if k.arg is not None]
    known = {*positional, *(a.arg for a in arguments.kwonlyargs)}
    strange = [name for name in named if name not in known]
    if strange and arguments.kwarg is None:
        return f"it takes no `{strange[0]}`"
    if len(call.args) > len(positional) and arguments.vararg is None:
        return f"it takes {len(positional)} by position, and is given {len(call.args)}"
    optional = len(arguments.defaults)
    needed = positional[: len(positional) - optional] if optional else positional
    missing = [name for name in needed[len(call.args) :] if name not in named]
    missing += [
        a.arg
        for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None and a.arg not in named
    ]
    return f"`{missing[0]}` is missing" if missing else ""


def _by_name(name: str, scope: Scope, file: FileContext) -> Scope | None:
    if name not in file.defined or name in file.root.imports or name in file.root.stored:
        return None
    around: Scope | None = scope
    while around is not None and around is not file.root:
        if around.is_function and (
            name in around.params
            or name in around.imports
            or any(child.name == name for child in around.children)
            or name in around.stored
        ):
            return None
        around = around.parent
    return _only(name, file.root)


def _class_around(scope: Scope) -> Scope | None:
    around: Scope | None = scope
    while around is not None and not around.is_class:
        around = around.parent
    return around


def _only(name: str, owner: Scope) -> Scope | None:
    found = [child for child in owner.children if child.name == name]
    if len(found) != 1 or not found[0].is_function or _conditional(found[0], owner):
        return None
    return found[0]


def _conditional(child: Scope, owner: Scope) -> bool:
    """Whether the definition does not stand in the body of its owner directly: there may be another."""
    return child.node not in owner.node.body
