"""E126: a function that was handed in to be wrapped is itself changed."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
import functools
import inspect


class Tool:
    pass


def as_tool(function):
    made = type("FunctionTool", (Tool,), {})
    made.forward = staticmethod(function)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    signature = inspect.signature(function)
    made.forward.__signature__ = signature.replace(parameters=[own, *signature.parameters.values()])
    return made()
"""


class AlteredFunction(HazardRule):
    code = "E126"
    name = "altered-function"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = "A function that was handed in to be wrapped gets another signature or name, for all who call it."
    why = (
        "A tool is made of a function that its owner goes on using. Made twice, tested or offered to another "
        "framework, it is described by a signature that it does not have."
    )
    fix = "Change a wrapper of the function (`functools.wraps`), not the function."
    by_hand = "A wrapper of a coroutine or a generator is written otherwise than one of a plain function."
    references = ("https://github.com/huggingface/smolagents/issues/1202",)
    hazard = "altered-function"
    confidence = 0.65
    reason = "changes what was handed in"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            "    made.forward = staticmethod(function)\n",
            "    made.forward = staticmethod(functools.wraps(function)(lambda *given: function(*given)))\n",
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"This sets `{element.value('change')}` of `{element.value('name')}` itself, the function that the caller "
            "handed in and goes on using."
        )
