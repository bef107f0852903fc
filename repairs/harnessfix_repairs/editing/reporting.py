"""How a piece of code hands an error on: to the model as a message, to its caller as a value, or as its own exception.

An operator that turns a crash into an answer must speak the way the code around it speaks. What is found is copied:
the message that the same loop appends, the error value that the same function returns, the exception it raises. Where
the code shows nothing of the kind there is no report, and the operator refuses.
"""

import re
from collections.abc import Iterator

import libcst as cst

from harnessfix_repairs.operators.base import Refusal

from .python import PythonFile
from .scope import bound_at, loop_around, names_in

_TEXT = (cst.SimpleString, cst.FormattedString, cst.ConcatenatedString)
_ERROR_WORDS = re.compile(
    r"(?i)error|fail|invalid|unknown|not found|no such|there is no|missing|denied|refused|timed? ?out|could not|cannot"
)
TEXT_KEYS = re.compile(r"(?i)output|stdout|stderr|content|result|text|message|error|observation|info")
_CODE_KEYS = re.compile(r"(?i)return_?code|exit_?(code|status)|status_?code")
_OK_KEYS = re.compile(r"(?i)^(ok|success|succeeded|passed)$")
_ADDS = re.compile(r"append|add|push")
_TEXT_CALLS = re.compile(
    r"^(str|repr|ascii|dumps)$|\.(r?strip|lstrip|join|format|decode|read(_text)?|render|getvalue|replace|dumps|lower)$"
)
_TEXT_ATTRIBUTES = re.compile(r"\.(stdout|stderr|output|text|content)$")


def report(
    file: PythonFile, at: cst.CSTNode, message: str, *, raises: str = "", cause: str = "", values: bool = True
) -> str:
    """Statements that report an error where `at` stands.

    Args:
        file: the file.
        at: a node at the place; decides which names may be used.
        message: source of a text expression.
        raises: dotted name of an exception to raise instead of looking for a way.
        cause: name of the exception being handled, for `raise … from`.
        values: whether an error may be returned; not where what is returned is taken for an answer.

    Raises:
        Refusal: when the code shows no way.
    """
    tail = f" from {cause}" if cause else ""
    if raises:
        return f"raise {raises}({message}){tail}\n"
    ways = (_by_append, _by_error_value, _by_value, _by_raise) if values else (_by_append, _by_raise)
    for way in ways:
        found = way(file, at, message, tail)
        if found:
            return found
    where = file.qualname(at) or "the module"
    raise Refusal(
        f"{where} shows no way to report an error that could be followed; name one with the parameter 'raises'"
    )


def message_calls(file: PythonFile, scope: cst.CSTNode) -> Iterator[tuple[cst.Call, cst.BaseExpression, str]]:
    """Calls that add one message to a conversation, with the expression of its content and its role.

    `messages.append({"role": "tool", "content": x})` and `self.add_message("user", x)` are such calls.
    """
    for call in file.within(scope, cst.Call, holding=_ADDS):
        called = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
        name = called.value if isinstance(called, cst.Name) else ""
        if not _ADDS.search(name):
            continue
        if len(call.args) == 1 and isinstance(call.args[0].value, cst.Dict):
            role, content = _entry(call.args[0].value, "role"), _entry(call.args[0].value, "content")
            if role is not None and content is not None:
                yield call, content, constant_text(role) or ""
        elif len(call.args) >= 2 and "message" in name and isinstance(call.args[0].value, cst.SimpleString):
            content_args = [a for a in call.args[1:] if a.keyword is None or a.keyword.value == "content"]
            if content_args and not content_args[0].star:
                yield call, content_args[0].value, constant_text(call.args[0].value) or ""


def constant_text(node: cst.CSTNode) -> str | None:
    """The text of a constant string, None for anything else."""
    if isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
        value = node.evaluated_value
        return value if isinstance(value, str) else None
    return None


def is_textual(file: PythonFile, node: cst.BaseExpression) -> bool:
    """Whether an expression is a text, judged by its form."""
    if isinstance(node, _TEXT):
        return True
    if isinstance(node, cst.BinaryOperation):
        return is_textual(file, node.left) or is_textual(file, node.right)
    if isinstance(node, cst.IfExp):
        return is_textual(file, node.body) or is_textual(file, node.orelse)
    if isinstance(node, cst.BooleanOperation):
        return is_textual(file, node.right)
    if isinstance(node, cst.Call):
        return bool(_TEXT_CALLS.search(file.code(node.func)))
    return isinstance(node, cst.Attribute) and bool(_TEXT_ATTRIBUTES.search(file.code(node)))


def _entry(node: cst.Dict, key: str) -> cst.BaseExpression | None:
    for element in node.elements:
        if isinstance(element, cst.DictElement) and constant_text(element.key) == key:
            return element.value
    return None


def _swapped(file: PythonFile, whole: cst.CSTNode, part: cst.CSTNode, message: str) -> str:
    """Source of `whole` with `part` replaced by `message`."""
    changed = whole.deep_replace(part, file.expression(message))
    return file.code(changed) if isinstance(changed, cst.CSTNode) else ""


def _usable(file: PythonFile, whole: cst.CSTNode, part: cst.CSTNode, at: cst.CSTNode) -> bool:
    emptied = whole.deep_replace(part, cst.Name("None"))
    return isinstance(emptied, cst.CSTNode) and names_in(file, emptied) <= bound_at(file, file.statement(at))


def _by_append(file: PythonFile, at: cst.CSTNode, message: str, tail: str) -> str:
    loop = loop_around(file, at)
    if loop is None:
        return ""
    for call, content, role in message_calls(file, loop):
        if role not in ("tool", "user", "function", "system") or loop_around(file, call) is not loop:
            continue
        if isinstance(file.statement(call), cst.SimpleStatementLine) and _usable(file, call, content, at):
            return f"{_swapped(file, call, content, message)}\ncontinue\n"
    return ""


def _returns(file: PythonFile, at: cst.CSTNode) -> list[cst.Return]:
    function = file.function(at)
    if function is None:
        return []
    found = [node for node in file.within(function, cst.Return) if file.function(node) is function]
    generator = any(file.function(node) is function for node in file.within(function, cst.Yield))
    return [] if generator else [node for node in found if node.value is not None]


def _by_error_value(file: PythonFile, at: cst.CSTNode, message: str, tail: str) -> str:
    for node in _returns(file, at):
        texts = [t for t in file.within(node, _TEXT) if _ERROR_WORDS.search(file.code(t)) and not _is_key(file, t)]
        if len(texts) == 1 and not file.within(node, cst.Await) and _usable(file, node, texts[0], at):
            return _swapped(file, node, texts[0], message) + "\n"
    return ""


def _is_key(file: PythonFile, node: cst.CSTNode) -> bool:
    above = next(file.parents(node))
    return (isinstance(above, cst.DictElement) and above.key is node) or isinstance(
        above, (cst.ConcatenatedString, cst.Index)
    )


def _by_value(file: PythonFile, at: cst.CSTNode, message: str, tail: str) -> str:
    function, values = file.function(at), [node.value for node in _returns(file, at)]
    if function is None or not values:
        return ""
    annotated = function.returns is not None and file.code(function.returns.annotation).strip("\"'") == "str"
    known = [value for value in values if value is not None]
    shown = _is_answer(file, function) or any(is_textual(file, value) for value in known)
    if annotated or (shown and not any(map(_is_no_text, known))):
        return f"return {message}\n"
    shapes = [shape for value in known if (shape := _shape(file, value, message))]
    return f"return {shapes[0]}\n" if len(shapes) == len(known) and len({s.count(":") for s in shapes}) == 1 else ""


def _is_answer(file: PythonFile, function: cst.FunctionDef) -> bool:
    """Whether what a function returns is known to be shown to a model: as the content of a message, or as a tool's."""
    name = function.name.value
    for _, content, _ in message_calls(file, file.module):
        inner = content.expression if isinstance(content, cst.Await) else content
        if isinstance(inner, cst.Call) and file.code(inner.func).rsplit(".", 1)[-1] == name:
            return True
    for assign in file.within(file.module, cst.Assign):
        if isinstance(assign.value, cst.Dict) and re.search(r"(?i)tool", file.code(assign.targets[0].target)):
            values = [e.value for e in assign.value.elements if isinstance(e, cst.DictElement)]
            if any(file.code(value).rsplit(".", 1)[-1] == name for value in values):
                return True
    return False


def _is_no_text(value: cst.BaseExpression) -> bool:
    if isinstance(value, cst.Name):
        return value.value in ("None", "True", "False")
    kinds = (cst.Dict, cst.List, cst.Tuple, cst.Set, cst.BaseNumber, cst.BaseComp, cst.Comparison)
    return isinstance(value, kinds)


def _shape(file: PythonFile, value: cst.BaseExpression, message: str) -> str:
    """A dict or tuple of the same form that carries an error; empty when a field is not understood."""
    if isinstance(value, cst.Dict) and value.elements:
        fields = []
        for element in value.elements:
            key = constant_text(element.key) if isinstance(element, cst.DictElement) else None
            filled = _filled(file, key, element.value, message) if key is not None else ""
            if not filled:
                return ""
            fields.append(f'"{key}": {filled}')
        return "{" + ", ".join(fields) + "}" if any(message in field for field in fields) else ""
    if isinstance(value, cst.Tuple) and len(value.elements) > 1:
        parts = [_filled(file, file.code(e.value).rsplit(".", 1)[-1], e.value, message) for e in value.elements]
        return "(" + ", ".join(parts) + ")" if all(parts) and message in parts else ""
    return ""


def _filled(file: PythonFile, name: str, value: cst.BaseExpression, message: str) -> str:
    if _CODE_KEYS.search(name):
        return "-1"
    if _OK_KEYS.search(name):
        return "False"
    if isinstance(value, cst.SimpleString) and not constant_text(value):
        return '""'
    return message if TEXT_KEYS.search(name) else ""


def _by_raise(file: PythonFile, at: cst.CSTNode, message: str, tail: str) -> str:
    function = file.function(at)
    if function is None:
        return ""
    for node in file.within(function, cst.Raise):
        call = node.exc
        if not isinstance(call, cst.Call) or len(call.args) != 1 or call.args[0].keyword or call.args[0].star:
            continue
        value = call.args[0].value
        part = _entry(value, "content") if isinstance(value, cst.Dict) else value
        if part is not None and _usable(file, call, part, at):
            return f"raise {_swapped(file, call, part, message)}{tail}\n"
    return ""
