"""exit-manager: what is asked to exit is the manager that was entered, not what entering it gave."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_ENTER = re.compile(r"^(?P<manager>[\w.\[\]'\"]+)\.__a?enter__\(\)$")

_DIRECT = """\
def run(factory, command):
    manager = factory()
    sandbox = manager.__enter__()
    try:
        return sandbox.run(command)
    finally:
        sandbox.__exit__(None, None, None)  # whatever happened
"""
_KEPT = """\
def run(items, state):
    contexts = []
    for item in items:
        manager = item.make()
        if item.name:
            state[item.name] = manager.__enter__()
            contexts.append(state[item.name])
        else:
            entered = manager.__enter__()
            contexts.append(entered)
    work(state)
    for context in reversed(contexts):
        context.__exit__(None, None, None)
"""


class ExitManager(PythonOperator):
    """Asks the manager to exit where the value that its `__enter__` returned was asked.

    The value is followed through one variable, or through a list that the values are appended to and that a loop goes
    over to exit them: then the managers are appended.

    Anchor: the call of `__exit__`, or the function that holds it. No parameters.
    """

    name = "exit-manager"
    summary = "Exit the context manager that was entered."
    fix_safety = (
        "What the manager holds is now released, and the value that it gave is no longer asked to exit: look at a "
        "value that is a manager of its own and was meant to be closed here."
    )
    examples = (
        EditExample(
            _DIRECT,
            _DIRECT.replace("sandbox.__exit__", "manager.__exit__"),
            qualname="run",
            line=7,
        ),
        EditExample(
            _KEPT,
            _KEPT.replace("append(state[item.name])", "append(manager)").replace("append(entered)", "append(manager)"),
            qualname="run",
            line=13,
        ),
        EditExample(_DIRECT.replace("sandbox.__exit__", "manager.__exit__"), "", qualname="run", line=7),
        EditExample(_DIRECT.replace("manager.__enter__()", "factory().__enter__()"), "", qualname="run", line=7),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Exit the manager at the anchor."""
        scope = file.definition(anchor.qualname, anchor.start_line)
        entered = _entered(file, scope)
        changes: dict[cst.CSTNode, Change] = {}
        for call in file.find(anchor, cst.Call):
            if not isinstance(call.func, cst.Attribute) or call.func.attr.value not in ("__exit__", "__aexit__"):
                continue
            receiver = call.func.value
            managers = entered.get(file.code(receiver), set())
            if len(managers) == 1:
                changes[receiver] = _as(file, managers)
            elif isinstance(receiver, cst.Name):
                changes |= _appended(file, scope, receiver.value, entered)
        if not changes:
            raise Refusal(f"{anchor.place} asks no entered value to exit whose manager has a name")
        return file.rewrite(changes)


def _entered(file: PythonFile, scope: cst.CSTNode) -> dict[str, set[str]]:
    """Source of what an entered value was given to, to the sources of the managers that were entered."""
    found: dict[str, set[str]] = {}
    for node in file.within(scope, cst.Assign):
        value = node.value.expression if isinstance(node.value, cst.Await) else node.value
        match = _ENTER.match(file.code(value).strip())
        for target in node.targets if match is not None else ():
            assert match is not None
            found.setdefault(file.code(target.target).strip(), set()).add(match["manager"])
    return found


def _appended(
    file: PythonFile, scope: cst.CSTNode, name: str, entered: dict[str, set[str]]
) -> dict[cst.CSTNode, Change]:
    """Changes of what is appended to the lists that loops over `name` go through."""
    lists = {
        node.value
        for loop in file.within(scope, cst.For)
        if isinstance(loop.target, cst.Name) and loop.target.value == name
        for node in file.within(loop.iter, cst.Name)
    }
    changes: dict[cst.CSTNode, Change] = {}
    for call in file.within(scope, cst.Call):
        func = call.func
        if not isinstance(func, cst.Attribute) or func.attr.value != "append" or len(call.args) != 1:
            continue
        managers = entered.get(file.code(call.args[0].value).strip(), set())
        if file.code(func.value) in lists and len(managers) == 1:
            changes[call.args[0].value] = _as(file, managers)
    return changes


def _as(file: PythonFile, managers: set[str]) -> Change:
    source = next(iter(managers))
    return lambda _: file.expression(source)
