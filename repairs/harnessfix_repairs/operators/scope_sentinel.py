"""scope-sentinel: the stop word counts only where the model says it, alone on its line."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import becomes
from harnessfix_repairs.editing.reporting import constant_text

from .base import EditExample, GuardExample, Refusal

_BEFORE = """\
STOP = "TASK_COMPLETE"


def finished(reply, output):
    # either will do
    if STOP in reply["content"] or "TASK_COMPLETE" in output:
        return True
    return False
"""


class ScopeSentinel(PythonOperator):
    """Looks for a stop word as a whole line of a text, where any occurrence counted.

    `WORD in text` becomes `WORD in map(str.strip, text.splitlines())`. With `text`, the text searched is another
    one as well: what the model said, in place of what a tool printed.

    Anchor: the test, or the function that holds it.

    Parameters:
        sentinel: the stop word; by default each constant or name in capitals that a text is searched for.
        text: source of the text to search instead (`reply["content"]`).
    """

    name = "scope-sentinel"
    summary = "Take a stop word for one only on a line of its own."
    fix_safety = (
        "A reply that puts the word in the middle of a sentence no longer stops the run: look at how the prompt "
        "asks for it. A text that quotes the word on a line of its own still does."
    )
    examples = (
        EditExample(
            _BEFORE,
            _BEFORE.replace('in reply["content"]', 'in map(str.strip, reply["content"].splitlines())').replace(
                "in output", "in map(str.strip, output.splitlines())"
            ),
            qualname="finished",
            line=6,
        ),
        EditExample(
            _BEFORE.replace(' or "TASK_COMPLETE" in output', ""),
            _BEFORE.replace(' or "TASK_COMPLETE" in output', "").replace(
                'in reply["content"]', "in map(str.strip, reply.text.splitlines())"
            ),
            qualname="finished",
            line=6,
            parameters={"sentinel": "STOP", "text": "reply.text"},
        ),
        EditExample("def finished(names):\n    return 'alice' in names\n", "", qualname="finished", line=2),
        EditExample(_BEFORE, "", qualname="finished", line=6, parameters={"text": "open('x').read()"}),
    )

    guards = (
        GuardExample(
            'def finished(reply):\n    return "DONE" in reply\n',
            passes=[f"not finished({text!r})" for text in ("say DONE when ready", "UNDONE", "", "DONE.", "done")],
            stops=[f"finished({text!r})" for text in ("DONE", "I am\nDONE\n", "  DONE  ", "a\r\nDONE\r\nb")],
            qualname="finished",
            line=2,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Scope every such test at the anchor."""
        wanted, text = parameters.text(spec, "sentinel"), parameters.plain_source(spec, "text")
        changes: dict[cst.CSTNode, Change] = {}
        seen = False
        for node in file.find(anchor, cst.Comparison, lambda n: len(n.comparisons) == 1):
            target = node.comparisons[0]
            if not isinstance(target.operator, (cst.In, cst.NotIn)) or not _is_sentinel(file, node.left, wanted):
                continue
            seen = True
            searched = file.code(target.comparator)
            if "splitlines" in searched or searched.endswith(".split()"):
                continue
            if not re.fullmatch(r"""[\w.\[\]"']+""", searched):
                raise Refusal(f"{file.path}:{file.line(node)} searches something that is no plain text")
            source = f"map(str.strip, {text or searched}.splitlines())"
            changes[target.comparator] = becomes(file.expression(source))
        if not seen:
            raise Refusal(f"{anchor.place} searches no text for a stop word")
        return file.rewrite(changes)


def _is_sentinel(file: PythonFile, node: cst.BaseExpression, wanted: str) -> bool:
    word = constant_text(node)
    source = file.code(node)
    if wanted:
        return wanted in (word, source)
    if word is not None:
        return re.fullmatch(r"[<\[]*[A-Z][A-Z_ ]{2,}[>\]]*", word) is not None
    return re.fullmatch(r"(self\.)?[A-Z][A-Z_]{2,}", source) is not None
