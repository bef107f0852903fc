"""Choosing among several places of one sort."""

from collections.abc import Sequence
from typing import TypeVar

import libcst as cst

from harnessfix_ir.findings import RepairSpec

from . import parameters
from .python import PythonFile

N = TypeVar("N", bound=cst.CSTNode)


def narrowed(file: PythonFile, nodes: Sequence[N], spec: RepairSpec) -> list[N]:
    """The nodes on the line that the parameter `line` gives; all of them without it, or when none is there."""
    line = parameters.whole(spec, "line")
    there = [node for node in nodes if line is not None and file.lines(node)[0] <= line <= file.lines(node)[1]]
    return there or list(nodes)
