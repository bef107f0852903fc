"""tolerant-decoding: bytes that are not text in the expected encoding no longer end a run."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.editing.calls import add_keyword, argument, has_unpacked, is_true
from harnessfix_repairs.editing.narrow import narrowed
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile
from harnessfix_repairs.editing.reporting import constant_text

from .base import EditExample, Refusal

_BEFORE = """\
import subprocess


def run(command):
    done = subprocess.run(
        command,
        shell=True,
        text=True,  # the tools print UTF-8
    )
    return done.stdout
"""
_DECODE = "def show(data, path):\n    return data.decode('utf-8') + open(path).read()\n"


class TolerantDecoding(PythonOperator):
    """Adds `errors="replace"` where bytes are decoded: subprocess in text mode, `.decode()`, `open` and `read_text`.

    Anchor: the call, or the function that holds it.

    Parameters:
        line: line of the call, when the function holds several; by default all are edited.
    """

    name = "tolerant-decoding"
    summary = "Decode output with errors='replace'."
    safety = Safety.SAFE
    fix_safety = (
        "What could be decoded is decoded as before; a byte that could not, and raised UnicodeDecodeError, becomes "
        "the replacement character. Code that writes such a text back to a file would write that character: a file "
        "opened for writing, or for both, is refused."
    )
    examples = (
        EditExample(
            _BEFORE,
            _BEFORE.replace("  # the tools print UTF-8\n", '  # the tools print UTF-8\n        errors="replace",\n'),
            qualname="run",
            line=5,
        ),
        EditExample(
            _DECODE,
            _DECODE.replace("'utf-8'", "'utf-8', errors=\"replace\"").replace(
                "open(path", 'open(path, errors="replace"'
            ),
            qualname="show",
            line=2,
        ),
        EditExample("def save(path):\n    return open(path, 'w')\n", "", qualname="save", line=2),
        EditExample(_BEFORE.replace("        text=True,  # the tools print UTF-8\n", ""), "", qualname="run", line=5),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Make every decoding at the anchor tolerant."""
        calls = narrowed(file, file.find(anchor, cst.Call, lambda call: _decodes(file, call)), spec)
        if not calls:
            raise Refusal(f"{anchor.place} decodes nothing in a way that is understood")
        new = add_keyword("errors", file.expression('"replace"'))
        strict = [
            call
            for call in calls
            if argument(call, "errors") is None and len(_positional(call)) < 2 + _opens(file, call)
        ]
        return file.rewrite(dict.fromkeys(strict, new))


def _decodes(file: PythonFile, call: cst.Call) -> bool:
    name = file.dotted(call.func)
    if has_unpacked(call):
        return False
    if name.startswith("subprocess."):
        text = (argument(call, "text"), argument(call, "universal_newlines"))
        return any(is_true(arg) for arg in text) or argument(call, "encoding") is not None
    if name in ("open", "io.open", "codecs.open"):
        mode = argument(call, "mode", 1)
        return mode is None or constant_text(mode.value) in ("r", "rt")
    return isinstance(call.func, cst.Attribute) and call.func.attr.value in ("decode", "read_text")


def _positional(call: cst.Call) -> list[cst.Arg]:
    return [arg for arg in call.args if arg.keyword is None]


def _opens(file: PythonFile, call: cst.Call) -> int:
    return (
        3 if file.dotted(call.func).endswith("open") else 98 if file.dotted(call.func).startswith("subprocess.") else 0
    )
