"""harden-parser: blanks and line ends around a fence are no error."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, GuardExample, Refusal

_FENCE = "```"
_OPENS = re.compile(r"(?P<fence>`{3}[\w+?:()|-]*)\\n")
_CLOSES = re.compile(r"(?<!\?)\\n(?P<fence>`{3})")

_PARSE = """\
import re


def parse(reply):
    # one block
    return re.findall(r"```bash\\n(.*?)\\n```", reply, re.DOTALL)
"""
_SOFT = _PARSE.replace(r"bash\n(.*?)\n```", r"bash[ \t]*\r?\n(.*?)\r?\n[ \t]*```")


class HardenParser(PythonOperator):
    """Lets a pattern for fenced blocks take blanks after the opening fence and before the closing one, and `\\r\\n`.

    What the pattern captures stays what it was. The language is as before: its case is not touched.

    Anchor: the pattern, the call that uses it, or the function or assignment that holds it. No parameters.
    """

    name = "harden-parser"
    summary = "Take a fenced block whose lines end in blanks or in \\r\\n."
    fix_safety = (
        "Every reply that was accepted is still accepted with the same content, unless it holds a second block that "
        "only now counts: a harness that asks for exactly one block then rejects what it took."
    )
    examples = (
        EditExample(_PARSE, _SOFT, qualname="parse", line=6),
        EditExample(
            _PARSE.replace('r"```', '"```').replace("(.*?)", "(.+?)"),
            _SOFT.replace('r"```', '"```').replace("(.*?)", "(.+?)"),
            qualname="parse",
            line=4,
            end_line=6,
        ),
        EditExample(_PARSE.replace(r"bash\n(.*?)\n", r"bash\s+(.*?)\s+"), "", qualname="parse", line=6),
        EditExample('def ask():\n    return "Use ```bash\\nls\\n```"\n', "", qualname="ask", line=2),
    )
    guards = (
        GuardExample(
            _PARSE,
            passes=(
                'parse("```bash\\nls\\n```") == ["ls"]',
                'parse("```bash  \\nls\\n  ```") == ["ls"]',
                'parse("```bash\\r\\nls\\r\\n```") == ["ls"]',
            ),
            stops=('parse("```python\\nls\\n```") == []', 'parse("```bash ls```") == []'),
            qualname="parse",
            line=6,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Soften every such pattern at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        for text in file.find(anchor, cst.SimpleString, lambda one: _FENCE in one.value):
            if not _is_pattern(file, text):
                continue
            soft = _OPENS.sub(r"\g<fence>[ \\t]*\\r?\\n", text.raw_value)
            soft = _CLOSES.sub(r"\\r?\\n[ \\t]*\g<fence>", soft)
            if soft != text.raw_value:
                value = f"{text.prefix}{text.quote}{soft}{text.quote}"
                changes[text] = lambda old, value=value: old.with_changes(value=value)  # type: ignore[misc]
        if not changes:
            raise Refusal(f"{anchor.place} holds no pattern whose fence must be followed by a line end at once")
        return file.rewrite(changes)


def _is_pattern(file: PythonFile, text: cst.SimpleString) -> bool:
    """Whether a text is the first argument of a function of `re`."""
    call = next((above for above in file.parents(text) if isinstance(above, cst.Call)), None)
    if call is None or not call.args or call.args[0].value is not text:
        return False
    return file.dotted(call.func).partition(".")[0] in ("re", "regex")
