"""Of the calls that a model asked for in one turn only the first is looked at."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, last, text_of, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_CALLS = re.compile(r"^(tool_?calls|function_?calls|tool_?uses|parsed_actions)(\(\))?$", re.IGNORECASE)

_ARGUMENTS = frozenset(("arguments", "args", "input", "parameters"))
_DESCRIBED = frozenset(("property", "cached_property", "computed_field"))


class FirstCallOnly(Role):
    """`reply.tool_calls[0]` where nothing goes through the rest or counts them."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if "first" in scope.name:
                continue  # it says so
            for node in scope.of(ast.Subscript):
                owner = last(dotted(node.value, scope))
                first = isinstance(node.slice, ast.Constant) and node.slice.value == 0
                if (
                    first
                    and isinstance(node.ctx, ast.Load)
                    and _CALLS.match(owner)
                    and "delta" not in words_in(node.value)  # a stream gives each call piece by piece
                    and not _one_is_asked_for(scope)
                    and not _asks_id(node, file)
                    and not _tells_the_first(scope, file, owner)
                    and not _reads_arguments_alone(node, scope, file)
                    and not _sees_rest(owner, node, scope)
                ):
                    yield hazard("first-call-only", scope, node).add("of", file.segment(node.value, 60))
                    break


def _one_is_asked_for(scope: Scope) -> bool:
    """Whether the function's own request makes the model call one tool by its name."""
    chosen = (given.value for call in scope.of(ast.Call) for given in call.keywords if given.arg == "tool_choice")
    return any(
        isinstance(value, ast.Dict) and any(text_of(key) == "function" for key in value.keys) for value in chosen
    )


def _asks_id(first: ast.Subscript, file: FileContext) -> bool:
    """Whether only the call's id is asked for, or whether another call is this one: that finds a turn or a call again
    and runs nothing."""
    around = file.parents.get(first)
    if isinstance(around, ast.Compare):
        return all(isinstance(op, (ast.Is, ast.IsNot)) for op in around.ops)
    return isinstance(around, ast.Attribute) and around.attr.endswith("id")


def _tells_the_first(scope: Scope, file: FileContext, calls: str) -> bool:
    """Whether the function is an attribute of a message or reply that stands beside the one with all of its calls."""
    owner = scope.owner
    beside = owner.method(calls) if owner is not None else None
    return all(s is not None and _DESCRIBED & set(_decorators(s)) for s in (scope, beside))


def _decorators(scope: Scope) -> Iterator[str]:
    for node in scope.function.decorator_list:
        yield last(dotted(node, scope))


def _reads_arguments_alone(first: ast.Subscript, scope: Scope, file: FileContext) -> bool:
    """Whether nothing but the arguments of the call is read, as where a model answers in the form of one: whoever does
    not ask which tool was called runs none."""
    around = file.parents.get(first)
    target = around.targets[0] if isinstance(around, ast.Assign) else None
    uses: list[ast.AST] = [first]
    if isinstance(target, ast.Name):
        uses = [n for n in scope.deep(ast.Name) if n.id == target.id and isinstance(n.ctx, ast.Load)]
    return bool(uses) and all(_end_of(use, file) in _ARGUMENTS for use in uses)


def _end_of(use: ast.AST, file: FileContext) -> str:
    """The last attribute or key of `call.function.arguments`, beginning at `call`; empty where none is asked for."""
    name = ""
    around = file.parents.get(use)
    while isinstance(around, (ast.Attribute, ast.Subscript)) and around.value is use:
        key = around.slice.value if isinstance(around, ast.Subscript) and isinstance(around.slice, ast.Constant) else ""
        name = around.attr if isinstance(around, ast.Attribute) else str(key)
        if name in _ARGUMENTS:
            return name  # what is done with them is no matter
        use, around = around, file.parents.get(around)
    return name


def _sees_rest(owner: str, first: ast.Subscript, scope: Scope) -> bool:
    """Whether the function goes through the calls, counts them, or hands all of them on."""
    named: list[ast.Attribute | ast.Name] = [*scope.of(ast.Attribute), *scope.of(ast.Name)]
    for node in named:
        name = node.attr if isinstance(node, ast.Attribute) else node.id
        if name == owner and isinstance(node.ctx, ast.Load) and node is not first.value and _matters(node, scope):
            return True
    return False


def _matters(node: ast.expr, scope: Scope) -> bool:
    held = [loop.iter for loop in scope.for_loops]
    held += [part.iter for comp in scope.of(ast.ListComp) for part in comp.generators]
    held += [part.iter for comp in scope.of(ast.GeneratorExp) for part in comp.generators]
    held += [value for call in scope.of(ast.Call) for value in (*call.args, *(k.value for k in call.keywords))]
    return any(node is inner for value in held for inner in walk(value))
