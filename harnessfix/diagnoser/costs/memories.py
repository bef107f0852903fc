"""What each memory backend costs and gives: writes, reads, and what was written and never read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harnessfix_ir.htir import Htir
from harnessfix_ir.source.words import MEMORY_READS, MEMORY_WRITES, name_words
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import LinkFamily, StepKind

LEAST = 12  # characters; a shorter text may come back by chance


@dataclass
class MemoryUse:
    """One backend over some runs.

    Args:
        backend: class or tool family, as the steps name it.
        runs: in how many it was used.
        writes, reads: calls; written, read: characters that went in and came out.
        used: of the characters read, how many stood in a later request to a model.
        idle: writes of which nothing was read afterwards in the same run.
        write_seconds, read_seconds: time spent.
        failed: calls that ended in an error.
    """

    backend: str
    runs: int = 0
    writes: int = 0
    reads: int = 0
    written: int = 0
    read: int = 0
    used: int = 0
    idle: int = 0
    write_seconds: float = 0.0
    read_seconds: float = 0.0
    failed: int = 0


def operation(step: TraceStep) -> str | None:
    """`write` or `read`, for a step that asks a memory; None for any other."""
    if step.kind is StepKind.RETRIEVAL:
        return "read"
    words = name_words(step.name.rpartition(".")[2])
    named = step.kind is StepKind.MEMORY or (step.kind is StepKind.TOOL_CALL and {"memory", "memories"} & set(words))
    if not named:
        return None
    sorts = ("write" if word in MEMORY_WRITES else "read" if word in MEMORY_READS else None for word in words)
    return next((sort for sort in sorts if sort is not None), None)


def memory_use(runs: Iterable[Htir]) -> list[MemoryUse]:
    """Backends by characters written and read, most first; one pass."""
    held: dict[str, MemoryUse] = {}
    for run in runs:
        seen: set[str] = set()
        for step, sort in _operations(run):
            use = held.setdefault(_backend(step), MemoryUse(_backend(step)))
            seen.add(use.backend)
            _add(run, step, sort, use)
        for backend in seen:
            held[backend].runs += 1
            held[backend].idle += _idle(run, backend)
    return sorted(held.values(), key=lambda use: (-use.written - use.read, use.backend))


def _operations(run: Htir) -> Iterator[tuple[TraceStep, str]]:
    for step in run.steps:
        sort = operation(step)
        if sort is not None:
            yield step, sort


def _backend(step: TraceStep) -> str:
    named = step.attributes.get("gen_ai.memory.store.name") or step.attributes.get("gen_ai.data_source.id")
    if isinstance(named, str) and named:
        return named
    owner = step.name.rpartition(".")[0]
    if owner:
        return owner
    classes = (anchor.qualname.rpartition(".")[0] for anchor in step.anchors)
    return next((name for name in classes if name), "memory tools" if step.kind is StepKind.TOOL_CALL else step.name)


def _add(run: Htir, step: TraceStep, sort: str, use: MemoryUse) -> None:
    seconds = step.seconds or 0.0
    use.failed += step.error is not None
    if sort == "write":
        use.writes += 1
        use.written += len(run.input_text(step))
        use.write_seconds += seconds
        return
    size = len(run.output_text(step))
    use.reads += 1
    use.read += size
    use.read_seconds += seconds
    if any(_to_model(run, link.target) for link in run.links_from(step.id) if link.family is LinkFamily.DATA):
        use.used += size


def _to_model(run: Htir, step_id: str) -> bool:
    return run.step(step_id).kind is StepKind.MODEL_CALL


def _idle(run: Htir, backend: str) -> int:
    """Writes of a backend whose longest text no later read of it gave back."""
    waiting: list[str] = []
    idle = 0
    for step, sort in reversed(list(_operations(run))):
        if _backend(step) != backend:
            continue
        if sort == "read":
            waiting.append(run.output_text(step))
            continue
        longest = max((run.text(part) for part in step.input), key=len, default="")
        idle += not waiting or (len(longest) >= LEAST and not any(longest in text for text in waiting))
    return idle
