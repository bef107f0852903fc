"""C110: a placeholder, or the word None, stands in a prompt that was sent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harnessfix.rules import _templates as templates
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import added_messages, as_anchor, asking_anchors, names, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Route, Severity, StepKind

BEFORE, AFTER = 24, 12  # characters of a template around a placeholder that must stand around it in the request
LONGEST = 200_000  # characters; longer texts are outputs, not prompts

_AGENT = r"""SYSTEM_PROMPT = "You are a careful assistant of {company}. You may take {steps} steps."
TASK_PROMPT = "Your task is: {task}\nAnswer in {language}."


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [
            {"role": "system", "content": SYSTEM_PROMPT.replace("{company}", "Acme")},
            {"role": "user", "content": TASK_PROMPT.format(task=task, language="English")},
        ]
        reply = self.model.query(messages)
        return reply["content"]
"""
_MAIN = r"""from agent import Agent
from model import Model, say

print(Agent(Model(say("Paris"))).run("Name the capital of France."))
"""


@dataclass(frozen=True)
class _Raw:
    """A placeholder of a template as it stands in a request: as written, or rendered as `None`."""

    prompt: Element
    placeholder: str
    shown: str


_Placeholder = tuple[str, str, str]
"""A placeholder as the template writes it, its name, and the characters around it."""


class UnrenderedTemplate(Rule):
    code = "C110"
    name = "unrendered-template"
    keeps = Property.EFFECT
    severity = Severity.ERROR
    summary = "The model is sent a template's placeholder instead of a value."
    why = (
        "The model reads `{task}` or `None` where the task should stand. It guesses, asks back, or follows the "
        "rest of the prompt without what it was about, and no exception says so."
    )
    fix = "Supply the variable, and render strictly: an undefined name has to be an error where the prompt is made."
    references = (
        "https://jinja.palletsprojects.com/en/stable/api/#undefined-types",
        "https://docs.python.org/3/library/string.html#format-string-syntax",
    )
    operator = "fix-template"
    by_hand = (
        "Only a text that lacks the `f` of an f-string is repaired, where every name in it has a value. What else a "
        "placeholder was to stand for is known to its author alone."
    )
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad, "agent.py", ('SYSTEM_PROMPT.replace("{company}", "Acme")', 'SYSTEM_PROMPT.format(company="Acme", steps=5)')
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Messages of the harness's own wording with a placeholder that was left or became `None`."""
        prompts = [p for p in model.of_role(ElementRole.PROMPT) if p.value("engine") in ("jinja", "format")]
        if not prompts:
            return
        written = [(prompt, [*_written(prompt)]) for prompt in prompts]
        answers = {part.text for step in run.of_kind(StepKind.TOOL_CALL, StepKind.RETRIEVAL) for part in step.output}
        checked: set[str] = set()
        spoken: set[tuple[str, str]] = set()
        for request, before, parts in added_messages(run):
            for part in parts:
                if part.role not in ("system", "user", "developer") or part.text in checked or part.text in answers:
                    continue
                checked.add(part.text)
                for raw in _raw(written, run.text(part), opening=before is None):
                    if (raw.prompt.id, raw.placeholder) not in spoken:
                        spoken.add((raw.prompt.id, raw.placeholder))
                        yield _finding(run, request, part.role, raw)


def _raw(prompts: list[tuple[Element, list[_Placeholder]]], text: str, opening: bool) -> Iterator[_Raw]:
    if len(text) > LONGEST:
        return
    for prompt, placeholders in prompts:
        for written, name, around in placeholders:
            if around in text and _is_meant(prompt, name, text):
                yield _Raw(prompt, name, written)
        if opening and not prompt.fact("is-observation") and "None" in text:
            fit = templates.rendering(prompt, text)
            for hole in fit.holes if fit is not None else ():
                if text[hole.start : hole.end].strip() == "None":
                    yield _Raw(prompt, hole.placeholder, "None")


def _written(prompt: Element) -> Iterator[_Placeholder]:
    """The placeholders of a template, in order."""
    pattern = templates.JINJA if prompt.value("engine") == "jinja" else templates.FIELD
    for match in pattern.finditer(prompt.text):
        name = next((group for group in match.groups() if group), "").strip()
        around = prompt.text[max(match.start() - BEFORE, 0) : match.end() + AFTER]
        # Other placeholders nearby may have been filled: only the stretch that is literal has to be there.
        left = max(around.rfind(mark, 0, around.find(match.group())) for mark in ("}", "%"))
        right = around.find("{", around.find(match.group()) + len(match.group()))
        around = around[left + 1 : right if right > 0 else None]
        if name and len(around) >= len(match.group()) + 6:
            yield match.group(), name, around


def _is_meant(prompt: Element, name: str, text: str) -> bool:
    """Whether the template is one to fill in: Jinja is; braces are when code renders it or fills another hole."""
    if prompt.value("engine") == "jinja" or prompt.fact("rendered-at"):
        return True
    others = [other for other in names(prompt.value("placeholders")) if other != name]
    return any("{" + other not in text for other in others)


def _finding(run: Htir, request: TraceStep, role: str, raw: _Raw) -> Finding:
    title = raw.prompt.value("name") or raw.prompt.name
    what = "stands as it is written" if raw.shown != "None" else "became `None`"
    return Finding(
        message=f"In the {role} message of request {request.id} the placeholder {quote(raw.placeholder, 40)!r} of "
        f"{title} {what}: nobody supplied a value.",
        anchors=one_of_each(
            [
                as_anchor(raw.prompt, "the template that was not filled in", Route.LITERAL_MATCH),
                *asking_anchors(run, request),
            ]
        ),
        responsible_step=request.id,
        symptom_step=request.id,
        path=(request.id,),
        key=raw.placeholder,
        confidence=0.9 if raw.shown != "None" else 0.7,
        severity=Severity.ERROR if raw.shown != "None" else Severity.WARNING,
        evidence=Evidence.OBSERVED,
        quotes=((f"{request.id} input", quote(raw.shown)),),
        parameters={"placeholder": raw.placeholder},
    )
