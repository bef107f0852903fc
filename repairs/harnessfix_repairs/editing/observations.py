"""Telling the model of an error, where the code has no way of its own for errors, in place of what it would observe.

A harness hands results back in some way: a message or a line that its loop adds, a value that the function which runs
a tool returns. An error takes the same way. Only the smallest form is made, out of statements that are there.
"""

import re

import libcst as cst

from harnessfix_repairs.operators.base import Refusal

from .python import PythonFile
from .reporting import constant_text, is_textual, message_calls, report
from .scope import bound_at, loop_around, names_in

_ADDS = re.compile(r"(^|_)(append|add|push|extend)(_|$)")
_CONTENT = ("content", "output", "observation", "result")


def report_or_observe(file: PythonFile, at: cst.CSTNode, message: str, *, raises: str = "", cause: str = "") -> str:
    """As `reporting.report`; where the code shows no way, the error is made the observation of this turn.

    Raises `Refusal` when nothing is handed back either.
    """
    try:
        return report(file, at, message, raises=raises, cause=cause)
    except Refusal:
        for way in (_as_result, _as_user_message, _as_message_value, _as_tool_value):
            found = way(file, at, message)
            if found:
                return found
        raise


def _as_result(file: PythonFile, at: cst.CSTNode, message: str) -> str:
    """The statement that later adds the result to the conversation, once more, with the error in the result's name."""
    loop, function = loop_around(file, at), file.function(at)
    scope = loop.body if loop is not None else function.body if function is not None else None
    if not isinstance(scope, cst.IndentedBlock) or (loop is None and not _is_step(file, scope)):
        return ""
    bound = bound_at(file, file.statement(at))
    for statement in reversed(scope.body):
        if not isinstance(statement, cst.SimpleStatementLine) or file.line(statement) <= file.line(at):
            continue
        unbound = names_in(file, statement) - bound
        if len(unbound) == 1 and _adds(file, statement):
            (name,) = unbound
            again = file.code(statement.with_changes(leading_lines=(), trailing_whitespace=cst.TrailingWhitespace()))
            return f"{name} = {message}\n{again.strip()}\n{'continue' if loop is not None else 'return'}\n"
    return ""


def _is_step(file: PythonFile, body: cst.IndentedBlock) -> bool:
    """Whether a function ends with adding to the conversation and returns nothing then: a turn of a loop elsewhere."""
    last = body.body[-1]
    return isinstance(last, cst.SimpleStatementLine) and _adds(file, last)


def _adds(file: PythonFile, statement: cst.SimpleStatementLine) -> bool:
    """Whether a statement adds one thing, not the model's own turn, to a conversation or a prompt."""
    small = statement.body[0] if len(statement.body) == 1 else None
    if isinstance(small, cst.AugAssign) and isinstance(small.operator, cst.AddAssign):
        return is_textual(file, small.value) or isinstance(small.value, cst.List)
    call = small.value if isinstance(small, cst.Expr) else None
    call = call.expression if isinstance(call, cst.Await) else call
    if not isinstance(call, cst.Call) or not _ADDS.search(file.code(call.func).rsplit(".", 1)[-1]):
        return False
    return "assistant" not in {constant_text(node) for node in file.within(call, cst.SimpleString)}


def _as_user_message(file: PythonFile, at: cst.CSTNode, message: str) -> str:
    """A message of the user where the loop adds the model's turn; not where results have to name their calls."""
    loop = loop_around(file, at)
    if loop is None or "tool_call" in file.code(file.function(at) or file.module):
        return ""
    bound = bound_at(file, file.statement(at))
    for call, content, role in message_calls(file, loop):
        alone = isinstance(file.statement(call), cst.SimpleStatementLine) and loop_around(file, call) is loop
        if role != "assistant" or not alone:
            continue
        roles: list[cst.CSTNode] = [
            node for node in file.within(call, cst.SimpleString) if constant_text(node) == "assistant"
        ]
        if len(roles) != 1 or not names_in(file, call.with_changes(args=())) <= bound:
            continue
        changed: cst.CSTNode = call
        for old, new in ((roles[0], cst.SimpleString('"user"')), (content, file.expression(message))):
            replaced = changed.deep_replace(old, new)
            assert isinstance(replaced, cst.CSTNode)
            changed = replaced
        return f"{file.code(changed)}\ncontinue\n"
    return ""


def _as_message_value(file: PythonFile, at: cst.CSTNode, message: str) -> str:
    """What the function returns, when that is one message whose content alone is not known yet."""
    bound = bound_at(file, file.statement(at))
    for node in _returned(file, at):
        content = _content(file, node)
        if content is None:
            continue
        rest = node.deep_replace(content, cst.Name("None"))
        if isinstance(rest, cst.CSTNode) and names_in(file, rest) <= bound:
            changed = node.deep_replace(content, file.expression(message))
            return f"return {file.code(changed)}\n" if isinstance(changed, cst.CSTNode) else ""
    return ""


def _content(file: PythonFile, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """The content of a message: of a dict with a role, or of a call that is given one by name."""
    if isinstance(node, cst.Dict):
        fields = {constant_text(e.key): e.value for e in node.elements if isinstance(e, cst.DictElement)}
        return fields.get("content") if "role" in fields else None
    if isinstance(node, cst.Call) and re.search(r"(Message|Observation|Result|Output)$", file.code(node.func)):
        named = {arg.keyword.value: arg.value for arg in node.args if arg.keyword is not None}
        return next((named[name] for name in _CONTENT if name in named), None)
    return None


def _as_tool_value(file: PythonFile, at: cst.CSTNode, message: str) -> str:
    """A text in place of what a tool returns, from a function that looks a tool up and returns what it gives."""
    function, values = file.function(at), _returned(file, at)
    if function is None or not values or not all(_runs_a_tool(file, function, value) for value in values):
        return ""
    return f"return {message}\n"


def _runs_a_tool(file: PythonFile, function: cst.FunctionDef, value: cst.BaseExpression) -> bool:
    """Whether a value is the result of something that was looked up by its name."""
    value = value.expression if isinstance(value, cst.Await) else value
    if not isinstance(value, cst.Call):
        return False
    if isinstance(value.func, cst.Subscript):
        return True
    looked_up = {
        file.code(assign.targets[0].target)
        for assign in file.within(function, cst.Assign)
        if isinstance(assign.value, cst.Subscript)
        or (isinstance(assign.value, cst.Call) and re.search(r"(\.get|getattr)$", file.code(assign.value.func)))
    }
    return file.code(value.func) in looked_up


def _returned(file: PythonFile, at: cst.CSTNode) -> list[cst.BaseExpression]:
    function = file.function(at)
    found = [] if function is None else file.within(function, cst.Return)
    return [node.value for node in found if node.value is not None and file.function(node) is function]
