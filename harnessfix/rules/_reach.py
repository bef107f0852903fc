"""Which functions a model can set in motion: the tools, and what they call inside the harness."""

from collections.abc import Iterable, Iterator

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole

from ._query import reachable

DEPTH = 6  # calls from a tool to the place that does the work


def reached_from(model: HarnessModel, starts: Iterable[str], depth: int = DEPTH) -> set[str]:
    """`path:qualname` of those functions and of all that they call, `depth` calls deep."""
    edges = model.callees
    seen = set(starts)
    ring = list(seen)
    for _ in range(depth):
        ring = [name for key in ring for name in edges.get(key, ()) if name not in seen]
        if not ring:
            break
        seen.update(ring)
    return seen


def model_driven(model: HarnessModel) -> set[str]:
    """`path:qualname` of tools and of what they call: code whose input a model may choose."""
    return reached_from(model, (tool.anchor.symbol for tool in model.of_role(ElementRole.TOOL)))


def is_driven(driven: set[str], element: Element) -> bool:
    """Whether the element stands in one of those functions, or in a function nested in one."""
    path, qualname = element.anchor.path, element.anchor.qualname
    while qualname:
        if f"{path}:{qualname}" in driven:
            return True
        qualname = qualname.rpartition(".")[0]
    return False


def model_commands(model: HarnessModel) -> Iterator[Element]:
    """Calls that start a process with a command that a model may have chosen."""
    driven = model_driven(model)
    for call in model.of_role(ElementRole.SUBPROCESS):
        if call.value("command-from") == "parameter" and is_driven(driven, call):
            yield call


def processes_of(model: HarnessModel, step: TraceStep) -> Iterator[Element]:
    """Calls that start a process, in the functions that a step stands in and in what these call, nearest first."""
    for anchor in step.anchors:
        for function in reachable(model, anchor):
            yield from model.in_function(function.anchor.path, function.anchor.qualname, ElementRole.SUBPROCESS)
