"""await-call: a coroutine that is called is also run."""

from collections.abc import Sequence

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_PLAIN = ("staticmethod", "classmethod", "abc.abstractmethod", "typing.override", "typing.final")

_SAVE = """\
class Agent:
    async def save(self, reply):
        await self.store.put(reply)

    async def step(self, reply):
        self.save(reply)  # before it is shown
        return reply["content"]
"""
_CLOSE = """\
async def close(client):
    await client.aclose()


async def main(client):
    close(client)
"""


class AwaitCall(PythonOperator):
    """Puts `await` before a call, made as a statement, of a coroutine function of the same file.

    Anchor: the call, or the function that holds it. No parameters.
    """

    name = "await-call"
    summary = "Await a coroutine that was only called."
    fix_safety = (
        "What was never done is now done, and the caller waits for it: its time, its errors and its cancellation are "
        "new here. Where it was to go on beside the caller, start a task and keep it instead."
    )
    examples = (
        EditExample(
            _SAVE, _SAVE.replace("        self.save(", "        await self.save("), qualname="Agent.step", line=6
        ),
        EditExample(_CLOSE, _CLOSE.replace("    close(", "    await close("), qualname="main", line=6),
        EditExample(_SAVE.replace("async def step", "def step"), "", qualname="Agent.step", line=6),
        EditExample(
            _SAVE.replace("async def save", "@in_background\n    async def save"), "", qualname="Agent.step", line=7
        ),
        EditExample(_CLOSE.replace("    await client.aclose()", "    yield client"), "", qualname="main", line=6),
        EditExample(_CLOSE.replace("close(client)\n", "open(client)\n", 3), "", qualname="main", line=6),
        EditExample(_CLOSE.replace("def main(client)", "def main(client, close)"), "", qualname="main", line=6),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Await every such call at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        for statement in file.find(anchor, cst.Expr, lambda one: _is_forgotten(file, one)):
            around = file.function(statement)
            if around is None or around.asynchronous is None:
                raise Refusal(f"{file.path}:{file.line(statement)} stands in no coroutine, so nothing can be awaited")
            changes[statement.value] = lambda old: cst.Await(old)
        if not changes:
            raise Refusal(f"{anchor.place} calls no coroutine function of this file as a statement")
        return file.rewrite(changes)


def _is_forgotten(file: PythonFile, statement: cst.Expr) -> bool:
    """Whether the statement is a call that is sure to make a coroutine."""
    call = statement.value
    found = _called(file, call.func, statement) if isinstance(call, cst.Call) else ()
    return bool(found) and all(_makes_coroutine(file, one) for one in found)


def _called(file: PythonFile, func: cst.BaseExpression, at: cst.CSTNode) -> Sequence[cst.FunctionDef]:
    """Definitions that a call may reach: functions of the module by name, methods of the class around by `self`."""
    body: Sequence[cst.CSTNode] = ()
    name = ""
    if isinstance(func, cst.Name):
        name = func.value
        around = file.function(at)
        own = {param.name.value for param in file.within(around, cst.Param)} if around is not None else set()
        if name not in own and name not in file.imported:
            body = file.module.body
    elif isinstance(func, cst.Attribute) and isinstance(func.value, cst.Name) and func.value.value in ("self", "cls"):
        name = func.attr.value
        owner = file.klass(at)
        body = owner.body.body if owner is not None else ()
    if not name or _is_assigned(file, func):
        return ()
    return [one for one in body if isinstance(one, cst.FunctionDef) and one.name.value == name]


def _is_assigned(file: PythonFile, func: cst.BaseExpression) -> bool:
    """Whether the file gives what is called another value somewhere."""
    source = file.code(func)
    return any(file.code(target.target) == source for target in file.within(file.module, cst.AssignTarget))


def _makes_coroutine(file: PythonFile, function: cst.FunctionDef) -> bool:
    plain = all(file.dotted(one.decorator) in _PLAIN for one in function.decorators)
    yields = any(file.function(one) is function for one in file.within(function, cst.Yield))
    return function.asynchronous is not None and plain and not yields
