"""Of two functions that do the same work, one hands a parameter on to what both call, and the other keeps it."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from harnessfix_ir.source.expressions import dotted
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard
from .unlike_twins import families

MOST_IN_FAMILY = 8


class NotHandedOn(Role):
    """`run` calls `self._prepare(task)` and `run_stream` `self._prepare(task, **options)`; both take `options`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for family in families(file, prefixed=True):
            if len(family) > MOST_IN_FAMILY:
                continue
            told: set[tuple[ast.Call, str]] = set()
            for one, other in permutations([_Way(scope) for scope in family], 2):
                for call, keyword, fuller in _kept(one, other):
                    if (call, keyword) not in told:
                        told.add((call, keyword))
                        draft = hazard("not-handed-on", one.scope, call).add("calls", file.segment(call.func))
                        draft.add("parameter", other.given(fuller)[keyword]).add("keyword", keyword)
                        yield draft.add("twin", other.scope.qualname).add("has-at", fuller.lineno)


class _Way:
    """One way to do the work.

    Args:
        scope: the function.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.calls: dict[str, list[ast.Call]] = defaultdict(list)
        for call in scope.of(ast.Call):
            name = dotted(call.func, scope)
            if name and all(part.isidentifier() for part in name.split(".")):
                self.calls[name].append(call)
        again = {name.id for name in scope.deep(ast.Name) if isinstance(name.ctx, ast.Store)}
        self.handed = set(scope.params) - again - {"self", "cls"}

    def given(self, call: ast.Call) -> Mapping[str, str]:
        """Keywords of a call, `**` for what is spread out, each with the name that is handed over, if it is one."""
        return {word.arg or "**": word.value.id if isinstance(word.value, ast.Name) else "" for word in call.keywords}

    def writes_into(self, parameter: str, before: int) -> bool:
        """Whether something is put into a parameter before a line: `options["limit"] = limit`."""
        return any(
            isinstance(item.ctx, ast.Store) and getattr(item.value, "id", None) == parameter and item.lineno < before
            for item in self.scope.deep(ast.Subscript)
        )

    def only_hands_on(self, parameter: str) -> bool:
        """Whether a parameter is looked at in no other way than to hand it on under its name."""
        on = {
            word.value
            for call in self.scope.deep(ast.Call)
            for word in call.keywords
            if word.arg in (parameter, None) and isinstance(word.value, ast.Name)
        }
        read = (name for name in self.scope.deep(ast.Name) if name.id == parameter)
        return all(name in on for name in read)


def _kept(lacking: _Way, has: _Way) -> Iterator[tuple[ast.Call, str, ast.Call]]:
    """Calls that lack one keyword of the only call of the same by the other, which both could give."""
    for name, calls in lacking.calls.items():
        fuller = has.calls.get(name, [])
        if len(calls) != 1 or len(fuller) != 1 or _places(calls[0]) != _places(fuller[0]):
            continue
        given, more = lacking.given(calls[0]), has.given(fuller[0])
        lost = [word for word in more if word not in given]
        if len(lost) != 1 or len(more) != len(given) + 1 or "**" in given:
            continue
        parameter = more[lost[0]]
        if parameter not in lacking.handed & has.handed or _differ(calls[0], fuller[0]):
            continue
        spread = lost[0] == "**" and not lacking.writes_into(parameter, calls[0].lineno)
        if spread or (lost[0] != "**" and lacking.only_hands_on(parameter)):
            yield calls[0], lost[0], fuller[0]


def _differ(call: ast.Call, other: ast.Call) -> bool:
    """Whether two calls give another value to a keyword that both give."""
    values = {word.arg: ast.dump(word.value) for word in call.keywords}
    return any(values.get(word.arg, value) != value for word in other.keywords for value in [ast.dump(word.value)])


def _places(call: ast.Call) -> Sequence[str]:
    """What a call gives by place."""
    return [ast.dump(arg) for arg in call.args]
