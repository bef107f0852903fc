"""Of the calls on one object that a class makes, all say something with the same keyword, and one leaves it out."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harnessfix_ir.source.expressions import dotted, is_spread, own_attribute, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

LEAST = 3  # calls that say it, for each that does not
_LOGGERS = frozenset({"log", "logger", "_log", "_logger"})


class _Told(NamedTuple):
    """A call of a method of what an object holds.

    Args:
        scope: the method that makes it.
        call: it.
        given: its keywords, each with the attribute of the object that it gets, empty for anything else.
    """

    scope: Scope
    call: ast.Call
    given: dict[str, str]

    @property
    def shape(self) -> tuple[str, int]:
        """The method that is called, and how much it is given by place."""
        assert isinstance(self.call.func, ast.Attribute)
        return self.call.func.attr, len(self.call.args)


class UnlikeCall(Role):
    """`self.session.read(path, user=self.user)`, `….write(…)`, `….rm(old, user=self.user)`, and once `….rm(new)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for owner in file.classes:
            for calls in _by_receiver(owner).values():
                yield from _unlike(calls, file)


def _by_receiver(owner: Scope) -> dict[str, list[_Told]]:
    """Calls by the name of what the object holds: `self.session`. What is logged each time says what it likes."""
    found: dict[str, list[_Told]] = defaultdict(list)
    for scope in owner.methods:
        for call in scope.of(ast.Call):
            receiver = dotted(call.func.value, scope) if isinstance(call.func, ast.Attribute) else ""
            first, *rest = receiver.split(".")
            if first == "self" and rest and rest[-1] not in _LOGGERS and all(part.isidentifier() for part in rest):
                given = ((word.arg or "**", own_attribute(word.value)) for word in call.keywords)
                found[receiver].append(_Told(scope, call, {word: name and f"self.{name}" for word, name in given}))
    return found


def _unlike(calls: Sequence[_Told], file: FileContext) -> Iterator[Draft]:
    shapes: dict[tuple[str, int], list[_Told]] = defaultdict(list)
    said: dict[str, list[_Told]] = defaultdict(list)
    for told in calls:
        if not is_spread(told.call):
            shapes[told.shape].append(told)
        for word in told.given:
            said[word].append(told)
    for word, telling in sorted(said.items()):
        values = {told.given[word] for told in telling}
        methods = {told.shape[0] for told in telling}
        if len(telling) < LEAST or len(values) > 1 or "" in values or len(methods) < 2:
            continue  # what only one method is told is a matter of that method
        twins = {told.shape: told.call for told in reversed(telling)}
        open_ = Counter(told.shape for told in telling if not is_spread(told.call))
        silent = sum(len(shapes[shape]) - open_[shape] for shape in twins)
        if not 0 < silent * LEAST <= len(telling):
            continue
        (value,) = values
        for told in (each for shape in sorted(twins) for each in shapes[shape] if word not in each.given):
            if told.scope.name == "__init__" or _is_decided(told.call, value, file):
                continue
            draft = hazard("unlike-call", told.scope, told.call).add("calls", file.segment(told.call.func))
            draft.add("keyword", word).add("parameter", value).add("times", len(telling))
            yield draft.add("has-at", twins[told.shape].lineno)


def _is_decided(call: ast.Call, value: str, file: FileContext) -> bool:
    """Whether a call stands where another way has failed, or where the value was looked at."""
    attribute = value.removeprefix("self.")
    for around in file.ancestors(call):
        if isinstance(around, ast.ExceptHandler):
            return True
        if isinstance(around, (ast.If, ast.IfExp)) and attribute in words_in(around.test):
            return True
    return False
