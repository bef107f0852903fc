"""HTIR: one run, compiled: steps, links, anchors, and the elements of the harness they lead to."""

from collections.abc import Iterator
from functools import cached_property

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

    def step(self, step_id: str) -> TraceStep:
        """The step with that id. Raises `KeyError`."""
        return self._steps[step_id]

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

    def children(self, step_id: str) -> tuple[TraceStep, ...]:
        """Steps whose parent is `step_id`, in order of start."""
        return self._children.get(step_id, ())

    def descendants(self, step_id: str) -> Iterator[TraceStep]:
        """All steps inside `step_id`, depth first, in order of start."""
        pending = list(reversed(self.children(step_id)))
        while pending:
            step = pending.pop()
            yield step
            pending.extend(reversed(self.children(step.id)))

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
    def _by_kind(self) -> dict[StepKind, list[TraceStep]]:
        index: dict[StepKind, list[TraceStep]] = {}
        for step in self.steps:
            index.setdefault(step.kind, []).append(step)
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
