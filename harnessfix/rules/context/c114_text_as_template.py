"""C114: a text that was put together from others is formatted as a whole."""

from collections.abc import Mapping

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_PROMPT = """\
ENDING = " When you are done, call {submit}."


class Prompt:
    def __init__(self, instructions):
        self.instructions = instructions

    def render(self, submit):
        text = self.instructions + ENDING
        return text.format(submit=submit)
"""


class TextAsTemplate(HazardRule):
    code = "C114"
    name = "text-as-template"
    keeps = Property.INERTNESS
    severity = Severity.WARNING
    summary = "A text is joined with the harness's own wording first and formatted afterwards."
    why = (
        "JSON examples, code and LaTeX in the joined text are full of braces, and the formatter takes them for fields: "
        "it raises, or pulls in what they happen to name."
    )
    fix = "Format the harness's own wording and join the foreign text to the result."
    references = (
        "https://github.com/UKGovernmentBEIS/inspect_ai/pull/3921",
        "https://docs.python.org/3/library/string.html#format-string-syntax",
    )
    operator = "fix-template"
    hazard = "text-as-template"
    confidence = 0.65
    reason = "formats a foreign text"
    yields_to = ("C113",)
    bad = Example(files={"prompt.py": _PROMPT})
    good = edited(
        bad,
        "prompt.py",
        (
            "        text = self.instructions + ENDING\n        return text.format(submit=submit)\n",
            "        return self.instructions + ENDING.format(submit=submit)\n",
        ),
    )

    def parameters(self, element: Element) -> Mapping[str, JsonValue]:
        return {"line": element.anchor.start_line}

    def words(self, element: Element) -> str:
        return (
            f"The text that is formatted at {element.anchor.place} holds `{element.value('holds')}`, which comes from "
            "outside: every brace in it is taken for a field."
        )
