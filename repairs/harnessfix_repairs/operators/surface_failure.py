"""surface-failure: what failed, and how, is in the answer."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.blocks import before, own_line
from harnessfix_repairs.editing.calls import argument, is_true
from harnessfix_repairs.editing.handler_answers import answers, says_nothing
from harnessfix_repairs.editing.handlers import caught_name
from harnessfix_repairs.editing.narrow import narrowed
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile, chain
from harnessfix_repairs.editing.replacing import becomes
from harnessfix_repairs.editing.reporting import constant_text
from harnessfix_repairs.editing.texts import with_tail

from .base import EditExample, Refusal

_RUNS = ("subprocess.run", "subprocess.Popen")

_HANDLER = '''\
import json


def find_tickets(tickets, field, value):
    """List the tickets whose FIELD is VALUE."""
    try:
        found = [ticket for ticket in tickets if ticket[field] == value]
    except Exception:  # an unknown field
        return "[]"
    return json.dumps(found)
'''
_MESSAGE = """\
def step(messages, tool, call):
    try:
        result = tool(**call.arguments)
    except Exception as problem:
        result = "The tool failed."
    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
"""
_CODE = """\
import subprocess


def run_command(command):
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    return done.stdout  # for the model
"""
_DICT = """\
import subprocess


def run_command(command):
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, timeout=60)
    return {"output": done.stdout.decode()}
"""


class SurfaceFailure(PythonOperator):
    """Carries an exception's type and message, or a command's exit code, into what is returned or shown.

    In an `except` clause: the constant that it returns, assigns or appends as a message becomes a text that ends with
    the exception. After `subprocess.run`: a function that returns the output and never looks at the exit code returns
    the code, and what went to stderr, with it when it is not zero; a dict gets a `returncode`.

    Anchor: the clause, the call that starts the process, or the function that holds it.

    Parameters:
        line: line of the call, when the function holds several.
    """

    name = "surface-failure"
    summary = "Carry the exception, or the exit code, into the observation."
    fix_safety = (
        "The text that the model sees changes on the failing path, which is the point: what was an empty or a "
        "generic answer names the error. Code that compares the answer with the constant would no longer find it; "
        "look for that. An exception's text may name paths and values of the machine."
    )
    examples = (
        EditExample(
            _HANDLER,
            _HANDLER.replace("except Exception:", "except Exception as error:").replace(
                'return "[]"', 'return f"{type(error).__name__}: {error}"'
            ),
            qualname="find_tickets",
            line=8,
            end_line=9,
        ),
        EditExample(
            _MESSAGE,
            _MESSAGE.replace('"The tool failed."', 'f"The tool failed: {type(problem).__name__}: {problem}"'),
            qualname="step",
            line=4,
            end_line=5,
        ),
        EditExample(
            _CODE,
            _CODE.replace(
                "    return done",
                "    if done.returncode != 0:\n"
                '        return f"exit code {done.returncode}\\n{done.stdout}{done.stderr}"\n    return done',
            ),
            qualname="run_command",
            line=5,
        ),
        EditExample(
            _DICT,
            _DICT.replace(".decode()}", '.decode(), "returncode": done.returncode}'),
            qualname="run_command",
            line=5,
        ),
        EditExample(_HANDLER.replace('return "[]"', "pass"), "", qualname="find_tickets", line=8),
        EditExample(
            _CODE.replace("return done.stdout", "return done.stdout.split()"), "", qualname="run_command", line=5
        ),
        EditExample(_HANDLER.replace('return "[]"', "return []").replace("json.dumps(found)", "found"), "", line=8),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Carry failures at the anchor into their answers."""
        handlers = file.find(anchor, cst.ExceptHandler)
        calls = narrowed(file, file.find(anchor, cst.Call, lambda call: file.dotted(call.func) in _RUNS), spec)
        if calls and (not handlers or spec.parameters.get("call") or spec.parameters.get("line")):
            return file.rewrite(_exit_code(file, calls[0]))
        if not handlers:
            raise Refusal(f"{anchor.place} holds neither an except clause nor a call that starts a process")
        changes: dict[cst.CSTNode, Change] = {}
        reasons = []
        for handler in handlers:
            try:
                for node, change in _carried(file, handler).items():
                    changes[node] = chain(changes[node], change) if node in changes else change
            except Refusal as refusal:
                reasons.append(refusal)
        if reasons and not changes:
            raise reasons[0]
        return file.rewrite(changes)


def _carried(file: PythonFile, handler: cst.ExceptHandler) -> dict[cst.CSTNode, Change]:
    found = answers(file, handler)
    if not found:
        if _uses(file, handler):
            return {}
        raise Refusal(f"{file.path}:{file.line(handler)} hands on nothing that could carry the error")
    name, changes = caught_name(file, handler)
    tail = f"{{type({name}).__name__}}: {{{name}}}"
    for node in found:
        if handler.name is not None and name in file.code(node):
            continue
        source = f'f"{tail}"' if says_nothing(file, node) else with_tail(file, node, tail)
        changes[node] = becomes(file.expression(source))
    return changes if any(node in changes for node in found) else {}


def _uses(file: PythonFile, handler: cst.ExceptHandler) -> bool:
    name = handler.name.name.value if handler.name and isinstance(handler.name.name, cst.Name) else None
    return name is not None and any(node.value == name for node in file.within(handler.body, cst.Name))


def _exit_code(file: PythonFile, call: cst.Call) -> dict[cst.CSTNode, Change]:
    place = f"{file.path}:{file.line(call)}"
    function = file.function(call)
    line = own_line(file, call)
    assign = line.body[0]
    if is_true(argument(call, "check")):
        return {}
    if function is None or not isinstance(assign, cst.Assign) or not isinstance(assign.targets[0].target, cst.Name):
        raise Refusal(f"{place} does not keep the process under a name")
    name = assign.targets[0].target.value
    if f"{name}.returncode" in file.code(function) or f"{name}.check_returncode" in file.code(function):
        return {}
    for node in file.within(function, cst.Return):
        value = node.value
        if value is None or file.function(node) is not function or f"{name}.stdout" not in file.code(value):
            continue
        if isinstance(value, cst.Dict):
            return {value: _with_code(file, name)}
        return {own_line(file, node): _answered(file, node, call, name)}
    raise Refusal(f"{place}: {file.qualname(call)} does not return the output in a form that is understood")


def _with_code(file: PythonFile, name: str) -> Change:
    element = cst.DictElement(file.expression('"returncode"'), file.expression(f"{name}.returncode"))

    def change(node: cst.Dict) -> cst.Dict:
        if any(isinstance(e, cst.DictElement) and constant_text(e.key) == "returncode" for e in node.elements):
            return node
        *others, last = node.elements
        comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        return node.with_changes(
            elements=[*others, last.with_changes(comma=comma), element.with_changes(comma=last.comma)]
        )

    return change


def _answered(file: PythonFile, node: cst.Return, call: cst.Call, name: str) -> Change:
    value = node.value
    assert value is not None
    output = file.code(value)
    text = any(is_true(argument(call, word)) for word in ("text", "universal_newlines")) or argument(call, "encoding")
    captured = is_true(argument(call, "capture_output")) or "PIPE" in _stderr(file, call)
    if isinstance(value, cst.Attribute) and text:
        shown = f"{{{output}}}" + (f"{{{name}.stderr}}" if captured else "")
        setup = ""
    elif isinstance(value, cst.Call) and output.startswith(f"{name}.stdout.decode("):
        setup = f"output = {output}\n"
        shown = "{output}"
    else:
        raise Refusal(f"{file.path}:{file.line(node)} does not return the output as text")
    if setup:
        file.fresh(file.function(node) or file.module, "output")
    code = f'{setup}if {name}.returncode != 0:\n    return f"exit code {{{name}.returncode}}\\n{shown}"\n'
    return before(file.statements(code))


def _stderr(file: PythonFile, call: cst.Call) -> str:
    given = argument(call, "stderr")
    return file.code(given.value) if given is not None else ""
