"""Recorded places: anchors that steps bring, and tracebacks, completed from the harness model."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Route, StepKind

_FRAME = re.compile(r'File "([^"\n]+)", line (\d+), in ([^\n]+)')
MOST_FRAMES = 3


class CodeRoute:
    """Completes the places that the run itself recorded.

    Args:
        model: the harness.
    """

    def __init__(self, model: HarnessModel) -> None:
        self.model = model
        self.root = model.root.replace("\\", "/").rstrip("/") + "/"
        paths = {file.path for file in model.files} | {element.anchor.path for element in model.elements}
        self.paths = paths
        self.by_name: dict[str, list[str]] = {}
        for path in sorted(paths):
            self.by_name.setdefault(PurePosixPath(path).name, []).append(path)

    def anchors(self, step: TraceStep) -> Iterator[Anchor]:
        """The step's own anchors, completed, and those of the harness frames in its traceback, innermost first."""
        for anchor in step.anchors:
            yield self.complete(anchor, step.kind)
        if step.error is None or not step.error.traceback:
            return
        frames = _FRAME.findall(step.error.traceback)
        found = 0
        for file, line, name in reversed(frames[-200:]):
            place = self._frame(file, int(line), name.strip())
            if place is not None:
                yield place
                found += 1
                if found == MOST_FRAMES:
                    return

    def complete(self, anchor: Anchor, kind: StepKind) -> Anchor:
        """The anchor with a path of the model, and the lines and hash of the element it names."""
        path = self.path_of(anchor.path)
        if path is None:
            return anchor
        element = self._element(path, anchor, kind)
        if element is None:
            return anchor.model_copy(update={"path": path})
        at = anchor.start_line
        update: dict[str, object] = {
            "path": path,
            "qualname": element.anchor.qualname,
            "start_line": element.anchor.start_line,
            "end_line": element.anchor.end_line,
            "content_hash": element.anchor.content_hash,
            "kind": element.anchor.kind,
        }
        if anchor.content_hash and anchor.content_hash != element.anchor.content_hash:
            update |= {"evidence": Evidence.DERIVED, "reason": "the code has changed since this step ran"}
        elif at and not element.anchor.start_line <= at <= element.anchor.end_line:
            update |= {"evidence": Evidence.DERIVED, "reason": f"ran at line {at}; the code has moved since"}
        elif not anchor.reason:
            update["reason"] = f"ran here, at line {at}" if at > element.anchor.start_line else "ran here"
        return anchor.model_copy(update=update)

    def path_of(self, path: str) -> str | None:
        """The model's name for a recorded path: as it is, below the root, or by its longest known tail."""
        path = path.replace("\\", "/")
        if path in self.paths:
            return path
        if path.startswith(self.root) and path[len(self.root) :] in self.paths:
            return path[len(self.root) :]
        tails = [known for known in self.by_name.get(path.rpartition("/")[2], ()) if path.endswith("/" + known)]
        return max(tails, key=len) if tails else None

    def _element(self, path: str, anchor: Anchor, kind: StepKind) -> Element | None:
        line = anchor.start_line
        around = self.model.at(path, line) if line else []
        if kind is StepKind.ERROR:
            for element in around:
                if element.role in (ElementRole.RAISE, ElementRole.HANDLER):
                    return element
        for element in around:
            if (element.anchor.start_line, element.anchor.end_line) == (anchor.start_line, anchor.end_line):
                return element
        named = self.model.function(path, anchor.qualname)
        if named is not None:
            return named
        return next((element for element in around if element.role is ElementRole.FUNCTION), None)

    def _frame(self, file: str, line: int, name: str) -> Anchor | None:
        path = self.path_of(file)
        if path is None:
            return None
        around = self.model.at(path, line)
        function = next((element for element in around if element.role is ElementRole.FUNCTION), None)
        inner = next((e for e in around if e.role in (ElementRole.RAISE, ElementRole.HANDLER)), None)
        element = inner or function
        if element is None:
            return None
        short = element.anchor.qualname.rpartition(".")[2]
        agrees = name.rpartition(".")[2] in (short, "<module>", "<lambda>") or inner is not None
        return element.anchor.model_copy(
            update={
                "route": Route.STACK,
                "evidence": Evidence.OBSERVED if agrees else Evidence.HEURISTIC,
                "reason": f"in the traceback, at line {line}",
            }
        )
