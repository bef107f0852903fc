"""copy-first: what belongs to others is copied before it is changed."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after_docstring, before
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import becomes
from harnessfix_repairs.editing.scope import is_rebound
from harnessfix_repairs.editing.scope import parameters as parameters_of

from .base import EditExample, GuardExample, Refusal

_CHANGES = ("append", "extend", "insert", "update", "add", "pop", "popitem", "remove", "clear", "setdefault")

_STREAM = """\
import logging
import settings


def stream(model, task, heard):
    listeners = settings.listeners  # those that everybody has
    listeners.append(heard)
    return model.query(task, listeners)
"""
_JOBS = """\
from copy import copy


def run_jobs(agent, jobs, options):
    for job in jobs:
        task = job.task
        task.model = options.model
        agent.run(task)
"""
_RUN = '''\
import json


def run(agent, task, options):
    """Run a task in another way."""
    # what was asked for
    task.model = options.model
    return agent.run(task)
'''


class CopyFirst(PythonOperator):
    """Copies, where it gets its local name, what the function goes on to change: `name = copy.copy(shared.name)`.

    Anchor: the assignment that names it, a line that changes it, or the function.

    Parameters:
        name: the local name; by default that of the assignment at the anchor.
    """

    name = "copy-first"
    summary = "Change a copy, not what others use too."
    fix_safety = (
        "The owner no longer sees the change: look whether code elsewhere relied on that. The copy is shallow: what "
        "its members hold is still shared, and an object that keeps a lock or a connection shares it with its copy."
    )
    examples = (
        EditExample(
            _STREAM,
            _STREAM.replace("import logging", "import copy\nimport logging").replace(
                "= settings.listeners ", "= copy.copy(settings.listeners) "
            ),
            qualname="stream",
            line=6,
        ),
        EditExample(
            _JOBS,
            _JOBS.replace("task = job.task", "task = copy(job.task)"),
            qualname="run_jobs",
            line=7,
            parameters={"name": "task"},
        ),
        EditExample(
            _RUN,
            _RUN.replace("import json", "import copy\nimport json").replace(
                "    # what", "    task = copy.copy(task)\n    # what"
            ),
            qualname="run",
            line=7,
            parameters={"name": "task"},
        ),
        EditExample(_STREAM.replace("listeners.append(heard)", "print(listeners)"), "", qualname="stream", line=6),
        EditExample(
            _STREAM.replace("    return", "    settings.listeners = listeners\n    return"),
            "",
            qualname="stream",
            line=6,
        ),
        EditExample(
            _RUN.replace("agent.run(task)", "agent.run()"), "", qualname="run", line=7, parameters={"name": "task"}
        ),
        EditExample(_RUN, "", qualname="run", line=7),
    )
    guards = (
        GuardExample(
            _RUN,
            passes=("run(Echo(), TASK, Options()) == ('given', True)",),
            stops=("run(Echo(), TASK, Options()) and TASK.model == 'own'",),
            setup=(
                "class Options:\n    model = 'given'\nclass Task:\n    model = 'own'\nTASK = Task()\n"
                "class Echo:\n    def run(self, task):\n        return task.model, isinstance(task, Task)\n"
            ),
            qualname="run",
            line=7,
            parameters={"name": "task"},
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Copy what is changed at the anchor."""
        wanted = parameters.text(spec, "name")
        function = file.definition(anchor.qualname, anchor.start_line)
        if not isinstance(function, cst.FunctionDef):
            raise Refusal(f"{anchor.place} stands in no function")
        how, imports = _copier(file)
        changes: dict[cst.CSTNode, Change] = {}
        here = file.within(function, cst.Assign) if wanted else file.find(anchor, cst.Assign)
        for node in here:
            target = node.targets[0].target
            if len(node.targets) != 1 or not isinstance(target, cst.Name) or target.value != (wanted or target.value):
                continue
            name, value = target.value, node.value
            if not isinstance(value, cst.Attribute) or file.function(node) is not function:
                continue
            if _is_changed(file, function, name) and not _goes_back(file, function, name):
                made = file.expression(f"{how}({file.code(value)})")
                changes[value] = becomes(made)
        own = wanted in parameters_of(function) and not _is_bound(file, function, wanted)
        if own and isinstance(function.body, cst.IndentedBlock) and _is_changed(file, function, wanted):
            first = function.body.body[after_docstring(function)]
            changes[first] = before(file.statements(f"{wanted} = {how}({wanted})\n"))
        if not changes:
            raise Refusal(f"{anchor.place} gives no name to what belongs to others, changes it and hands it on")
        return file.rewrite(changes, imports=imports)


def _copier(file: PythonFile) -> tuple[str, list[str]]:
    """How `copy.copy` is written in the file, and what must be imported for it."""
    for local, full in file.imported.items():
        if full == "copy.copy":
            return local, []
    if is_rebound(file, "copy"):
        raise Refusal(f"{file.path} gives `copy` a meaning of its own")
    return "copy.copy", ["copy"]


def _is_bound(file: PythonFile, function: cst.FunctionDef, name: str) -> bool:
    targets: list[cst.CSTNode] = [one.target for one in file.within(function, cst.AssignTarget)]
    targets += [one.target for one in file.within(function, cst.For)]
    return any(isinstance(target, cst.Name) and target.value == name for target in targets)


def _is_changed(file: PythonFile, function: cst.FunctionDef, name: str) -> bool:
    """Whether the function changes what a name stands for, in place, and then hands it on or returns it."""
    changed = any(
        isinstance(target.target, (cst.Attribute, cst.Subscript)) and file.code(target.target.value) == name
        for target in file.within(function, cst.AssignTarget)
    )
    for call in file.within(function, cst.Call):
        func = call.func
        if isinstance(func, cst.Attribute) and func.attr.value in _CHANGES and file.code(func.value) == name:
            changed = True
    return changed and any(_hands_on(file, one) for one in file.within(function, cst.Name) if one.value == name)


def _hands_on(file: PythonFile, name: cst.Name) -> bool:
    above = next(file.parents(name))
    if isinstance(above, cst.For):
        return above.iter is name
    return isinstance(above, (cst.Arg, cst.Return)) and above.value is name


def _goes_back(file: PythonFile, function: cst.FunctionDef, name: str) -> bool:
    """Whether the function writes the name back into something, so that the change is meant to stay."""
    return any(
        isinstance(node.value, cst.Name)
        and node.value.value == name
        and any(isinstance(part.target, (cst.Attribute, cst.Subscript)) for part in node.targets)
        for node in file.within(function, cst.Assign)
    )
