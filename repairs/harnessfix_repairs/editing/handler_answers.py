"""What an `except` clause hands on: the texts that it returns, assigns, or appends as a message."""

import libcst as cst

from .python import PythonFile
from .reporting import TEXT_KEYS, constant_text, is_textual, message_calls
from .texts import is_literal


def answers(file: PythonFile, handler: cst.ExceptHandler) -> list[cst.BaseExpression]:
    """Expressions of the clause that could say what happened; constants and texts that are made from literals."""
    found: list[cst.BaseExpression] = [
        content for _, content, _ in message_calls(file, handler.body) if is_literal(content)
    ]
    for node in file.within(handler.body, cst.Return):
        found += _texts(file, node.value, handler)
    for assign in file.within(handler.body, cst.Assign):
        if is_literal(assign.value) or isinstance(assign.value, cst.Dict):
            found += _texts(file, assign.value, handler)
    for error in file.within(handler.body, cst.Yield):
        if isinstance(error.value, cst.BaseExpression):
            found += _texts(file, error.value, handler)
    return found


def _texts(file: PythonFile, value: cst.BaseExpression | None, handler: cst.ExceptHandler) -> list[cst.BaseExpression]:
    if value is None:
        return []
    if is_literal(value):
        return [value]
    if isinstance(value, cst.Dict):
        return _entries(value)
    if isinstance(value, cst.Tuple):
        return [element.value for element in value.elements if is_literal(element.value)][:1]
    if _is_empty(file, value) and _returns_text(file, handler):
        return [value]
    return []


def _entries(value: cst.Dict) -> list[cst.BaseExpression]:
    texts = [
        (constant_text(element.key) or "", element.value)
        for element in value.elements
        if isinstance(element, cst.DictElement) and is_literal(element.value)
    ]
    named = [text for key, text in texts if "error" in key] or [text for key, text in texts if TEXT_KEYS.search(key)]
    return named[:1]


def _is_empty(file: PythonFile, value: cst.BaseExpression) -> bool:
    return file.code(value) in ("None", "[]", "{}", "()", "False")


def says_nothing(file: PythonFile, value: cst.BaseExpression) -> bool:
    """Whether a value is empty, and no text."""
    return _is_empty(file, value)


def _returns_text(file: PythonFile, handler: cst.ExceptHandler) -> bool:
    """Whether the function returns texts everywhere outside the clause."""
    function = file.function(handler)
    if function is None:
        return False
    if function.returns is not None:
        return file.code(function.returns.annotation).strip("\"'") == "str"
    inside = set(file.within(handler, cst.Return))
    values = [
        node.value
        for node in file.within(function, cst.Return)
        if node not in inside and file.function(node) is function and node.value is not None
    ]
    return bool(values) and all(is_textual(file, value) for value in values)
