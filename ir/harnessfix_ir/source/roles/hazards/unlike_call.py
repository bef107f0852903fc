"""Of the calls on one object that a class makes, all say something with the same keyword, and one leaves it out."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from harnessfix_ir.source.expressions import dotted, own_attribute
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

LEAST = 3  # calls that say it, for each that does not


class UnlikeCall(Role):
    """`self.session.read(path, user=self.user)`, `….write(…)`, `….rm(old, user=self.user)`, and once `….rm(new)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for owner in file.classes:
            for calls in _by_receiver(owner).values():
                for keyword, value in _words([call for _, call in calls]):
                    said = {_shape(call): call for _, call in reversed(calls) if keyword in _given(call)}
                    times = sum(keyword in _given(call) for _, call in calls)
                    silent = [(scope, call) for scope, call in calls if _shape(call) in said and _lacks(call, keyword)]
                    if len(silent) * LEAST > times:
                        continue
                    for scope, call in silent:
                        draft = hazard("unlike-call", scope, call).add("calls", file.segment(call.func))
                        draft.add("keyword", keyword).add("parameter", value).add("times", times)
                        yield draft.add("has-at", said[_shape(call)].lineno)


def _by_receiver(owner: Scope) -> dict[str, list[tuple[Scope, ast.Call]]]:
    """Calls of methods of what the object holds, by the name of that: `self.session`."""
    found: dict[str, list[tuple[Scope, ast.Call]]] = defaultdict(list)
    for scope in owner.methods:
        for call in scope.of(ast.Call):
            receiver = dotted(call.func.value, scope) if isinstance(call.func, ast.Attribute) else ""
            if receiver.startswith("self.") and all(part.isidentifier() for part in receiver.split(".")):
                found[receiver].append((scope, call))
    return found


def _words(calls: Sequence[ast.Call]) -> list[tuple[str, str]]:
    """Keywords that get the same attribute of the object in many of these calls, and nothing else in any."""
    counts = Counter(item for call in calls for item in _given(call).items())
    values = Counter(word for word, _ in counts)
    return sorted(
        (word, value) for (word, value), times in counts.items() if times >= LEAST and value and values[word] == 1
    )


def _given(call: ast.Call) -> dict[str, str]:
    """Keywords of a call, each with the attribute of the object that it gets, empty for anything else."""
    given = ((word.arg or "**", own_attribute(word.value)) for word in call.keywords)
    return {word: name and f"self.{name}" for word, name in given}


def _lacks(call: ast.Call, keyword: str) -> bool:
    given = _given(call)
    return keyword not in given and "**" not in given and not any(isinstance(arg, ast.Starred) for arg in call.args)


def _shape(call: ast.Call) -> tuple[str, int]:
    """The method that is called, and how much it is given by place."""
    assert isinstance(call.func, ast.Attribute)
    return call.func.attr, len(call.args)
