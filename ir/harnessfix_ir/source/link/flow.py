"""The calls of a file with the questions that roles ask of them: which ask the model, what a loop reaches."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from harnessfix_ir.source.expressions import last
from harnessfix_ir.source.facts import Call, Draft, FileFacts
from harnessfix_ir.source.words import (
    MESSAGES_NAME,
    MESSAGES_PARAMS,
    MODEL_OBJECT,
    MODEL_RECEIVER,
    MODEL_VERBS,
    STRICT_MESSAGES,
)
from harnessfix_ir.vocabulary import ElementRole

from .exports import AWAITED
from .program import Key, Program, written
from .tables import LEADS

MAX_EDGES = 4
_MANY = 12


@dataclass(slots=True)
class Edge:
    """A call with what it may mean."""

    call: Call
    targets: list[Key]
    plain: bool
    asks: bool | None = None

    @property
    def resolved(self) -> str:
        """`path:qualname` of the callee, empty when several compete."""
        return written(self.targets[0]) if self.targets and self.plain else ""

    @property
    def leads(self) -> bool:
        """Whether it is followed when one looks for what a function reaches."""
        return 0 < len(self.targets) <= _MANY


class Leads(NamedTuple):
    """Where the calls of a function lead, for other files: no lines, so that moving it changes nothing for them.

    Args:
        reach: what it may call.
        asks: whether a call outside of its stepping loops asks the model.
        on: what it calls outside of its stepping loops.
    """

    reach: list[Key]
    asks: bool
    on: list[Key]


class Flow:
    """Calls of one file, and reachability from them over at most `MAX_EDGES` of the harness."""

    def __init__(self, program: Program, facts: FileFacts) -> None:
        self.program, self.facts = program, facts
        self.edges: dict[str, list[Edge]] = {}
        own, caller = [], None
        for call in facts.calls:
            if call.caller != caller:  # calls of one function stand together
                caller = call.caller
                own = self.edges.setdefault(caller, [])
            targets, plain = program.candidates(call, facts.path)
            own.append(Edge(call, targets, plain))
        self.models: dict[str, Draft] = {}
        self.loops: dict[str, list[Draft]] = {}
        self.retried: set[int] = set()
        for draft in facts.drafts:
            if draft.role is ElementRole.MODEL_CALL:
                self.models[draft.qualname] = draft
            elif draft.role is ElementRole.LOOP:
                self.loops.setdefault(draft.qualname, []).append(draft)
            elif draft.role is ElementRole.RETRY and draft.get("library") == "loop":
                self.retried.add(draft.start)
        self._exposed: dict[tuple[Key, int], bool] = {}
        self._nests: dict[str, Nest] = {}
        self._model_objects: dict[str, set[str]] = {}

    def leads(self) -> Iterator[tuple[str, Leads]]:
        """By qualified name, where the calls of each function lead; functions that lead nowhere are left out."""
        for qualname, edges in self.edges.items():
            free = self.nest(qualname).free
            reach = {target: None for edge in edges if edge.leads for target in edge.targets}
            on = {target: None for edge in free if _leads_on(edge) for target in edge.targets}
            found = Leads([*reach], any(map(self.asks, free)), [*on])
            if any(found):
                yield qualname, found

    def asks(self, edge: Edge) -> bool:
        """Whether a call asks the model: it leads to model calls only, or is worded like one and leads nowhere."""
        if edge.asks is None:
            edge.asks = self._asks(edge)
        return edge.asks

    def _asks(self, edge: Edge) -> bool:
        if self._asks_as_object(edge):
            return True
        if edge.targets:
            answers = [self._answers(target) for target in edge.targets]
            if all(answers) or (answers[0] and edge.plain):
                return True
            # Known by its name alone it may lead to none of these: a manager's current model comes from outside.
            return (any(answers) or not edge.plain) and worded_like_asking(edge.call)
        own = self.models.get(edge.call.caller)
        if own is not None and own.get("sdk") == edge.call.callee.removesuffix("()"):
            return True
        return worded_like_asking(edge.call)

    def _answers(self, target: Key) -> bool:
        if self.program.asks_model(target):
            return True
        function = self.program.function(target)
        return function is not None and "asks" in function.traits

    def _asks_as_object(self, edge: Edge) -> bool:
        """Whether an attribute that asks a model when called is called, or handed to a function that calls it."""
        objects = self._objects_at(edge.call.caller)
        if not objects:
            return False
        if edge.call.callee.removeprefix("self.").removesuffix(AWAITED) in objects:
            return True
        return bool(objects & set(edge.call.arguments)) and any(
            function is not None and function.calls_params for function in map(self.program.function, edge.targets)
        )

    def _objects_at(self, qualname: str) -> set[str]:
        """Attributes that ask a model when they are called, of the class that a function belongs to."""
        if qualname not in self._model_objects:
            owner = self.program.owner_of(self.facts.path, qualname)
            kinds = self.program.attribute_types(owner) if owner is not None else {}
            self._model_objects[qualname] = {name for name, kind in kinds.items() if MODEL_OBJECT.search(kind)}
        return self._model_objects[qualname]

    def nest(self, qualname: str) -> "Nest":
        """The loops of a function that could be agent loops, with the calls in each."""
        if qualname not in self._nests:
            loops = [
                loop
                for loop in self.loops.get(qualname, ())
                if (loop.get("kind") == "while" or loop.get("steps-through"))
                and not loop.get("runs-once")
                and loop.start not in self.retried
            ]
            inside = self._inside_client(qualname)
            self._nests[qualname] = Nest([] if inside else loops, self.edges.get(qualname, []))
        return self._nests[qualname]

    def _inside_client(self, qualname: str) -> bool:
        """Whether a function is a method of a model class that itself asks: its loops stream, page or try again."""
        draft = self.models.get(qualname)
        return draft is not None and draft.get("in-model-class") is True

    def _exposes(self, key: Key, depth: int) -> bool:
        """Whether calling a function asks the model outside of every stepping loop on the way."""
        if self.program.asks_model(key):
            return True
        slot = (key, depth)
        if slot not in self._exposed:
            leads = self._leads_of(key)
            self._exposed[slot] = leads.asks or (
                depth > 0 and any(self._exposes(target, depth - 1) for target in leads.on)
            )
        return self._exposed[slot]

    def _leads_of(self, key: Key) -> Leads:
        row = self.program.exchange.of(LEADS, *key)
        if row is None:
            return _NOWHERE
        reach, asks, on = row
        return Leads([(path, name) for path, name in reach], asks, [(path, name) for path, name in on])

    def asking_edges(self, loop: Draft) -> list[Edge]:
        """Calls in a loop's body through which the model is asked, those in loops inside it left out."""
        return [
            edge
            for edge in self.nest(loop.qualname).own(loop)
            if self.asks(edge)
            or (_leads_on(edge) and any(self._exposes(target, MAX_EDGES - 1) for target in edge.targets))
        ]

    def reached(self, edges: list[Edge], depth: int = MAX_EDGES, past_models: bool = True) -> set[Key]:
        """Functions that some calls lead to over at most `depth` edges; what model calls call, if `past_models`."""
        found: set[Key] = set()
        frontier = {target for edge in edges if edge.leads for target in edge.targets}
        while frontier and depth > 0:
            found |= frontier
            depth -= 1
            frontier = {
                target
                for key in frontier
                if depth > 0 and (past_models or not self.program.asks_model(key))
                for target in self._leads_of(key).reach
                if target not in found
            }
        return found


_NOWHERE = Leads([], False, [])


def _leads_on(edge: Edge) -> bool:
    return edge.leads and (edge.plain or len(edge.targets) == 1)


class Nest:
    """Candidate loops of one function and which calls each makes anew in every turn; one sweep over the lines.

    Args:
        loops: in any order; two loops of a function are nested or apart.
        edges: calls of the function.

    Attributes:
        loops: in order of line.
        free: calls outside of every loop.
    """

    def __init__(self, loops: list[Draft], edges: list[Edge]) -> None:
        self.loops = sorted(loops, key=lambda loop: (_first(loop), -loop.end))
        self._edges = sorted(edges, key=lambda edge: edge.call.line)
        self._lines = [edge.call.line for edge in self._edges]
        self._own: dict[int, list[Edge]] = {}
        self.free: list[Edge] = []
        stack: list[Draft] = []
        waiting = iter(self.loops)
        coming = next(waiting, None)
        for edge in self._edges:
            line = edge.call.line
            while coming is not None and _first(coming) <= line:
                stack.append(coming)
                coming = next(waiting, None)
            while stack and stack[-1].end < line:
                stack.pop()
            if stack:
                self._own.setdefault(id(stack[-1]), []).append(edge)
            else:
                self.free.append(edge)

    def own(self, loop: Draft) -> list[Edge]:
        """Calls in a loop and in no loop inside it."""
        return self._own.get(id(loop), [])

    def within(self, loop: Draft) -> list[Edge]:
        """All calls in a loop."""
        return self._edges[bisect_left(self._lines, _first(loop)) : bisect_right(self._lines, loop.end)]


def _first(loop: Draft) -> int:
    """First line that is run anew in each turn; what a `for` walks through is asked for once."""
    start = loop.get("body-from")
    return start if isinstance(start, int) else loop.start


_ASKING = re.compile(
    r"(^|_)(call|query|ask|prompt|invoke)_?(the_)?(llm|model|gpt|claude|lm)(_|$)|^(llm|lm)_(call|query|complete|chat)"
)


_RUNS = frozenset({"run", "arun"})
_HANDED = MESSAGES_PARAMS | {"state", "tools", "task", "observation"}


def worded_like_asking(call: Call) -> bool:
    """Whether a call that leads nowhere in the harness is worded like one that asks a model."""
    asks, of_model, named = _wording(call.callee)
    if asks or not (of_model or named):
        return asks
    if any(MESSAGES_NAME.search(a) or a.rstrip("=") in STRICT_MESSAGES for a in call.arguments):
        return True
    return of_model and any(a.rstrip("=") in _HANDED for a in call.arguments)


@lru_cache(maxsize=65536)
def _wording(callee: str) -> tuple[bool, bool, bool]:
    """Whether a name is a model's method that asks, ends in a model, or says that a model is asked or run."""
    receiver, _, verb = callee.rpartition(".")
    model = MODEL_RECEIVER.search(receiver) is not None
    asks = model and verb in MODEL_VERBS and verb != "__call__"
    named = (model and verb in _RUNS) or _ASKING.search(last(callee)) is not None
    return asks, MODEL_RECEIVER.search(callee) is not None, named
