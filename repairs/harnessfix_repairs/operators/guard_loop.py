"""guard-loop: the same call with the same result, again and again, ends the loop with a reason."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after, before
from harnessfix_repairs.editing.helpers import Helper
from harnessfix_repairs.editing.logs import imports_for_log, log_call
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.reporting import is_textual, message_calls
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, GuardExample, Refusal

DEFAULT_REPEATS = 3
_STUCK = Helper(
    "_stuck",
    '''\
def _stuck(turns, call, result, limit):
    """Note a turn; whether the same call has had the same result so often in a row. Calls that wait may repeat."""
    turns.append(repr((call, result)))
    if re.search(r"sleep|wait|poll|status|tail|progress|check|refresh|heartbeat|retry", repr(call), re.IGNORECASE):
        limit = 4 * limit
    return len(turns) >= limit and len(set(turns[-limit:])) == 1
''',
    ("re",),
)
_CONTENT = re.compile(r"""\.(content|text)$|\[['"](content|text|answer)['"]\]$""")
_PURE = (cst.Name, cst.Attribute, cst.Subscript, cst.SimpleString)

_AGENT = """\
import json
import logging
import re


def run(model, tools, messages):
    # until it answers
    while True:
        reply = model.query(messages)
        messages.append(reply)
        if not reply.get("tool_calls"):
            return reply["content"]
        for wanted in reply["tool_calls"]:
            arguments = json.loads(wanted["arguments"])
            result = tools[wanted["name"]](**arguments)
            messages.append({"role": "tool", "tool_call_id": wanted["id"], "content": result})
"""
_STOPS = """\
            if _stuck(turns, (wanted["name"], arguments), result, 3):
                logging.getLogger(__name__).warning("run was stopped: the same call had the same result %s times", 3)
                return "run was stopped: the same call had the same result 3 times in a row"
"""
_GUARDED = """\
def run(ask, tools):
    messages = []
    while True:
        name, value = ask(messages)
        if name == "done":
            return value
        result = tools[name](value)
        messages.append({"role": "user", "content": result})
"""


class GuardLoop(PythonOperator):
    """Ends an agent's loop, with a reason, when the same call has had the same result so often in a row.

    The reason is logged; it is returned by a function that returns texts, and raised by any other.

    What a turn called and what came of it are compared as they are shown (`repr`). Calls whose name or arguments speak
    of waiting may repeat four times as often.

    Anchor: the agent's loop, or the function that holds it.

    Parameters:
        limit: turns in a row; 3 by default.
        raises: dotted name of an exception to raise; by default RuntimeError, where no text can be returned.
    """

    name = "guard-loop"
    summary = "End a loop in which the same call has the same result again and again."
    fix_safety = (
        "A run that repeats itself and would have come free, or waits in a way that its call's name does not tell, is "
        "stopped: look at the number. The reason leaves the function as its answer or as an exception; look whether a "
        "caller can tell it from one of the model. Results that hold a time or a counter never count as the same."
    )
    adds = (_STUCK.name,)
    examples = (
        EditExample(
            _AGENT,
            _AGENT.replace("    # until", "    turns = []\n    # until")
            .replace('"content": result})\n', '"content": result})\n' + _STOPS)
            .replace("import re\n\n\n", "import re\n\n\n" + _STUCK.source + "\n\n"),
            qualname="run",
            line=8,
            end_line=16,
        ),
        EditExample(_AGENT.replace('"content": result', '"content": "done"'), "", qualname="run", line=8, end_line=16),
        EditExample(_AGENT.replace("**arguments)", "**read(arguments))"), "", qualname="run", line=8, end_line=16),
        EditExample("def run(rows):\n    for row in rows:\n        print(row)\n", "", qualname="run", line=2),
    )
    guards = (
        GuardExample(
            _GUARDED,
            passes=[
                "run(asking(*[('look', 1)] * 2), TOOLS) == 'end'",
                "run(asking(*[('look', 1), ('look', 2)] * 9), TOOLS) == 'end'",
                "run(asking(*[('count', 1)] * 9), TOOLS) == 'end'",
                "run(asking(*[('wait', 1)] * 11), TOOLS) == 'end'",
            ],
            stops=[
                "stopped(asking(*[('look', 1)] * 3))",
                "stopped(asking(('look', 2), *[('look', 1)] * 9))",
                "stopped(asking(*[('wait', 1)] * 12))",
            ],
            setup=(
                "import itertools\n"
                "TOOLS = {'look': str, 'wait': str, 'count': lambda value, n=itertools.count(): str(next(n))}\n"
                "def asking(*turns):\n    left = iter([*turns, ('done', 'end')])\n    return lambda seen: next(left)\n"
                "def stopped(ask):\n    try:\n        run(ask, TOOLS)\n    except RuntimeError:\n        return True\n"
                "    return False\n"
            ),
            qualname="run",
            line=3,
            end_line=8,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Guard the first loop at the anchor that hands a tool's result back."""
        limit = parameters.whole(spec, "limit", 2) or DEFAULT_REPEATS
        loops: list[cst.While | cst.For] = [*file.find(anchor, cst.While), *file.find(anchor, cst.For)]
        for loop in loops:
            if file.within(loop, cst.Call) and f"{_STUCK.name}(" in file.code(loop):
                return file.text
            for adding, content, role in message_calls(file, loop):
                line = file.statement(adding)
                if role not in ("tool", "user", "function") or not isinstance(line, cst.SimpleStatementLine):
                    continue
                inner = loop_around(file, adding)
                call = _call_of(file, inner or loop, content)
                if call is None or inner is None:
                    continue
                outer = _outermost(file, loop)
                turns = file.fresh(file.function(loop) or file.module, "turns", "turns_so_far", "repeated_turns")
                stop = _stop(file, loop, f"{_STUCK.name}({turns}, {call}, {file.code(content)}, {limit})", limit, spec)
                changes: dict[cst.CSTNode, Change] = {
                    line: after(file.statements(stop)),
                    outer: before(file.statements(f"{turns} = []\n")),
                }
                return file.rewrite(changes, helpers=[_STUCK], imports=imports_for_log(file))
        raise Refusal(f"{anchor.place} holds no loop that hands a tool's result back in a way that is understood")


def _outermost(file: PythonFile, loop: cst.While | cst.For) -> cst.While | cst.For:
    while (around := loop_around(file, loop)) is not None:
        loop = around
    return loop


def _call_of(file: PythonFile, loop: cst.CSTNode, content: cst.BaseExpression) -> str | None:
    """Source of what a result came from, read without doing anything: the tool's name and what it was given."""
    if not isinstance(content, cst.Name):
        return None
    for assign in file.within(loop, cst.Assign):
        if file.code(assign.targets[0].target) != content.value or len(assign.targets) != 1:
            continue
        value = assign.value.expression if isinstance(assign.value, cst.Await) else assign.value
        if not isinstance(value, cst.Call) or not all(_is_pure(file, arg.value) for arg in value.args):
            return None
        given = [file.code(arg.value) for arg in value.args]
        if isinstance(value.func, cst.Subscript) and len(value.func.slice) == 1:
            index = value.func.slice[0].slice
            if not isinstance(index, cst.Index) or not _is_pure(file, index.value):
                return None
            given.insert(0, file.code(index.value))
        elif not isinstance(value.func, (cst.Name, cst.Attribute)):
            return None
        return f"({', '.join(given)},)" if len(given) == 1 else f"({', '.join(given)})" if given else None
    return None


def _is_pure(file: PythonFile, node: cst.BaseExpression) -> bool:
    """Whether reading an expression once more does nothing."""
    return isinstance(node, _PURE) and not file.within(node, (cst.Call, cst.Await, cst.NamedExpr))


def _stop(file: PythonFile, loop: cst.CSTNode, test: str, limit: int, spec: RepairSpec) -> str:
    where = file.qualname(loop) or "the loop"
    raises = parameters.dotted_source(spec, "raises")
    log = log_call(file, f"{where} was stopped: the same call had the same result %s times", str(limit)).strip()
    words = f'"{where} was stopped: the same call had the same result {limit} times in a row"'
    end = (
        f"return {words}" if not raises and _returns_text(file, loop) else f"raise {raises or 'RuntimeError'}({words})"
    )
    return f"if {test}:\n    {log}\n    {end}\n"


def _returns_text(file: PythonFile, loop: cst.CSTNode) -> bool:
    """Whether everything that the loop's function returns is a text, or the content of a message."""
    function = file.function(loop)
    found = file.within(function, cst.Return) if function is not None else []
    values = [node.value for node in found if node.value is not None and file.function(node) is function]
    texts = [value for value in values if not isinstance(value, cst.Name) or value.value != "None"]
    return bool(texts) and all(
        is_textual(file, value) or _CONTENT.search(file.code(value)) is not None for value in texts
    )
