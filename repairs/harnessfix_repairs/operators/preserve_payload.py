"""preserve-payload: what is handed in is what was produced, byte for byte."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_JOIN = """\
class Tools:
    def submit(self, text):
        self.submission = "\\n".join(text.splitlines())  # one line end for all
        return "submitted"
"""
_REST = """\
def finished(output):
    lines = output.lstrip().splitlines()
    if lines and lines[0] == "DONE":
        return "\\n".join(lines[1:])
    return None
"""
_STRIP = """\
def submit(answer):
    if not answer.strip():
        raise ValueError("empty")
    return {"submission": answer.strip()}
"""


class PreservePayload(PythonOperator):
    """Keeps line ends and white space of a submission.

    `"\\n".join(text.splitlines())` becomes `text`; a list of lines that is joined again is split with
    `keepends=True` and joined with the empty text; `.strip()` around what is handed in goes.

    Anchor: the line that rebuilds the submission, or the function that hands it in.
    """

    name = "preserve-payload"
    summary = "Hand in the bytes that were produced."
    safety = Safety.UNSAFE
    fix_safety = (
        "The receiver now gets line ends and white space that it did not get before. Look whether something after "
        "this place compares the submission with a text that was stripped too. Lines that are compared after "
        "`splitlines(keepends=True)` end in their line end: a comparison of such a line with a constant is edited "
        "to strip it, and any other use of the lines makes the operator refuse."
    )
    examples = (
        EditExample(_JOIN, _JOIN.replace('"\\n".join(text.splitlines())', "text"), qualname="Tools.submit", line=3),
        EditExample(
            _REST,
            """\
def finished(output):
    lines = output.lstrip().splitlines(keepends=True)
    if lines and lines[0].strip() == "DONE":
        return "".join(lines[1:])
    return None
""",
            qualname="finished",
            line=4,
        ),
        EditExample(
            _STRIP,
            _STRIP.replace('"submission": answer.strip()', '"submission": answer'),
            qualname="submit",
            line=4,
        ),
        EditExample(_STRIP.replace("answer.strip()}", "answer}"), "", qualname="submit", line=4),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Undo what the code does to the payload on its way out."""
        changes: dict[cst.CSTNode, Change] = {}
        for call in file.find(anchor, cst.Call, lambda node: _joined(file, node) is not None):
            changes |= _kept_lines(file, call)
        if not changes:
            for call in file.find(anchor, cst.Call, lambda node: _is_stripped_value(file, node)):
                changes[call] = _receiver
        if not changes:
            raise Refusal(f"{anchor.place} rebuilds no text from its lines and strips nothing that it hands in")
        return file.rewrite(changes)


def _joined(file: PythonFile, call: cst.Call) -> cst.BaseExpression | None:
    """What a `"\\n".join(…)` joins, when that is lines; None for any other call."""
    function = call.func
    if not (isinstance(function, cst.Attribute) and function.attr.value == "join" and len(call.args) == 1):
        return None
    if not (isinstance(function.value, cst.SimpleString) and function.value.evaluated_value == "\n"):
        return None
    inner = call.args[0].value
    base = inner.value if isinstance(inner, cst.Subscript) else inner
    if _is_splitlines(base) or (isinstance(base, cst.Name) and _assignment(file, call, base.value) is not None):
        return inner
    return None


def _is_splitlines(node: cst.CSTNode) -> bool:
    return (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Attribute)
        and node.func.attr.value == "splitlines"
        and not node.args
    )


def _assignment(file: PythonFile, at: cst.CSTNode, name: str) -> cst.Assign | None:
    """The one assignment of `name` in the function around `at`, when it assigns `….splitlines()`."""
    scope = file.function(at) or file.module
    found = [
        node
        for node in file.within(scope, cst.Assign)
        if any(isinstance(part.target, cst.Name) and part.target.value == name for part in node.targets)
    ]
    return found[0] if len(found) == 1 and _is_splitlines(found[0].value) else None


def _kept_lines(file: PythonFile, call: cst.Call) -> dict[cst.CSTNode, Change]:
    inner = _joined(file, call)
    assert inner is not None
    if _is_splitlines(inner):
        return {call: lambda at: at.args[0].value.func.value}
    base = inner.value if isinstance(inner, cst.Subscript) else inner
    changes: dict[cst.CSTNode, Change] = {call: lambda at: at.with_deep_changes(at.func, value=cst.SimpleString('""'))}
    if _is_splitlines(base):
        changes[base] = _with_ends
        return changes
    assert isinstance(base, cst.Name)
    assigned = _assignment(file, call, base.value)
    assert assigned is not None
    changes[assigned.value] = _with_ends
    changes |= _compared(file, call, base)
    return changes


def _compared(file: PythonFile, call: cst.Call, base: cst.Name) -> dict[cst.CSTNode, Change]:
    """Comparisons of single lines, which now have their line ends; raises `Refusal` for any other use of a line."""
    scope = file.function(call) or file.module
    changes: dict[cst.CSTNode, Change] = {}
    for name in file.within(scope, cst.Name):
        if name.value != base.value or name is base:
            continue
        above = next(file.parents(name))
        if isinstance(above, cst.Subscript) and not isinstance(above.slice[0].slice, cst.Slice):
            around = next(file.parents(above))
            stripped = isinstance(around, cst.Attribute) and around.attr.value in ("strip", "rstrip")
            if isinstance(around, (cst.Comparison, cst.ComparisonTarget)):
                changes[above] = _stripped
            elif not stripped:
                raise Refusal(f"{file.path}:{file.line(above)} uses a line in a way that its line end may change")
    return changes


def _with_ends(node: cst.Call) -> cst.Call:
    keep = cst.Arg(
        keyword=cst.Name("keepends"),
        value=cst.Name("True"),
        equal=cst.AssignEqual(whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace("")),
    )
    return node.with_changes(args=[keep])


def _stripped(node: cst.Subscript) -> cst.Call:
    return cst.Call(func=cst.Attribute(value=node, attr=cst.Name("strip")))


def _receiver(node: cst.Call) -> cst.BaseExpression:
    assert isinstance(node.func, cst.Attribute)
    return node.func.value


def _is_stripped_value(file: PythonFile, call: cst.Call) -> bool:
    """Whether a call strips what is then handed in: returned, raised, assigned to an attribute or put under a key."""
    function = call.func
    if not (isinstance(function, cst.Attribute) and function.attr.value in ("strip", "rstrip", "lstrip")):
        return False
    if call.args:
        return False
    above = next(file.parents(call))
    if isinstance(above, cst.Assign):
        return any(isinstance(part.target, (cst.Attribute, cst.Subscript)) for part in above.targets)
    return isinstance(above, (cst.Return, cst.DictElement, cst.Arg))
