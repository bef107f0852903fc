"""Of two functions that do the same work, one hands a parameter on to what both call, and the other keeps it."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from itertools import permutations

from harnessfix_ir.source.expressions import dotted
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard
from .unlike_twins import families, plain_name


class NotHandedOn(Role):
    """`run` calls `self._prepare(task)` and `run_stream` `self._prepare(task, **options)`; both take `options`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for family in families(file, prefixed=True):
            for one, other in permutations(family, 2):
                yield from _compare(one, other)


def _compare(lacking: Scope, has: Scope) -> Iterator[Draft]:
    mine, theirs = _calls(lacking), _calls(has)
    both = _parameters(lacking) & _parameters(has)
    for name in mine.keys() & theirs.keys():
        if len(mine[name]) != 1 or len(theirs[name]) != 1:
            continue
        call, fuller = mine[name][0], theirs[name][0]
        given, more = _given(call), _given(fuller)
        if len(call.args) != len(fuller.args) or given.keys() - more.keys():
            continue
        lost = sorted(word for word in more.keys() - given.keys() if more[word] in both)
        if len(lost) == 1 and len(more) == len(given) + 1:
            draft = hazard("not-handed-on", lacking, call).add("calls", dotted(call.func, lacking))
            draft.add("parameter", more[lost[0]]).add("keyword", lost[0])
            yield draft.add("twin", has.qualname).add("has-at", fuller.lineno)


def _calls(scope: Scope) -> dict[str, list[ast.Call]]:
    found: dict[str, list[ast.Call]] = defaultdict(list)
    for call in scope.deep(ast.Call):
        name = dotted(call.func, scope)
        if name:
            owner, _, own = name.rpartition(".")
            found[f"{owner}.{plain_name(own)}".lstrip(".")].append(call)
    return found


def _parameters(scope: Scope) -> set[str]:
    arguments = getattr(scope.node, "args", None)
    if not isinstance(arguments, ast.arguments):
        return set()
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {each.arg for each in every if each is not None} - {"self", "cls"}


def _given(call: ast.Call) -> dict[str, str]:
    """Keywords of a call, `**` for what is spread out, each with the name that is handed over, if it is one."""
    return {word.arg or "**": word.value.id if isinstance(word.value, ast.Name) else "" for word in call.keywords}
