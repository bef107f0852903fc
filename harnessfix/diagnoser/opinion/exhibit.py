"""What a model is shown of a run: steps and code with ids that it may cite, fenced as data.

The fence is made of a digest of what it holds, which no text inside can foresee, and every line inside begins with a
bar; so nothing in a trace can end the data and begin to speak as we do.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harnessfix.rules._errors import short_type
from harnessfix.rules._query import added_messages, function_of, quote
from harnessfix.rules._secrets import masked
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.attribution import Attribution
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep

FIRST, LAST = 6, 30  # steps shown at both ends of a run, beside those that the verdict speaks of
TEXT, PARTS = 500, 4  # characters of a text, texts of a step
ELEMENTS, LINES = 12, 40  # functions shown, lines of each


@dataclass(frozen=True)
class Exhibit:
    """One question's material.

    Args:
        text: what the model reads, fence and all.
        steps: ids of the steps in it.
        elements: id to the function of the harness that it stands for.
    """

    text: str
    steps: frozenset[str]
    elements: dict[str, Anchor]


def exhibit(run: Htir, model: HarnessModel, verdict: Attribution) -> Exhibit:
    """A slice of a failed run around what is known of its failure."""
    steps = _chosen(run, verdict)
    elements = dict(_elements(model, steps))
    lines = [f"task: {quote(run.run.task or run.run.name, TEXT)}", f"how it failed: {quote(verdict.noticed, TEXT)}"]
    lines += [f"already considered: {quote(cause.reason, TEXT)}" for cause in verdict.causes[:4]]
    lines.append("")
    new = {request.id: parts for request, _, parts in added_messages(run)}
    ids = {(anchor.path, anchor.qualname): name for name, anchor in elements.items()}
    for step in steps:
        lines += _step(run, step, new, ids)
    for name, anchor in elements.items():
        lines += ["", f"{name} is {anchor.path}:{anchor.start_line} {anchor.qualname}", *_source(model, anchor)]
    body = masked("\n".join(lines))
    fenced = "\n".join(f"| {line}" for line in body.split("\n"))
    fence = "DATA-" + hashlib.sha256(fenced.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    text = f"{fence}\n{fenced}\n{fence}".encode("utf-8", "backslashreplace").decode()
    return Exhibit(text, frozenset(step.id for step in steps), elements)


def _chosen(run: Htir, verdict: Attribution) -> list[TraceStep]:
    """Steps at both ends, and those that the verdict speaks of, in order."""
    cited = {hop.step for hop in verdict.path} | {cause.step for cause in verdict.causes} | {verdict.symptom}
    last = len(run.steps) - LAST
    return [step for n, step in enumerate(run.steps) if n < FIRST or n >= last or step.id in cited]


def _elements(model: HarnessModel, steps: list[TraceStep]) -> Iterator[tuple[str, Anchor]]:
    seen: set[tuple[str, str]] = set()
    for step in steps:
        for anchor in step.anchors:
            function = function_of(model, anchor)
            if function is not None and (key := (function.anchor.path, function.anchor.qualname)) not in seen:
                seen.add(key)
                yield f"e{len(seen)}", function.anchor
                if len(seen) == ELEMENTS:
                    return


def _step(run: Htir, step: TraceStep, new: dict[str, list[Part]], ids: dict[tuple[str, str], str]) -> Iterator[str]:
    code = next((ids[place] for a in step.anchors if (place := (a.path, a.qualname)) in ids), "")
    inside = f" inside {step.parent}" if step.parent else ""
    yield f"{step.id}{inside}: {step.kind.value} {quote(step.name, 80)}{f' code {code}' if code else ''}"
    if step.error is not None:
        yield f"  raised {short_type(step.error)}: {quote(step.error.message, TEXT)}"
    given = new.get(step.id, list(step.input))
    for way, parts in (("in", given[-PARTS:]), ("out", list(step.output[:PARTS]))):
        for part in parts:
            name = f" {quote(part.name, 60)}" if part.name else ""
            yield f"  {way} {part.role}{name}: {quote(run.text(part), TEXT)}"


def _source(model: HarnessModel, anchor: Anchor) -> list[str]:
    """Lines of a function, read anew; nothing outside the harness root is opened."""
    root = Path(model.root).resolve()
    file = (root / anchor.path).resolve()
    if not model.root or not file.is_relative_to(root) or not file.is_file():
        return []
    lines = file.read_text("utf-8", "replace").splitlines()[anchor.start_line - 1 : anchor.end_line]
    more = [f"… {len(lines) - LINES} more lines"] if len(lines) > LINES else []
    return [quote(line, 200) for line in lines[:LINES]] + more
