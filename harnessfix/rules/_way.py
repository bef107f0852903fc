"""What a run went through of what the source shows."""

from functools import cached_property

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.names import words_in
from harnessfix_ir.vocabulary import AnchorKind, Status, StepKind

from ._errors import frames_of, raised
from ._own import callers_told
from ._suspects import suspects

_WHOLE = (AnchorKind.FUNCTION, AnchorKind.HANDLER)  # reached when anything in them was


class Way:
    """What a run went through of a harness.

    Args:
        run: any.
        model: its harness.
    """

    def __init__(self, run: Htir, model: HarnessModel) -> None:
        self.run, self.model = run, model

    def ran(self, anchor: Anchor) -> bool:
        """Whether the run went through the lines of an anchor.

        Lines outside functions run whenever their file is imported, which says nothing of the run: they do not count.
        """
        reached = self.run.reached.get(anchor.path)
        if reached is None or self.model.function(anchor.path, anchor.qualname) is None:
            return False
        if anchor.kind in _WHOLE:
            return reached.entered(anchor.start_line, anchor.end_line)
        return reached.ran(anchor.start_line)

    def failed_in(self, anchor: Anchor) -> bool:
        """Whether an exception arose in the anchor's function, passed it or was taken there."""
        return (anchor.path, anchor.qualname) in self._failed

    def aside(self, anchor: Anchor) -> bool:
        """Whether the run failed and has little to do with the anchor's function."""
        return suspects(self.run, self.model).clears(anchor.path, anchor.qualname)

    def speaks_of(self, *words: str) -> bool:
        """Whether one of these words is part of a name in the recorded program."""
        return any(not words_in(name).isdisjoint(words) for name in self.run.run.program)

    @cached_property
    def _failed(self) -> set[tuple[str, str]]:
        found = {(frame.path, frame.function) for step in raised(self.run) for frame in frames_of(step)}
        for step in self.run.steps:
            if step.kind is not StepKind.ERROR and step.status is not Status.ERROR:
                continue
            found.update((anchor.path, anchor.qualname) for anchor in step.anchors[:1])
            # A function between two steps is in no traceback, which begins at the step around the exception.
            around = self.run.step(step.parent).anchors[:1] if step.parent is not None else ()
            for caller in callers_told(step):
                if caller in [(anchor.path, anchor.qualname) for anchor in around]:
                    break
                found.add(caller)
        return found
