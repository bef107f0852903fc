"""What an agent still holds of its run before: plain fields that nobody set back between the runs.

A number, flag or None counts as kept when it is what the run before left, and not what the first run began with; a
container when it is the same object, no smaller than it was left. What the new run sets until it first asks a model is
set back by it; a number that it only counts on from there is not. Values are compared, not held.
"""

from __future__ import annotations

from _weakref import ref

from .fingerprints import CONTAINERS, fingerprint
from .values import dict_of

MOST_AGENTS, MOST_RUNS = 64, 200
MOST_FIELDS = 40
LARGEST = 53  # bits
SAME = 1e-6
_SCALARS = (int, float, bool, str, type(None))

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Token = tuple[int, int, int, Any]
    """Of a field: fingerprint, id and length of a container (0 and -1 for others), its value or words for it."""
    Tokens = dict[str, Token]


class Kept:
    """What the agents of a process began and ended their runs with."""

    def __init__(self) -> None:
        self._ended: dict[int, tuple[Any, Entry, Tokens]] = {}
        self._runs = 0

    def begins(self, agent: Any, number: int, *, nested: bool) -> Entry | None:
        """A run begins; None when there were too many to look at another.

        Args:
            agent: the object; no other call of it goes on.
            number: of the element in the plan: runs of one function are compared.
            nested: whether another agent runs it.
        """
        self._runs += 1
        if self._runs > MOST_RUNS:
            return None
        now = tokens(agent)
        known = self._ended.pop(id(agent), None)
        if known is None or known[0]() is not agent or known[1].number != number:
            return Entry(number, nested, now, None, {})
        _, before, left = known
        return Entry(number, nested, now, before.first or before, left)

    def ended(self, agent: Any, entry: Entry) -> None:
        """The run ended."""
        try:
            holder = ref(agent)
        except TypeError:  # what it is could not be told when its id is used again
            return
        while len(self._ended) >= MOST_AGENTS:
            self._ended.pop(next(iter(self._ended)), None)
        self._ended[id(agent)] = holder, entry, tokens(agent)


class Entry:
    """The fields of one agent when a run begins.

    Args:
        number: of the element in the plan.
        nested: whether another agent runs it.
        now: what it begins with.
        first: the first run; None when this is it.
        left: what the run before ended with.
    """

    __slots__ = ("asked", "first", "kept", "nested", "now", "number", "renewed")

    def __init__(self, number: int, nested: bool, now: Tokens, first: Entry | None, left: Tokens) -> None:
        self.number, self.nested, self.now, self.first = number, nested, now, first
        self.asked: Tokens | None = None
        begun = {} if first is None else first.now
        self.kept = [n for n in begun if n in now and n in left and begun[n] != now[n] and _is_left(left[n], now[n])]
        self.renewed = sum(n in now and not _is_left(left[n], now[n]) for n in left)

    def asks(self, agent: Any) -> None:
        """A model is asked: what was set until now, the first time, was set back."""
        if self.asked is not None:
            return
        asked = self.asked = tokens(agent)
        fresh = [n for n in self.now if n in asked and not _is_left(self.now[n], asked[n]) and not self._counts_on(n)]
        self.kept = [name for name in self.kept if name not in fresh]
        self.renewed += len(fresh)

    def _counts_on(self, name: str) -> bool:
        """Whether a number went on from where it was, as far as it went in the first run if that asked a model, too."""
        begins, goes = _number(self.now, name), _number(self.asked, name)
        if begins is None or goes is None or self.first is None:
            return False
        begun, went = _number(self.first.now, name), _number(self.first.asked, name)
        if begun is None or went is None:
            return goes > begins
        return abs((went - begun) - (goes - begins)) <= SAME * abs(goes - begins)

    def told(self) -> dict[str, object]:
        """JSON members for the last line of the span."""
        if self.first is None or not self.kept:
            return {}
        told = {name: [_told(self.first.now[name][3]), _told(self.now[name][3])] for name in self.kept}
        return {"kept": told, "renewed": self.renewed, **({"nested": True} if self.nested else {})}


def tokens(agent: Any) -> Tokens:
    """The plain fields of an object."""
    found: Tokens = {}
    for name, value in list(dict_of(agent).items()):
        kind = type(value)
        if type(name) is not str or not name.isidentifier() or len(found) >= MOST_FIELDS:
            continue
        if kind in CONTAINERS:
            found[name] = fingerprint(value), id(value), len(value), f"{len(value)} item{'s' * (len(value) != 1)}"
        elif kind in _SCALARS:
            found[name] = fingerprint(value), 0, -1, value if kind is not str else "a text" if value else "no text"
    return found


def _is_left(before: Token, now: Token) -> bool:
    """Whether a field holds what it was left with, or that and more."""
    return before[0] == now[0] if now[2] < 0 else before[1] == now[1] and now[2] >= before[2]


def _number(fields: Tokens | None, name: str) -> float | None:
    value = fields[name][3] if fields and name in fields else None
    return value if type(value) in (int, float) else None


def _told(value: object) -> object:
    """What is written of a field."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if not isinstance(value, int) or value.bit_length() < LARGEST else "a large number"
