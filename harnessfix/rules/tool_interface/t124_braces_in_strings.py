"""T124: an object in a text ends where its brackets are even, and those in its strings are counted too."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def find_json(text):
    depth, start = 0, None
    for place, letter in enumerate(text):
        if letter == "{":
            start = place if depth == 0 else start
            depth += 1
        elif letter == "}":
            depth -= 1
            if depth == 0:
                return text[start : place + 1]
    return None
"""


class BracesInStrings(HazardRule):
    code = "T124"
    name = "braces-in-strings"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = "The brackets of an object are counted without looking at strings."
    why = (
        "Code, regular expressions and prose in an argument hold brackets of their own. One that has no partner "
        "makes the object end too early or never: a valid answer is cut or not found, and the model is told that "
        "it wrote none."
    )
    fix = "Let `json.JSONDecoder().raw_decode` find the end, or skip quoted strings, escapes included, while counting."
    by_hand = "Which marks quote and how they are escaped depends on the language of the text."
    references = ("https://github.com/agno-agi/agno/pull/8829",)
    hazard = "braces-in-strings"
    confidence = 0.6
    reason = "counts brackets in strings too"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("    depth, start = 0, None\n", "    depth, start, quoted = 0, None, False\n"),
        (
            '        if letter == "{":\n',
            """        if letter == '"' and text[place - 1 : place] != "\\\\":\n"""
            "            quoted = not quoted\n"
            "        elif quoted:\n"
            "            continue\n"
            '        elif letter == "{":\n',
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('counter')}` counts every {' and '.join(str(element.value('pair')))} of the text, those "
            "inside quoted strings too: one without a partner there moves the end of the object."
        )
