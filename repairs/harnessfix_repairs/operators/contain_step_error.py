"""contain-step-error: one step's exception becomes an observation, and the run goes on."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import before, guarded, in_try, indented, own_line
from harnessfix_repairs.editing.handlers import new_name
from harnessfix_repairs.editing.logs import imports_for_log, log_call
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.reporting import message_calls
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, Refusal

_COUNTED = re.compile(r"(?i)token|usage|cost")
_LOOP = """\
import json
import logging

log = logging.getLogger(__name__)


def run(model, messages, tools):
    for _ in range(6):
        reply = model.query(messages)
        for call in reply["tool_calls"]:
            arguments = json.loads(call["arguments"])
            # the tool is somebody else's
            result = tools[call["name"]](**arguments)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
"""
_INLINE = """\
import logging


def run(model, messages, execute):
    for _ in range(5):
        command = model.ask(messages)
        messages.append({"role": "user", "content": execute(command)})
"""
_DISPATCH = """\
import logging

TOOLS = {}


def answer(call):
    return TOOLS[call.name](**call.arguments)
"""
_COUNT = """\
import logging


def run(model, messages):
    tokens = 0
    for _ in range(3):
        reply = model.query(messages)
        tokens += reply["usage"]["total_tokens"]
        messages.append(reply)
"""


class ContainStepError(PythonOperator):
    """Catches what a step's own work raises, and answers the model with it.

    In a loop, a line `result = tool(…)` whose name is the content of a message that the same loop appends, or a call
    that is itself that content, is put in a `try`; an exception is logged, and its type and text become the content. So
    is a line `return tool(**arguments)` of a function that answers the loop. A
    line that only counts (`tokens += …`), when `line` names it, is logged and passed over.

    Anchor: the call or the line, the loop, or the function that holds it.

    Parameters:
        line: line of the statement that raised, when it only counts.
        errors: names of the exceptions to catch there; TypeError, KeyError, IndexError and AttributeError by default.
            Given without a line that counts, the one sum of tokens, usage or cost at the anchor is meant.
    """

    name = "contain-step-error"
    summary = "Turn an exception of one step into an observation."
    fix_safety = (
        "A run that ended with the exception goes on. Look whether the exception could be one that has to end it, "
        "such as a lost sandbox: `Exception` is caught, KeyboardInterrupt and SystemExit are not. The number of "
        "steps has to be bounded by something else."
    )
    examples = (
        EditExample(
            _LOOP,
            _LOOP.replace(
                '            result = tools[call["name"]](**arguments)\n',
                "            try:\n"
                '                result = tools[call["name"]](**arguments)\n'
                "            except Exception as error:\n"
                '                log.warning("a step failed and was answered", exc_info=True)\n'
                '                result = f"error: {type(error).__name__}: {error}"\n',
            ),
            qualname="run",
            line=13,
        ),
        EditExample(
            _INLINE,
            _INLINE.replace(
                '        messages.append({"role": "user", "content": execute(command)})',
                "        try:\n"
                "            result = execute(command)\n"
                "        except Exception as error:\n"
                '            logging.getLogger(__name__).warning("a step failed and was answered", exc_info=True)\n'
                '            result = f"error: {type(error).__name__}: {error}"\n'
                '        messages.append({"role": "user", "content": result})',
            ),
            qualname="run",
            line=5,
            end_line=7,
        ),
        EditExample(
            _COUNT,
            _COUNT.replace(
                '        tokens += reply["usage"]["total_tokens"]\n',
                "        try:\n"
                '            tokens += reply["usage"]["total_tokens"]\n'
                "        except (TypeError, KeyError):\n"
                '            logging.getLogger(__name__).warning("tokens could not be counted", exc_info=True)\n',
            ),
            qualname="run",
            line=8,
            parameters={"line": 8, "errors": ["TypeError", "KeyError"]},
        ),
        EditExample(
            _DISPATCH,
            _DISPATCH.replace(
                "    return TOOLS[call.name](**call.arguments)\n",
                "    try:\n"
                "        return TOOLS[call.name](**call.arguments)\n"
                "    except Exception as error:\n"
                '        logging.getLogger(__name__).warning("a step failed and was answered", exc_info=True)\n'
                '        return f"error: {type(error).__name__}: {error}"\n',
            ),
            qualname="answer",
            line=6,
            end_line=7,
        ),
        EditExample(_INLINE.replace("execute(command)", "command"), "", qualname="run", line=5, end_line=7),
        EditExample("def run(tool):\n    return tool()\n", "", qualname="run", line=2),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Contain the first such statement at the anchor."""
        line, errors = parameters.whole(spec, "line"), parameters.texts(spec, "errors")
        sums = file.find(anchor, cst.AugAssign, lambda node: bool(_COUNTED.search(file.code(node.target))))
        counted = [n for n in file.find(anchor, cst.AugAssign) if line is not None and file.line(n) == line]
        if counted or (errors and len(sums) == 1):
            return self._write(file, _counted(file, [*counted, *sums][0], errors))
        loops: list[cst.CSTNode] = [*file.find(anchor, cst.For), *file.find(anchor, cst.While)]
        calls = set(file.find(anchor, cst.Call))
        for call, content, role in message_calls(file, file.module):
            loop = loop_around(file, call)
            if loop is None or role in ("assistant", "system"):
                continue
            work = _work(file, content, loop)
            if work is not None and _asks_model(file, work, call):
                continue
            if work is None or not (call in calls or work in calls or loop in loops):
                continue
            if in_try(file, work):
                return file.text
            return self._write(file, _contained(file, work, content))
        handed_on = file.find(anchor, cst.Return, lambda node: _spreads(node.value))
        if len(handed_on) == 1:
            return self._write(file, {} if in_try(file, handed_on[0]) else _answered(file, handed_on[0]))
        raise Refusal(f"{anchor.place} holds no step, in a loop, whose result becomes a message")

    def _write(self, file: PythonFile, changes: dict[cst.CSTNode, Change]) -> str:
        return file.rewrite(changes, imports=imports_for_log(file) if changes else ())


def _work(file: PythonFile, content: cst.BaseExpression, loop: cst.CSTNode) -> cst.Call | None:
    """The call whose result is the content of a message, directly or through one name."""
    if isinstance(content, (cst.Call, cst.Await)):
        inner = content.expression if isinstance(content, cst.Await) else content
        return inner if isinstance(inner, cst.Call) and _may_fail(file, inner) else None
    if not isinstance(content, cst.Name):
        return None
    for assign in file.within(loop, cst.Assign):
        target = assign.targets[0].target
        value = assign.value.expression if isinstance(assign.value, cst.Await) else assign.value
        named = isinstance(target, cst.Name) and target.value == content.value and len(assign.targets) == 1
        if named and isinstance(value, cst.Call) and _may_fail(file, value):
            return value
    return None


def _spreads(value: cst.BaseExpression | None) -> bool:
    """Whether a value is a call that is given a mapping as its arguments, as a tool is."""
    inner = value.expression if isinstance(value, cst.Await) else value
    return isinstance(inner, cst.Call) and any(arg.star == "**" for arg in inner.args)


def _answered(file: PythonFile, handed_on: cst.Return) -> dict[cst.CSTNode, Change]:
    error = new_name(file, handed_on)
    log = log_call(file, "a step failed and was answered", exc_info=True)
    said = f'return f"error: {{type({error}).__name__}}: {{{error}}}"\n'
    handler = f"except Exception as {error}:\n{indented(log + said)}"
    return {own_line(file, handed_on): guarded(file, handler)}


def _asks_model(file: PythonFile, work: cst.Call, message: cst.Call) -> bool:
    """Whether a call is given the very list that the message goes to: it asks the model, and is no step of its own."""
    history = file.code(message.func.value) if isinstance(message.func, cst.Attribute) else ""
    return any(file.code(arg.value) == history for arg in work.args)


def _may_fail(file: PythonFile, call: cst.Call) -> bool:
    name = file.code(call.func).rsplit(".", 1)[-1]
    return not re.fullmatch(r"str|repr|render\w*|format|join|dumps|strip|shorten|truncate|_head_and_tail", name)


def _contained(file: PythonFile, work: cst.Call, content: cst.BaseExpression) -> dict[cst.CSTNode, Change]:
    line = own_line(file, work)
    error = new_name(file, work)
    log = log_call(file, "a step failed and was answered", exc_info=True)
    said = f'f"error: {{type({error}).__name__}}: {{{error}}}"'
    small = line.body[0]
    if isinstance(small, cst.Assign):
        name = file.code(small.targets[0].target)
        return {line: guarded(file, f"except Exception as {error}:\n{indented(f'{log}{name} = {said}' + chr(10))}")}
    name = file.fresh(file.function(work) or file.module, "result", "outcome", "observed")
    handler = f"except Exception as {error}:\n{indented(f'{log}{name} = {said}' + chr(10))}"
    made = file.statements(f"try:\n    {name} = {file.code(content)}\n{handler}")
    return {line: before(made), content: lambda _: cst.Name(name)}


def _counted(file: PythonFile, node: cst.AugAssign, errors: list[str]) -> dict[cst.CSTNode, Change]:
    known = [name for name in errors if re.fullmatch(r"\w+Error", name)] or [
        "TypeError",
        "KeyError",
        "IndexError",
        "AttributeError",
    ]
    if in_try(file, node, *known):
        return {}
    line = own_line(file, node)
    log = log_call(file, f"{file.code(node.target)} could not be counted", exc_info=True)
    caught = f"({', '.join(known)})" if len(known) > 1 else known[0]
    return {line: guarded(file, f"except {caught}:\n{indented(log)}")}
