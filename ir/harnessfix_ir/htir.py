"""HTIR: one run, compiled: steps, links, anchors, and the elements of the harness they lead to."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from pydantic import Field

from .document import Document
from .errors import BadDocumentError
from .reached import Reached
from .recording import RunInfo
from .steps import Part, TraceLink, TraceStep
from .vocabulary import LinkKind, StepKind

SCHEMA = "harnessfix.htir/1"


class Htir(Document):
    """One compiled run.

    Args:
        schema_version: name and version of this format.
        run: the run as a whole.
        steps: in order of start, anchors filled in.
        links: between steps, in order of target.
        texts: digest to text.
        reached: which lines ran, by file of the harness; empty where the capture does not tell.
        incomplete: evidence known to be missing, in words.
    """

    schema_version: str = SCHEMA
    run: RunInfo
    steps: tuple[TraceStep, ...] = ()
    links: tuple[TraceLink, ...] = ()
    texts: dict[str, str] = Field(default_factory=dict)
    reached: dict[str, Reached] = Field(default_factory=dict)
    incomplete: tuple[str, ...] = ()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy. What is looked up in it is found in its own steps and links."""
        copy = super().model_copy(update=update, deep=deep)
        held = vars(copy)
        for name in held.keys() - type(self).model_fields.keys():
            del held[name]
        return copy

    def step(self, step_id: str) -> TraceStep:
        """The step with that id. Raises `KeyError`."""
        return self._steps[step_id]

    def place(self, step_id: str) -> int:
        """Number of that step in order of start, from 0. Raises `KeyError`."""
        return self._places[step_id]

    def text(self, part: Part) -> str:
        """The text of a part, empty when it is not held."""
        return self.texts.get(part.text, "")

    def input_text(self, step: TraceStep) -> str:
        """All input texts of a step, joined by newlines."""
        return "\n".join(self.text(part) for part in step.input)

    def output_text(self, step: TraceStep) -> str:
        """All output texts of a step, joined by newlines."""
        return "\n".join(self.text(part) for part in step.output)

    def of_kind(self, *kinds: StepKind) -> Iterator[TraceStep]:
        """Steps of these kinds in order of start."""
        if len(kinds) == 1:
            return iter(self._by_kind.get(kinds[0], ()))
        return (step for step in self.steps if step.kind in kinds)

    def with_event(self, name: str) -> Sequence[TraceStep]:
        """Steps in which something of that name happened, in order of start."""
        return self._by_event.get(name, ())

    def children(self, step_id: str) -> tuple[TraceStep, ...]:
        """Steps whose parent is `step_id`, in order of start."""
        return self._children.get(step_id, ())

    def descendants(self, step_id: str) -> Sequence[TraceStep]:
        """All steps inside `step_id`, depth first, in order of start."""
        order, starts, ends = self._nested
        return order[starts[step_id] + 1 : ends[step_id]] if step_id in starts else []

    def links_of_kind(self, kind: LinkKind) -> Sequence[TraceLink]:
        """Links of this kind in order of target."""
        return self._links_by_kind.get(kind, ())

    def links_from(self, step_id: str, *kinds: LinkKind) -> list[TraceLink]:
        """Links whose source is `step_id`, of these kinds (all when none given)."""
        return [link for link in self._from.get(step_id, ()) if not kinds or link.kind in kinds]

    def links_to(self, step_id: str, *kinds: LinkKind) -> list[TraceLink]:
        """Links whose target is `step_id`, of these kinds (all when none given)."""
        return [link for link in self._to.get(step_id, ()) if not kinds or link.kind in kinds]

    def check_citations(self) -> None:
        """Raise `BadDocumentError` if a parent, link end or text is cited and not held."""
        for step in self.steps:
            if step.parent is not None and step.parent not in self._steps:
                raise BadDocumentError(f"step {step.id} names the parent {step.parent}, which is not in the run")
            for part in (*step.input, *step.output):
                if part.text not in self.texts:
                    raise BadDocumentError(f"step {step.id} cites the text {part.text}, which is not in the run")
        for link in self.links:
            for end in (link.source, link.target):
                if end not in self._steps:
                    raise BadDocumentError(f"a {link.kind} link cites step {end}, which is not in the run")

    @cached_property
    def _steps(self) -> dict[str, TraceStep]:
        return {step.id: step for step in self.steps}

    @cached_property
    def _places(self) -> dict[str, int]:
        return {step.id: number for number, step in enumerate(self.steps)}

    @cached_property
    def _nested(self) -> tuple[list[TraceStep], dict[str, int], dict[str, int]]:
        """The steps depth first, and by id the place there of a step and of the first one after all inside it."""
        order: list[TraceStep] = []
        starts: dict[str, int] = {}
        roots = [step for step in self.steps if step.parent not in self._steps]
        for root in (*roots, *self.steps):  # of steps that are inside one another, the first stands for a root
            pending = [] if root.id in starts else [root]
            while pending:
                step = pending.pop()
                if step.id not in starts:
                    starts[step.id] = len(order)
                    order.append(step)
                    pending += reversed(self._children.get(step.id, ()))
        ends = {identity: place + 1 for identity, place in starts.items()}
        for step in reversed(order):
            outer = step.parent
            if outer in starts and starts[outer] < starts[step.id] and ends[outer] < ends[step.id]:
                ends[outer] = ends[step.id]
        return order, starts, ends

    @cached_property
    def _links_by_kind(self) -> dict[LinkKind, list[TraceLink]]:
        index: dict[LinkKind, list[TraceLink]] = {}
        for link in self.links:
            index.setdefault(link.kind, []).append(link)
        return index

    @cached_property
    def _by_kind(self) -> dict[StepKind, list[TraceStep]]:
        index: dict[StepKind, list[TraceStep]] = {}
        for step in self.steps:
            index.setdefault(step.kind, []).append(step)
        return index

    @cached_property
    def _by_event(self) -> dict[str, list[TraceStep]]:
        index: dict[str, list[TraceStep]] = {}
        for step in self.steps:
            for name in dict.fromkeys(event.name for event in step.events):
                index.setdefault(name, []).append(step)
        return index

    @cached_property
    def _children(self) -> dict[str, tuple[TraceStep, ...]]:
        index: dict[str, list[TraceStep]] = {}
        for step in self.steps:
            if step.parent is not None:
                index.setdefault(step.parent, []).append(step)
        return {parent: tuple(steps) for parent, steps in index.items()}

    @cached_property
    def _from(self) -> dict[str, list[TraceLink]]:
        index: dict[str, list[TraceLink]] = {}
        for link in self.links:
            index.setdefault(link.source, []).append(link)
        return index

    @cached_property
    def _to(self) -> dict[str, list[TraceLink]]:
        index: dict[str, list[TraceLink]] = {}
        for link in self.links:
            index.setdefault(link.target, []).append(link)
        return index
