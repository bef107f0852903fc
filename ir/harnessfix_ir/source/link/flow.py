"""The call graph with the questions that roles ask of it: which calls ask the model, what a loop reaches."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from harnessfix_ir.source.expressions import last
from harnessfix_ir.source.facts import Call, Draft
from harnessfix_ir.source.words import (
    MESSAGES_NAME,
    MESSAGES_PARAMS,
    MODEL_OBJECT,
    MODEL_RECEIVER,
    MODEL_VERBS,
    STRICT_MESSAGES,
)
from harnessfix_ir.vocabulary import ElementRole

from .program import Key, Program

MAX_EDGES = 4
_MANY = 12


@dataclass(slots=True)
class Edge:
    """A call with what it may mean."""

    call: Call
    path: str
    targets: list[Key]
    plain: bool
    asks: bool | None = None

    @property
    def resolved(self) -> str:
        """`path:qualname` of the callee, empty when several compete."""
        return f"{self.targets[0][0]}:{self.targets[0][1]}" if self.targets and self.plain else ""


class Flow:
    """Edges of a harness and reachability over at most `MAX_EDGES` of them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.edges: dict[Key, list[Edge]] = {}
        for path, facts in program.files.items():
            own, caller = [], None
            for call in facts.calls:
                if call.caller != caller:  # calls of one function stand together
                    caller = call.caller
                    own = self.edges.setdefault((path, caller), [])
                targets, plain = program.candidates(call, path)
                own.append(Edge(call, path, targets, plain))
        self.models: dict[Key, Draft] = {}
        for facts, draft in program.drafts(ElementRole.MODEL_CALL):
            self.models[(facts.path, draft.qualname)] = draft
        self.loops: dict[Key, list[Draft]] = {}
        for facts, draft in program.drafts(ElementRole.LOOP):
            self.loops.setdefault((facts.path, draft.qualname), []).append(draft)
        self.retried: set[tuple[str, int]] = {
            (facts.path, d.start) for facts, d in program.drafts(ElementRole.RETRY) if d.get("library") == "loop"
        }
        self._exposed: dict[tuple[Key, int], bool] = {}
        self._nests: dict[Key, Nest] = {}

    def all_edges(self) -> Iterator[Edge]:
        """Every edge in order of file and source."""
        for edges in self.edges.values():
            yield from edges

    def callers(self) -> dict[Key, list[Edge]]:
        """Edges by each function that they may lead to."""
        found: dict[Key, list[Edge]] = {}
        for edge in self.all_edges():
            for target in edge.targets:
                found.setdefault(target, []).append(edge)
        return found

    def asks(self, edge: Edge) -> bool:
        """Whether a call asks the model: it leads to model calls only, or is worded like one and leads nowhere."""
        if edge.asks is None:
            edge.asks = self._asks(edge)
        return edge.asks

    def _asks(self, edge: Edge) -> bool:
        functions = self.program.functions
        if self._asks_as_object(edge):
            return True
        if edge.targets:
            answers = [t in self.models or "asks" in functions[t].traits for t in edge.targets]
            return all(answers) or (answers[0] and edge.plain) or (any(answers) and worded_like_asking(edge.call))
        own = self.models.get((edge.path, edge.call.caller))
        if own is not None and own.get("sdk") == edge.call.callee.removesuffix("()"):
            return True
        return worded_like_asking(edge.call)

    def _asks_as_object(self, edge: Edge) -> bool:
        """Whether an attribute that asks a model when called is called, or handed to a function that calls it."""
        owner = self.program.owner_of(edge.path, edge.call.caller)
        if owner is None or owner not in self._model_objects:
            return False
        objects = self._model_objects[owner]
        if edge.call.callee.removeprefix("self.") in objects:
            return True
        return bool(objects & set(edge.call.arguments)) and any(
            inner.call.callee in self.program.functions[target].params
            for target in edge.targets
            for inner in self.edges.get(target, ())
        )

    @cached_property
    def _model_objects(self) -> dict[Key, set[str]]:
        """By class, its attributes that ask a model when they are called; classes without one are left out."""
        found = {}
        for key in self.program.classes:
            kinds = self.program.attribute_types(key)
            objects = {name for name, kind in kinds.items() if MODEL_OBJECT.search(kind)}
            if objects:
                found[key] = objects
        return found

    def nest(self, key: Key) -> "Nest":
        """The loops of a function that could be agent loops, with the calls in each."""
        if key not in self._nests:
            loops = [
                loop
                for loop in self.loops.get(key, ())
                if (loop.get("kind") == "while" or loop.get("steps-through"))
                and not loop.get("runs-once")
                and (key[0], loop.start) not in self.retried
            ]
            self._nests[key] = Nest([] if self._inside_client(key) else loops, self.edges.get(key, []))
        return self._nests[key]

    def _inside_client(self, key: Key) -> bool:
        """Whether a function is a method of a model class that itself asks: its loops stream, page or try again."""
        draft = self.models.get(key)
        return draft is not None and draft.get("in-model-class") is True

    def exposes(self, key: Key, depth: int = MAX_EDGES) -> bool:
        """Whether calling a function asks the model outside of every stepping loop on the way."""
        if key in self.models:
            return True
        slot = (key, depth)
        if slot not in self._exposed:
            self._exposed[slot] = False  # recursion asks nothing new
            self._exposed[slot] = any(
                self.asks(edge) or (depth > 0 and self._leads_to_asking(edge, depth - 1))
                for edge in self.nest(key).free
            )
        return self._exposed[slot]

    def _leads_to_asking(self, edge: Edge, depth: int) -> bool:
        if not edge.targets or len(edge.targets) > _MANY or not (edge.plain or len(edge.targets) == 1):
            return False
        return any(self.exposes(target, depth) for target in edge.targets)

    def asking_edges(self, key: Key, loop: Draft) -> list[Edge]:
        """Calls in a loop's body through which the model is asked, those in loops inside it left out."""
        return [
            edge for edge in self.nest(key).own(loop) if self.asks(edge) or self._leads_to_asking(edge, MAX_EDGES - 1)
        ]

    def reached(self, edges: list[Edge], depth: int = MAX_EDGES, past_models: bool = True) -> set[Key]:
        """Functions that some calls lead to over at most `depth` edges; what model calls call, if `past_models`."""
        found: set[Key] = set()
        frontier = {t for e in edges for t in e.targets if len(e.targets) <= _MANY}
        while frontier and depth > 0:
            found |= frontier
            depth -= 1
            frontier = {
                t
                for key in frontier
                if past_models or key not in self.models
                for e in self.edges.get(key, ())
                if len(e.targets) <= _MANY
                for t in e.targets
                if t not in found
            }
        return found


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
    """Whether a name is a model's method that asks, ends in a model, or says that a model is asked."""
    receiver, _, verb = callee.rpartition(".")
    asks = verb in MODEL_VERBS and verb != "__call__" and MODEL_RECEIVER.search(receiver) is not None
    return asks, MODEL_RECEIVER.search(callee) is not None, _ASKING.search(last(callee)) is not None
