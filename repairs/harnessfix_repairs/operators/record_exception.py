"""record-exception: what a handler swallows is left in the log."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import before, instead
from harnessfix_repairs.editing.logs import imports_for_log, log_call, logs
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_LEVELS = ("debug", "info", "warning", "error")
_PASS = """\
import json


class Agent:
    def plan(self, task):
        try:
            return json.loads(self.ask(task))
        except Exception:
            # a plan would be nice
            pass  # but is not needed
        return []
"""
_LOGGER = """\
import logging

log = logging.getLogger("agent")


def plan(ask):
    try:
        return ask()
    except ValueError:
        return None
"""


class RecordException(PythonOperator):
    """Logs the exception that an `except` clause drops, with its traceback, and leaves the rest of the clause alone.

    The file's own logger is used; without one, `logging.getLogger(__name__)`. A `pass` gives way to the log line.

    Anchor: the `except` clause, or the function that holds it.

    Parameters:
        level: `debug`, `info`, `warning` or `error`; `warning` by default.
    """

    name = "record-exception"
    summary = "Log an exception that is swallowed."
    safety = Safety.SAFE
    fix_safety = (
        "Only a log record is added: what the clause returns, and where it goes on, stays as it was. A clause that "
        "is entered in the ordinary course of things (an optional import, an absent key) will log each time; choose "
        "the level `debug` for it. A record carries the exception's text, which may hold what the exception was "
        "told."
    )
    examples = (
        EditExample(
            _PASS,
            _PASS.replace(
                "            pass ",
                '            logging.getLogger(__name__).warning("Agent.plan went on after an error", exc_info=True) ',
            ).replace("import json\n", "import json\nimport logging\n"),
            qualname="Agent.plan",
            line=8,
            end_line=10,
        ),
        EditExample(
            _LOGGER,
            _LOGGER.replace(
                "        return None",
                '        log.info("plan went on after an error", exc_info=True)\n        return None',
            ),
            qualname="plan",
            line=9,
            parameters={"level": "info"},
        ),
        EditExample(
            _LOGGER.replace("except ValueError:\n        return None", "finally:\n        pass"),
            "",
            qualname="plan",
            line=9,
        ),
        EditExample(_LOGGER, "", qualname="plan", line=9, parameters={"level": "loud"}),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Log in every clause at the anchor that neither logs, raises nor uses its exception."""
        level = parameters.text(spec, "level", "warning")
        if level not in _LEVELS:
            raise Refusal(f"parameter 'level' must be one of {', '.join(_LEVELS)}, not {level[:40]!r}")
        handlers = file.find(anchor, cst.ExceptHandler)
        if not handlers:
            raise Refusal(f"{anchor.place} holds no except clause")
        changes: dict[cst.CSTNode, Change] = {}
        for handler in handlers:
            if logs(file, handler) or file.within(handler, cst.Raise) or _uses(file, handler):
                continue
            if not isinstance(handler.body, cst.IndentedBlock):
                raise Refusal(f"{file.path}:{file.line(handler)} has its clause on one line")
            where = file.qualname(handler) or "the module"
            line = file.statements(log_call(file, f"{where} went on after an error", level=level, exc_info=True))
            first = handler.body.body[0]
            changes[first] = instead(line) if _is_pass(handler.body) else before(line)
        return file.rewrite(changes, imports=imports_for_log(file) if changes else ())


def _uses(file: PythonFile, handler: cst.ExceptHandler) -> bool:
    """Whether the clause does something with its exception."""
    if handler.name is None or not isinstance(handler.name.name, cst.Name):
        return False
    name = handler.name.name.value
    return any(node.value == name for node in file.within(handler.body, cst.Name))


def _is_pass(body: cst.IndentedBlock) -> bool:
    first = body.body[0]
    if len(body.body) != 1 or not isinstance(first, cst.SimpleStatementLine) or len(first.body) != 1:
        return False
    small = first.body[0]
    dots = isinstance(small, cst.Expr) and isinstance(small.value, cst.Ellipsis)
    return isinstance(small, cst.Pass) or dots
