"""T129: a function is made anew from the code of a tool, without what belongs to the tool beside its code."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules._query import names
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
import inspect
import types


def declared(tool, hidden):
    signature = inspect.signature(tool)
    shown = [p for name, p in signature.parameters.items() if name not in hidden]
    stand_in = types.FunctionType(tool.__code__, tool.__globals__, tool.__name__, tool.__defaults__, tool.__closure__)
    stand_in.__signature__ = signature.replace(parameters=shown)
    return {"name": stand_in.__name__, "description": inspect.getdoc(stand_in), "parameters": shown}
"""
_WHOLE = """\
    stand_in = types.FunctionType(tool.__code__, tool.__globals__, tool.__name__, tool.__defaults__, tool.__closure__)
    functools.update_wrapper(stand_in, tool)
    stand_in.__kwdefaults__ = tool.__kwdefaults__
"""


class BareFunctionCopy(HazardRule):
    code = "T129"
    name = "bare-function-copy"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "A function is made anew from the code of a tool, without what belongs to the tool beside its code."
    why = (
        "`types.FunctionType` takes code, globals, name, defaults and closure. Annotations, defaults of keyword-only "
        "parameters and a text that a decorator set stay behind: the model is offered a tool without a description or "
        "with parameters of no type, and a call without a keyword-only argument fails."
    )
    fix = (
        "Copy the rest with `functools.update_wrapper`, and `__kwdefaults__`, which that leaves out; or offer what was "
        "read of the tool instead of a copy."
    )
    by_hand = "What of it the copy should have differently (a shorter signature) is not in the code."
    references = (
        "https://docs.python.org/3/library/functools.html#functools.update_wrapper",
        "https://github.com/google/adk-python/pull/552",
    )
    hazard = "bare-function-copy"
    confidence = 0.6
    reason = "copies the code alone"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("import inspect\n", "import functools\nimport inspect\n"),
        (_WHOLE.splitlines(keepends=True)[0], _WHOLE),
    )

    def words(self, element: Element) -> str:
        lost = ", ".join(f"`{name}`" for name in names(element.value("loses")))
        return f"The copy of `{element.value('of')}` has its code, but {lost} only as far as the code itself says."
