"""A line for the log, in the way the file logs."""

import re

import libcst as cst

from .python import PythonFile

_LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def log_call(file: PythonFile, message: str, *args: str, level: str = "warning", exc_info: bool = False) -> str:
    """Source of a call that logs.

    Args:
        file: the file; its own logger is used when it has one.
        message: with `%s` for each argument.
        args: sources of the arguments.
        level: name of the level.
        exc_info: whether the exception at hand goes with it.
    """
    logger, percent = logger_of(file)
    text = message if percent else message.replace("%s", "{}")
    extra = ", exc_info=True" if exc_info else ""
    return f'{logger}.{level}("{text}"{"".join(f", {arg}" for arg in args)}{extra})\n'


def logger_of(file: PythonFile) -> tuple[str, bool]:
    """Source of the file's logger, and whether it formats with `%s`; loguru's formats with braces."""
    if file.imported.get("logger") == "loguru.logger":
        return "logger.opt(exception=True)", False
    for statement in file.module.body:
        for assign in file.within(statement, cst.Assign) if isinstance(statement, cst.SimpleStatementLine) else ():
            target = assign.targets[0].target
            made_by = file.dotted(assign.value.func) if isinstance(assign.value, cst.Call) else ""
            if isinstance(target, cst.Name) and made_by in ("logging.getLogger", "logging.Logger"):
                return target.value, True
    return "logging.getLogger(__name__)", True


def imports_for_log(file: PythonFile) -> tuple[str, ...]:
    """What must be imported for `log_call`."""
    return ("logging",) if logger_of(file)[0].startswith("logging.") else ()


def logs(file: PythonFile, node: cst.CSTNode) -> bool:
    """Whether something below a node logs."""
    return any(
        isinstance(call.func, cst.Attribute)
        and call.func.attr.value in _LEVELS
        and re.search(r"(?i)log|console|warn", file.code(call.func.value)) is not None
        for call in file.within(node, cst.Call)
    )
