"""Of two functions that do the same work, one hands a parameter on to what both call, and the other keeps it.

So it may do with an attribute of the object that both are methods of.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from harnessfix_ir.source.expressions import dotted, own_attribute
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import spelled
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard
from .unlike_twins import families

MOST_IN_FAMILY = 8
LEAST_ALIKE = 2  # keywords that both calls give the same, before one that only one gives counts as forgotten
# What one way to do it may need, and the other not.
_OF_ONE_WAY = re.compile(
    r"sync|stream|event|chunk|delta|loop|lock|semaphore|executor|pool|thread|context|usage|format|tool_choice|file"
)
_TELLS = re.compile(r"(^|\.)_?(log|logger|logging|print|console)(\.|$)|^(info|debug|warning|error)$")


class NotHandedOn(Role):
    """`run` calls `self._prepare(task)` and `run_stream` `self._prepare(task, **options)`; both take `options`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for family in families(file, prefixed=True):
            if len(family) > MOST_IN_FAMILY:
                continue
            told: set[tuple[ast.Call, str]] = set()
            for one, other in permutations([_Way(scope) for scope in family], 2):
                for call, keyword, value, fuller in (*_kept(one, other), *_forgotten(one, other)):
                    if (call, keyword) not in told:
                        told.add((call, keyword))
                        draft = hazard("not-handed-on", one.scope, call).add("calls", file.segment(call.func))
                        draft.add("parameter", value).add("keyword", keyword)
                        yield draft.add("twin", other.scope.qualname).add("has-at", fuller.lineno)


class _Way:
    """One way to do the work.

    Args:
        scope: the function.

    Attributes:
        calls: what it calls, by name.
        handed: parameters that it does not give another value.
        looked_at: names that it does more with than to hand them on under the same name.
        written: the first line that puts something into a name (`options["limit"] = limit`).
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.calls: dict[str, list[ast.Call]] = defaultdict(list)
        for call in scope.of(ast.Call):
            name = dotted(call.func, scope)
            if name and all(part.isidentifier() for part in name.split(".")):
                self.calls[name].append(call)
        words = [word for call in scope.deep(ast.Call) for word in call.keywords]
        on = {id(word.value) for word in words if word.arg in (_name_of(word), None)}
        names = list(scope.deep(ast.Name))
        again = {name.id for name in names if isinstance(name.ctx, ast.Store)}
        self.handed = set(scope.params) - again - {"self", "cls"}
        self.looked_at = {name.id for name in names if id(name) not in on}
        self.written: dict[str, int] = {}
        for item in sorted(scope.deep(ast.Subscript), key=lambda item: item.lineno):
            if isinstance(item.ctx, ast.Store) and isinstance(item.value, ast.Name):
                self.written.setdefault(item.value.id, item.lineno)

    def keeps(self, parameter: str, call: ast.Call, keyword: str) -> bool:
        """Whether a parameter that the call could be given is left as it is, and used for nothing else.

        What holds all that is spread out (`**`) may be looked at, as long as nothing is put into it before the call.
        """
        if keyword == "**":
            return self.written.get(parameter, call.lineno) >= call.lineno
        return parameter not in self.looked_at


_Lacks = tuple[ast.Call, str, str, ast.Call]
"""A call, a keyword that it lacks, what the other call gives for it, and that call."""


def _kept(lacking: _Way, has: _Way) -> Iterator[_Lacks]:
    """Calls that lack one keyword of the only call of the same by the other, which both could give."""
    both = lacking.handed & has.handed
    for name, calls in lacking.calls.items():
        fuller = has.calls.get(name, [])
        if len(calls) != 1 or len(fuller) != 1:
            continue
        call, given, more = calls[0], _given(calls[0]), _given(fuller[0])
        lost = more.keys() - given.keys()
        same = all(more.get(word) == said for word, said in given.items())
        if len(lost) != 1 or not same or "**" in given or _places(call) != _places(fuller[0]):
            continue
        (keyword,) = lost
        if more[keyword] in both and lacking.keeps(more[keyword], call, keyword):
            yield call, keyword, more[keyword], fuller[0]


def _forgotten(lacking: _Way, has: _Way) -> Iterator[_Lacks]:
    """Calls that lack what the only call of the same by the other says of the object: `address=self.address`."""
    known: set[str] = set()
    for name in sorted(lacking.calls.keys() & has.calls.keys()):
        if len(lacking.calls[name]) != 1 or len(has.calls[name]) != 1:
            continue
        (call,), (more,) = lacking.calls[name], has.calls[name]
        given, said = _given(call), _given(more)
        own = [word.arg for word in more.keywords if word.arg and own_attribute(word.value) == word.arg]
        lost = [word for word in own if word not in given and _OF_ONE_WAY.search(word) is None]
        alike = sum(said.get(word) == value for word, value in given.items() if word != "**")
        spread = said.get("**") == given.get("**")  # what it holds is the same for both
        if not lost or alike < LEAST_ALIKE or not spread or len(_places(call)) != len(_places(more)):
            continue
        if _TELLS.search(name) or not given.keys() <= said.keys():
            continue
        known = known or _spoken(lacking.scope)
        yield from ((call, word, f"self.{word}", more) for word in lost if word not in known)


def _spoken(scope: Scope) -> set[str]:
    """Attributes, keywords and texts of a function: what it may say in another way."""
    known = {node.attr for node in scope.deep(ast.Attribute)}
    known.update(word.arg for word in scope.deep(ast.keyword) if word.arg)
    known.update(text.value for text in scope.deep(ast.Constant) if isinstance(text.value, str))
    return known


def _given(call: ast.Call) -> Mapping[str, str]:
    """Keywords of a call, `**` for what is spread out, with the names that are handed over, else what stands there."""
    return {word.arg or "**": _name_of(word) or spelled(word.value) for word in call.keywords}


def _name_of(word: ast.keyword) -> str:
    return word.value.id if isinstance(word.value, ast.Name) else ""


def _places(call: ast.Call) -> Sequence[str]:
    """What a call gives by place."""
    return [spelled(arg) for arg in call.args]
