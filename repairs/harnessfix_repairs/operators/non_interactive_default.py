"""non-interactive-default: a question to nobody has an answer."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import before, indented, own_line
from harnessfix_repairs.editing.logs import imports_for_log, log_call
from harnessfix_repairs.editing.narrow import narrowed
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile

from .base import EditExample, Refusal

_ASKS = """\
import logging
import sys


class Agent:
    def ask_user(self, question):
        # whoever sits there
        return input(f"{question} ")
"""
_CONFIRMS = """\
import logging
import sys


def confirm(question):
    return input(f"{question} [y/N] ").lower() == "y"
"""


class NonInteractiveDefault(PythonOperator):
    """Answers for the user when standard input is no terminal: no to a yes-or-no question, else that nobody is there.

    Anchor: the call of `input`, or the function that holds it; the function has to return what it asks.

    Parameters:
        line: line of the call.
        default: the answer to give instead; one line.
    """

    name = "non-interactive-default"
    summary = "Answer a question by default when nobody is at the terminal."
    fix_safety = (
        "A harness that gets its answers through a pipe no longer reads them, as a pipe is no terminal either. An "
        "unattended run gets the default, which is logged; a question of yes or no is answered with no."
    )
    examples = (
        EditExample(
            _ASKS,
            _ASKS.replace(
                "        # whoever",
                "        if not sys.stdin.isatty():\n"
                '            logging.getLogger(__name__).warning("Agent.ask_user answered by default: '
                'nobody is at the terminal")\n'
                '            return "Nobody is here to ask. Decide for yourself."\n        # whoever',
            ),
            qualname="Agent.ask_user",
            line=8,
        ),
        EditExample(
            _CONFIRMS,
            _CONFIRMS.replace(
                "    return input",
                "    if not sys.stdin.isatty():\n"
                '        logging.getLogger(__name__).warning("confirm answered by default: '
                'nobody is at the terminal")\n'
                "        return False\n    return input",
            ),
            qualname="confirm",
            line=6,
        ),
        EditExample(_ASKS.replace("return input", "self.last = input"), "", qualname="Agent.ask_user", line=8),
        EditExample(_ASKS, "", qualname="Agent.ask_user", line=8, parameters={"default": 'a "b"'}),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Give the first question at the anchor a default."""
        found = file.find(
            anchor, cst.Call, lambda node: file.dotted(node.func) in ("input", "builtins.input", "getpass.getpass")
        )
        calls = narrowed(file, found, spec)
        if not calls:
            raise Refusal(f"{anchor.place} asks nothing with input()")
        line = own_line(file, calls[0])
        small, function = line.body[0], file.function(calls[0])
        if function is None or not isinstance(small, cst.Return) or small.value is None:
            raise Refusal(f"{file.path}:{file.line(line)} does not return what it asks")
        if "isatty" in file.code(function):
            return file.text
        default = parameters.text(spec, "default")
        if set('"\\\n') & set(default):
            raise Refusal("parameter 'default' must be one line without quotes or backslashes")
        truth = isinstance(small.value, (cst.Comparison, cst.BooleanOperation, cst.UnaryOperation))
        answer = "False" if truth and not default else f'"{default or "Nobody is here to ask. Decide for yourself."}"'
        log = log_call(file, f"{file.qualname(line)} answered by default: nobody is at the terminal")
        check = file.statements(f"if not sys.stdin.isatty():\n{indented(f'{log}return {answer}' + chr(10))}")
        return file.rewrite({line: before(check)}, imports=["sys", *imports_for_log(file)])
