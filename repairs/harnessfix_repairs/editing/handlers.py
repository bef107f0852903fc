"""The `except` clause around or at a place, and the name of what it caught."""

from typing import Any

import libcst as cst

from harnessfix_repairs.operators.base import Refusal

from .python import Change, PythonFile

NAMES = ("error", "exc", "caught", "caught_error")


def caught_name(file: PythonFile, handler: cst.ExceptHandler) -> tuple[str, dict[cst.CSTNode, Change]]:
    """The name under which a clause has its exception, and the change that gives it one when it has none."""
    if handler.name is not None:
        name = handler.name.name
        if not isinstance(name, cst.Name):
            raise Refusal(f"{file.path}:{file.line(handler)} names its exception in a way that is not understood")
        return name.value, {}
    if handler.type is None:
        return new_name(file, handler), {handler: _typed(new_name(file, handler))}
    name_given = new_name(file, handler)
    return name_given, {handler: _named(name_given)}


def new_name(file: PythonFile, node: cst.CSTNode) -> str:
    """A name for an exception that the function around `node` does not use."""
    return file.fresh(file.function(node) or file.module, *NAMES)


def _named(name: str) -> Change:
    def change(handler: Any) -> Any:
        return handler.with_changes(
            name=cst.AsName(name=cst.Name(name)), whitespace_before_colon=cst.SimpleWhitespace("")
        )

    return change


def _typed(name: str) -> Change:
    # A bare clause also caught KeyboardInterrupt and SystemExit; it goes on doing so.
    def change(handler: Any) -> Any:
        return handler.with_changes(
            type=cst.Name("BaseException"),
            name=cst.AsName(name=cst.Name(name)),
            whitespace_after_except=cst.SimpleWhitespace(" "),
        )

    return change


def caught_types(file: PythonFile, handler: cst.ExceptHandler) -> list[str]:
    """Dotted names of what a clause catches; empty for a bare one."""
    if handler.type is None:
        return []
    if isinstance(handler.type, cst.Tuple):
        return [file.dotted(element.value) for element in handler.type.elements]
    return [file.dotted(handler.type)]
