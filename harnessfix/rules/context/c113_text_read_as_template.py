"""C113: a text of somebody else's is formatted as if it were a template."""

import re
from collections.abc import Iterable

from harnessfix.rules._errors import escaped_to, raised, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, function_of, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity

_FORMATS = ("format", "format_map", "Template", "from_string", "render", "substitute")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]]*")
_BRACES = re.compile(
    r"Single '[{}]' encountered|expected '}' before end of string|Replacement index \d+ out of range|"
    r"unmatched '\{'|unexpected '\{' in field name|Max string recursion|cannot switch from|"
    r"Invalid format specifier|Invalid placeholder"
)

_AGENT = r"""SYSTEM_PROMPT = "You are a careful assistant."
SUBMIT = " When you are done, call {submit}."


class Agent:
    def __init__(self, model, system_prompt=SYSTEM_PROMPT):
        self.model = model
        self.system_prompt = system_prompt

    def run(self, task):
        system = self.system_prompt + SUBMIT
        system = system.format(submit="submit()")
        messages = [{"role": "system", "content": system}, {"role": "user", "content": task}]
        return self.model.query(messages)["content"]
"""
_MAIN = r"""from agent import Agent
from model import Model, say

prompt = 'Answer as JSON, for example {"city": "Paris"}.'
print(Agent(Model(say('{"city": "Rome"}')), prompt).run("Name the capital of Italy."))
"""


class TextReadAsTemplate(Rule):
    code = "C113"
    name = "text-read-as-template"
    keeps = Property.INERTNESS
    severity = Severity.ERROR
    summary = "A prompt, an output or an answer goes through a formatter and its braces are taken for fields."
    why = (
        "JSON, code and LaTeX are full of braces. A text that did not come from the harness's own author is data "
        "to every formatter: run through `str.format` or Jinja it breaks the run, or pulls in what it names."
    )
    fix = "Format the harness's own wording only and add the foreign text afterwards, or replace the one placeholder."
    references = (
        "https://github.com/UKGovernmentBEIS/inspect_ai/pull/3921",
        "https://docs.python.org/3/library/string.html#format-string-syntax",
    )
    operator = "fix-template"
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(
        bad,
        "agent.py",
        ("self.system_prompt + SUBMIT\n", 'self.system_prompt + SUBMIT.format(submit="submit()")\n'),
        ('        system = system.format(submit="submit()")\n', ""),
        exit_code=0,
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Errors of a formatter over a field that nobody would have written as one, in code that formats."""
        formatting = model.calls_named(*_FORMATS)
        calls = {(call.caller.partition(":")[0], call.line): call.callee for call in formatting}
        for error in raised(run, "KeyError", "IndexError", "ValueError", "TemplateSyntaxError"):
            message = error.error.message if error.error is not None else ""
            place = error.anchors[0] if error.anchors else None
            callee = calls.get((place.path, _line(error, place))) if place is not None else None
            if place is None or callee is None or not _is_about_braces(short_type(error.error), message):
                continue
            yield _finding(run, model, error, place, callee, message)


def _line(error: TraceStep, place: Anchor) -> int:
    """The line that raised, where the recording knows it; the anchor may be the function around it."""
    raised_in = error.attributes.get("raised_in")
    line = raised_in[2] if isinstance(raised_in, list) and len(raised_in) > 2 else None
    return line if isinstance(line, int) else place.start_line


def _is_about_braces(kind: str, message: str) -> bool:
    """Whether a formatter complains of a text that was no template: a field that is not a name, or lone braces."""
    if kind == "KeyError":
        field = message[1:-1] if message[:1] in ("'", '"') else message  # the message is the key's repr
        return bool(field) and _NAME.fullmatch(field) is None
    return kind == "TemplateSyntaxError" or _BRACES.search(message) is not None


def _finding(run: Htir, model: HarnessModel, error: TraceStep, place: Anchor, callee: str, message: str) -> Finding:
    function = function_of(model, place)
    ended = escaped_to(run, error)
    words = f"`{callee}` at {place.place} took braces in a text for fields and raised {short_type(error.error)}: "
    words += f"{quote(message, 80)!r} ({error.id})"
    words += f", which ended {ended.name} ({ended.id})." if ended is not None else "."
    symptom = ended.id if ended is not None else error.id
    return Finding(
        message=words,
        anchors=one_of_each([*([as_anchor(function, "formats a foreign text")] if function else []), place]),
        responsible_step=error.id,
        symptom_step=symptom,
        path=tuple(dict.fromkeys((error.id, symptom))),
        confidence=0.9,
        evidence=Evidence.OBSERVED,
        quotes=((f"{error.id} error", quote(message)),),
        parameters={"line": place.start_line},
    )
