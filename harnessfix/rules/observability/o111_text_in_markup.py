"""O111: foreign text between the tags of a markup."""

from collections.abc import Mapping

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import ElementRole, Property, Severity

_LOGGER = """\
from rich.console import Console
from rich.markup import escape


class StepLogger:
    def __init__(self):
        self.console = Console()

    def log_answer(self, number, answer):
        self.console.print(f"[bold]Step {number}[/bold]: {answer}")
"""


class TextInMarkup(HazardRule):
    code = "O111"
    name = "text-in-markup"
    keeps = Property.INERTNESS
    severity = Severity.INFO
    summary = "A task, an output or an answer is put into Rich markup, and its own brackets are read as tags."
    why = (
        "`[/INST]`, `arr[/2]` or a regular expression in the text is a closing tag to the markup: printing it "
        "raises, in the middle of a run that had nothing to do with it. Other brackets just vanish from what is "
        "shown."
    )
    fix = "Show foreign text as `Text`, or escape it with `rich.markup.escape`."
    references = (
        "https://github.com/huggingface/smolagents/pull/1894",
        "https://rich.readthedocs.io/en/stable/markup.html#escaping",
    )
    operator = "show-as-data"
    hazard = "text-in-markup"
    clone = (ElementRole.HAZARD, "text-in-markup")
    confidence = 0.6
    reason = "puts foreign text into markup"
    yields_to = ("O109",)
    bad = Example(files={"logger.py": _LOGGER})
    good = edited(bad, "logger.py", ("[/bold]: {answer}", "[/bold]: {escape(answer)}"))

    def parameters(self, element: Element) -> Mapping[str, JsonValue]:
        return {"text": str(element.value("text"))}

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('text')}` is put into markup at {element.anchor.place} as it is: a bracket in it is "
            "read as a tag, and a closing one that matches nothing raises."
        )
