"""record-action: a tool that changes the world writes down what it did, as the others beside it do."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.blocks import after_docstring
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile
from harnessfix_repairs.editing.scope import parameters

from .base import EditExample, Refusal

_SECRET = re.compile(r"pass(word|phrase)?|secret|token|key|credential|auth|cookie|session", re.IGNORECASE)
_LARGE = re.compile(r"api|client|conn|db|engine|context|ctx|content|body|data|text|payload", re.IGNORECASE)

_TOOLS = '''\
import logging

log = logging.getLogger("audit")


def delete_account(api, account, reason):
    log.info("deleting %s: %s", account, reason)
    return api.delete(account)


def refund_payment(api, payment, amount, api_key):
    """Refund a payment."""
    return api.refund(payment, amount, api_key)  # cannot be taken back
'''
_CLASS = """\
class Tools:
    def stop_server(self, name):
        self.logger.warning(f"stopping {name}")
        self.cloud.stop(name)

    def drop_server(self, name):
        self.cloud.drop(name)
"""


class RecordAction(PythonOperator):
    """Adds a log record of the call before the action, by the logger that another function of the file uses.

    Parameters of the function that look like credentials, clients or whole contents are left out of the record.

    Anchor: the tool. No parameters.
    """

    name = "record-action"
    summary = "Write down what the tool does and with which arguments, before it does it."
    fix_safety = (
        "Only a log record is added. It holds the arguments whose names do not look like credentials or contents: see "
        "that none of them is personal data which must not be in a log, and add who asked, if the function knows it."
    )
    examples = (
        EditExample(
            _TOOLS,
            _TOOLS.replace(
                "    return api.refund",
                '    log.info("refund_payment: payment=%r, amount=%r", payment, amount)\n    return api.refund',
            ),
            qualname="refund_payment",
            line=11,
        ),
        EditExample(
            _CLASS,
            _CLASS.replace(
                "        self.cloud.drop",
                '        self.logger.info("drop_server: name=%r", name)\n        self.cloud.drop',
            ),
            qualname="Tools.drop_server",
            line=6,
        ),
        EditExample(_TOOLS, "", qualname="delete_account", line=6),
        EditExample(_TOOLS.replace("    log.info", "    show"), "", qualname="refund_payment", line=11),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Add the record at the head of the function at the anchor."""
        function = file.definition(anchor.qualname, anchor.start_line)
        if not isinstance(function, cst.FunctionDef) or not isinstance(function.body, cst.IndentedBlock):
            raise Refusal(f"{anchor.place} is no function with a body of its own")
        if _loggers(file, function):
            raise Refusal(f"{anchor.place} has a log call already")
        used = [name for other in file.within(file.module, cst.FunctionDef) for name in _loggers(file, other)]
        logger = next((name for name in used if _is_known(file, function, name)), None)
        if logger is None:
            raise Refusal(f"{file.path} has no other function that logs by a logger which is known here")
        told = [name for name in parameters(function) if not _is_left_out(name)]
        words = ", ".join(f"{name}=%r" for name in told)
        message = f"{function.name.value}: {words}" if told else function.name.value
        arguments = ", ".join([f'"{message}"', *told])
        (record,) = file.statements(f"{logger}.info({arguments})\n")
        place = after_docstring(function)

        def change(block: cst.IndentedBlock) -> cst.IndentedBlock:
            body = list(block.body)
            return block.with_changes(body=[*body[:place], record, *body[place:]])

        return file.rewrite({function.body: change})


def _loggers(file: PythonFile, function: cst.FunctionDef) -> list[str]:
    """What a function calls to log, `log` or `self.logger`."""
    found = []
    for call in file.within(function.body, cst.Call):
        func = call.func
        if isinstance(func, cst.Attribute) and func.attr.value in ("info", "warning", "debug", "error", "exception"):
            owner = file.code(func.value)
            if re.fullmatch(r"(self\.)?_?[a-zA-Z_]*log(ger|ging)?", owner, re.IGNORECASE):
                found.append(owner)
    return found


def _is_known(file: PythonFile, function: cst.FunctionDef, logger: str) -> bool:
    if not logger.startswith("self."):
        at_top = {name for line in file.module.body for name in _assigned(line)}
        return logger in at_top or logger in file.imported
    klass = file.klass(function)
    if klass is None or parameters(function)[:1] != ["self"]:
        return False
    return any(logger in _loggers(file, other) for other in file.within(klass, cst.FunctionDef))


def _assigned(line: cst.CSTNode) -> list[str]:
    parts = line.body if isinstance(line, cst.SimpleStatementLine) else ()
    targets = [target.target for part in parts if isinstance(part, cst.Assign) for target in part.targets]
    return [target.value for target in targets if isinstance(target, cst.Name)]


def _is_left_out(name: str) -> bool:
    return name in ("self", "cls") or bool(_SECRET.search(name) or _LARGE.search(name))
