"""fill-placeholder: a message shows the value that it names."""

import builtins
import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import keeping_parentheses
from harnessfix_repairs.editing.scope import bound_at

from .base import EditExample, GuardExample, Refusal

_HOLE = re.compile(r"\{([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*|\[\d+\])*)(?:![rsa])?(?::[^{}\s'\"\\]*)?\}")
_FILLED = re.compile(
    r"(?i)format|template|substitute|render|prompt|pattern|regex|compile|replace|path|route|url|schema"
)

_UNKNOWN = """\
def run_tool(tools, name, arguments):
    if name not in tools:
        raise ValueError("there is no tool {name}")  # said to the model
    return tools[name](**arguments)
"""
_LOGGED = """\
def load(log, path, found):
    log.warning(
        "read {path} "
        "with {len} lines: {found.first!r}"
    )
"""


class FillPlaceholder(PythonOperator):
    """Puts the `f` in front of a text with `{name}` in it that is raised, printed or logged.

    Every brace of the text must belong to a name that is sure to hold a value there.

    Anchor: the text, or the function that holds it. No parameters.
    """

    name = "fill-placeholder"
    summary = "Show a value where a message shows its placeholder."
    fix_safety = (
        "The message says what it was meant to say. Where it is shown to the model or written to a log, the value is "
        "new there: look whether it may be long or secret."
    )
    examples = (
        EditExample(_UNKNOWN, _UNKNOWN.replace('"there', 'f"there'), qualname="run_tool", line=3),
        EditExample(
            _LOGGED.replace("{len}", "some"),
            _LOGGED.replace("{len}", "some").replace('"read', 'f"read').replace('"with', 'f"with'),
            qualname="load",
            line=2,
            end_line=5,
        ),
        EditExample(_LOGGED, "", qualname="load", line=2, end_line=5),
        EditExample(_UNKNOWN.replace("{name}", "{tool}"), "", qualname="run_tool", line=3),
        EditExample(_UNKNOWN.replace("{name}", "{name} {{x}}"), "", qualname="run_tool", line=3),
        EditExample(_UNKNOWN.replace('{name}")', '{name}", name=name)'), "", qualname="run_tool", line=3),
        EditExample(_UNKNOWN.replace('{name}")', '{name}".format(name=name))'), "", qualname="run_tool", line=3),
        EditExample('def f(log, name):\n    TEXT = "tool {name}"\n    return TEXT\n', "", qualname="f", line=2),
    )
    guards = (
        GuardExample(
            "def fail(name):\n    raise ValueError('there is no {name!r} of {name.real:>3}')\n",
            passes=("said(fail, 5) == 'there is no 5 of   5'",),
            stops=("'{' not in said(fail, 1)",),
            setup=(
                "def said(function, given):\n    try:\n        function(given)\n"
                "    except ValueError as error:\n        return str(error)\n"
            ),
            qualname="fail",
            line=2,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Prefix every such text at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        for node in file.find(anchor, cst.SimpleString, lambda one: "{" in one.value and _is_said(file, one)):
            sure = _sure(file, node)
            if all(_names(part) and _names(part) <= sure for part in _parts(file, node)):
                made = file.expression(_prefixed(node))
                changes[node] = keeping_parentheses(made)
        if not changes:
            raise Refusal(f"{anchor.place} says no text whose braces all hold names that have a value there")
        return file.rewrite(changes)


def _parts(file: PythonFile, node: cst.SimpleString) -> list[cst.SimpleString]:
    """The pieces with braces of the text that a piece of a text belongs to."""
    whole: cst.CSTNode = node
    for above in file.parents(node):
        if not isinstance(above, cst.ConcatenatedString):
            break
        whole = above
    return [part for part in file.within(whole, cst.SimpleString) if "{" in part.value or "}" in part.value]


def _names(node: cst.SimpleString) -> set[str]:
    """Names in the braces of a text; none when some brace is not one of a name."""
    rest = _HOLE.sub("", node.value)
    if "b" in node.prefix or "{" in rest or "}" in rest:
        return set()
    return {hole.group(1) for hole in _HOLE.finditer(node.value)}


def _prefixed(node: cst.SimpleString) -> str:
    return ("fr" if "r" in node.prefix else "f") + node.value[len(node.prefix) :]


def _sure(file: PythonFile, node: cst.CSTNode) -> set[str]:
    """Names that hold a value there and are not Python's own."""
    return bound_at(file, file.statement(node)) - set(dir(builtins))


def _is_said(file: PythonFile, node: cst.SimpleString) -> bool:
    """Whether the text is raised, or handed to a call that is a statement, and nothing else fills it."""
    for above in file.parents(node):
        if isinstance(above, cst.Call):
            names = {arg.keyword.value for arg in above.args if arg.keyword is not None}
            name = file.dotted(above.func)
            if not name or _FILLED.search(name) or names & _names(node) or any(arg.star for arg in above.args):
                return False
        elif isinstance(above, cst.Raise):
            return True
        elif isinstance(above, cst.Expr):
            return isinstance(above.value, cst.Call)
        elif not isinstance(above, (cst.Arg, cst.ConcatenatedString)):
            return False
    return False
