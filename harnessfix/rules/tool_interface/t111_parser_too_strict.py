"""T111: the parser rejects what is right but for blanks, or takes an action from text that the model did not write."""

import re
from collections.abc import Iterable

from harnessfix.rules._errors import handlings, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import (
    ancestors,
    as_anchor,
    names,
    nearest_anchors,
    one_of_each,
    quote,
    requests,
    step_elements,
)
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

# What stands behind the closing fence may be a mark of the model's (`<end_code>`).
_FENCE = re.compile(
    r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+-]*)[ \t]*\r?\n(.*?)^[ \t]*\1(?![\w`~])[^\r\n]*\r?$", re.MULTILINE | re.DOTALL
)
_STRICT_FENCE = re.compile(r"`{3}(\((\?:)?)?[a-z][a-z|]*\)?\??(\\n|\n)")
_FENCE_LANGUAGE = re.compile(r"`{3}\(?(?:\?:)?([a-z]{2,12}(?:\|[a-z]{2,12})*)\b")
MAX_REPLY = 100_000  # characters; a longer reply is not searched

_AGENT = r'''import re


class FormatError(Exception):
    """The reply is not of the form that was asked for."""


def parse_action(reply):
    found = re.findall(r"```bash\n(.*?)\n```", reply, re.DOTALL)
    if len(found) != 1:
        raise FormatError("Give exactly one command in a ```bash block.")
    return found[0]


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            messages.append(reply)
            try:
                command = parse_action(reply["content"])
            except FormatError as error:
                messages.append({"role": "user", "content": str(error)})
                continue
            if command == "exit":
                return
            messages.append({"role": "user", "content": f"You said: {command}"})
'''
_MAIN = r"""from agent import Agent
from model import Model, say

Agent(Model(say("I look around.\n```bash  \nls\n```"), say("```bash\nexit\n```"))).run("look around")
"""


class ParserTooStrict(Rule):
    code = "T111"
    name = "parser-too-strict"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = "A valid answer is rejected for a blank, a line ending or a capital letter."
    why = (
        "The model did what it was told and is told that it did not. It doubts the content, changes what was right, or "
        "repeats itself until a limit ends the run."
    )
    fix = "Let the pattern allow blanks after the fence, `\\r\\n`, and any case; or parse the structure instead."
    references = (
        "https://spec.commonmark.org/0.31.2/#fenced-code-blocks",
        "https://arxiv.org/abs/2606.06324",
    )
    operator = "harden-parser"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", (r'r"```bash\n(.*?)\n```"', r'r"```bash[ \t]*\r?\n(.*?)\r?\n[ \t]*```"'))

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Patterns for a fenced block that allow nothing between its language and the line's end."""
        for parser in model.of_role(ElementRole.PARSER):
            patterns = names(parser.value("regex"))
            strict = next((pattern for pattern in patterns if _STRICT_FENCE.search(pattern)), None)
            if strict is not None:
                yield Finding(
                    message=f"{quote(strict, 80)!r} takes no block whose opening line ends in a blank or `\\r`.",
                    anchors=[as_anchor(parser, "its pattern rejects the block")],
                    confidence=0.5,
                    severity=Severity.INFO,
                    evidence=Evidence.DERIVED,
                    parameters={"patterns": [*patterns]},
                    missing=("a run in which the model writes such a block",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Replies that a parser rejected although they hold one block of the language that its pattern names."""
        replies = [step.id for step in requests(run)]
        spoken: set[str] = set()
        for error, handled in handlings(run):
            parser, step = _parser(run, model, error)
            if parser is None or step is None or parser.id in spoken:
                continue
            before = [identity for identity in replies if run.place(identity) < run.place(error.id)]
            reply = run.output_text(run.step(before[-1])) if before else ""
            why = _wrongly_rejected(reply, names(parser.value("regex")))
            if why is None:
                continue
            spoken.add(parser.id)
            yield Finding(
                message=f"{step.name} ({step.id}) rejected the reply {before[-1]} with {short_type(error.error)}, "
                f"although it holds one block as asked for: {why}.",
                anchors=one_of_each([as_anchor(parser, "its pattern rejects the block"), *nearest_anchors(run, step)]),
                responsible_step=step.id,
                symptom_step=handled.id,
                path=tuple(dict.fromkeys((before[-1], step.id, error.id, handled.id))),
                confidence=0.85,
                evidence=Evidence.DERIVED,
                quotes=((f"{before[-1]} output", quote(reply)),),
                parameters={"patterns": [*names(parser.value("regex"))]},
            )


def _parser(run: Htir, model: HarnessModel, error: TraceStep) -> tuple[Element | None, TraceStep | None]:
    for step in (error, *ancestors(run, error)):
        parser = next(step_elements(model, step, ElementRole.PARSER), None)
        if parser is not None:
            return parser, step if step.kind is StepKind.PARSE else error
        if step.kind in (StepKind.TOOL_CALL, StepKind.MODEL_CALL):
            break
    return None, None


def _wrongly_rejected(reply: str, patterns: list[str]) -> str | None:
    """What in the one fenced block of the reply the patterns cannot have expected; None when nothing is amiss."""
    choices = (found.group(1) for pattern in patterns for found in _FENCE_LANGUAGE.finditer(pattern))
    languages = {language for choice in choices for language in choice.split("|")}
    blocks = list(_FENCE.finditer(reply)) if len(reply) <= MAX_REPLY else []
    if len(blocks) != 1 or not languages or blocks[0].group(2).lower() not in languages:
        return None
    block = blocks[0].group()
    first = block.splitlines()[0]
    if "\r\n" in block:
        return "its lines end with \\r\\n"
    if first != first.rstrip() or "` " in first:
        return "blanks stand in the line of the fence"
    if blocks[0].group(2) not in languages:
        return f"its language is written {blocks[0].group(2)!r}"
    return "the closing fence is indented" if block.splitlines()[-1][:1] in (" ", "\t") else None
