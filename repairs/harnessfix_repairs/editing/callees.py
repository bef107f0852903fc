"""The function at an anchor, and those of the same file that it calls."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_repairs.operators.base import Refusal

from .python import PythonFile


def functions_at(file: PythonFile, anchor: Anchor) -> list[cst.FunctionDef]:
    """The function at the anchor first, then what it calls by name, or on `self` in its class.

    Raises `Refusal` when the anchor is in no function.
    """
    scope = file.definition(anchor.qualname, anchor.start_line)
    function = scope if isinstance(scope, cst.FunctionDef) else file.function(scope)
    if function is None:
        raise Refusal(f"{anchor.place} is no function")
    outer = file.qualname(function).rpartition(".")[0]
    called = {file.code(call.func) for call in file.within(function.body, cst.Call)}
    found = [function]
    for other in file.within(file.module, cst.FunctionDef):
        owner, _, name = file.qualname(other).rpartition(".")
        if other is not function and (f"self.{name}" in called if owner and owner == outer else name in called):
            found.append(other)
    return found
