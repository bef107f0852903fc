"""bind-loop-value: a function that is made in a loop keeps the values of its own turn."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, Refusal

_TOOLS = """\
def tools(client):
    found = {}
    for listed in client.list_tools():
        # one tool each
        found[listed.name] = lambda **arguments: client.call(listed.name, arguments)
    return found
"""
_TASKS = """\
def watch(bus, names, seen):
    for name in names:
        topic = bus.topic(name)

        def heard(event, *more):
            seen.append((name, topic.id, event))

        bus.subscribe(name, heard)
"""


class BindLoopValue(PythonOperator):
    """Gives the function a keyword-only parameter for each name that the loop changes, its value being the default.

    Anchor: the function or lambda, the place that keeps it, or the loop's function.

    Parameters:
        reads: the names; by default those of the loop's own target that the function reads.
    """

    name = "bind-loop-value"
    summary = "Bind a loop's value when a function is made in the loop."
    fix_safety = (
        "The function now works on the item that it was made for, which is what its place in the loop says. Look at "
        "two things: code that relied on the last value (a name that the loop goes on collecting in), and callers "
        "that read the function's signature, as frameworks do to make a tool's schema: they see one parameter more."
    )
    examples = (
        EditExample(_TOOLS, _TOOLS.replace("lambda **", "lambda *, listed=listed, **"), qualname="tools", line=5),
        EditExample(
            _TASKS,
            _TASKS.replace("event, *more)", "event, *more, name=name, topic=topic)"),
            qualname="watch",
            line=8,
            parameters={"reads": ["name", "topic"]},
        ),
        EditExample(_TOOLS.replace("**arguments", "listed=listed, **arguments"), "", qualname="tools", line=5),
        EditExample("def make(client, name):\n    return lambda: client.call(name)\n", "", qualname="make", line=2),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Bind the names in every function made in the loop at the anchor that reads them."""
        wanted = [name for name in parameters.texts(spec, "reads") if name.isidentifier()]
        changes: dict[cst.CSTNode, Change] = {}
        for made in _made_at(file, anchor):
            loop = loop_around(file, made)
            given = wanted or (_targets(file, loop) if isinstance(loop, cst.For) else [])
            own = {param.name.value for param in file.within(made.params, cst.Param)}
            read = {name.value for name in file.within(made.body, cst.Name)}
            assigned = {file.code(target.target) for target in file.within(made.body, cst.AssignTarget)}
            bound = [name for name in given if name in read and name not in own and name not in assigned]
            if bound:
                changes[made.params] = _with(bound)
        if not changes:
            raise Refusal(f"{anchor.place} makes no function in a loop that reads what the loop changes")
        return file.rewrite(changes)


def _made_at(file: PythonFile, anchor: Anchor) -> list[cst.Lambda | cst.FunctionDef]:
    """Functions in a loop: on the anchor's lines, or named there."""
    found: list[cst.Lambda | cst.FunctionDef] = [*file.find(anchor, cst.Lambda), *file.find(anchor, cst.FunctionDef)]
    found = [made for made in found if loop_around(file, made) is not None]
    if found:
        return found
    names = {name.value for name in file.find(anchor, cst.Name)}
    scope = file.definition(anchor.qualname, anchor.start_line)
    return [
        made
        for made in file.within(scope, cst.FunctionDef)
        if made.name.value in names and made is not scope and loop_around(file, made) is not None
    ]


def _targets(file: PythonFile, loop: cst.For) -> list[str]:
    return [name.value for name in file.within(loop.target, cst.Name)]


def _with(names: list[str]) -> Change:
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))

    def change(params: cst.Parameters) -> cst.Parameters:
        new = [cst.Param(cst.Name(name), default=cst.Name(name), equal=equal) for name in names]
        star = params.star_arg if isinstance(params.star_arg, (cst.Param, cst.ParamStar)) else cst.ParamStar()
        return params.with_changes(star_arg=star, kwonly_params=[*params.kwonly_params, *new])

    return change
