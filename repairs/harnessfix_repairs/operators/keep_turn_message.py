"""keep-turn-message: what every approval of a turn is shown keeps its name for itself."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.scope import loop_around, names_in
from harnessfix_repairs.editing.scope import parameters as parameters_of

from .base import EditExample, Refusal

_JUDGES = re.compile(r"(?i)approv|confirm|permi|allow|guard|call_tool|execute_tool")
Loop = cst.For | cst.While

_ASSIGNED = """\
def execute(message, calls):
    results = []
    for call in calls:
        if approve(message, call):
            message = run(call)  # what it gave
        else:
            message = "refused"
        results.append({"role": "tool", "content": message})
    return results
"""
_LOOPED = """\
def execute(messages):
    message = messages[-1]
    done = []
    for call in message.calls:
        result = call_tool(message.text, call)
        for message in result:
            done.append(message)
    return done
"""


class KeepTurnMessage(PythonOperator):
    """Gives a variable of its own to what a loop over calls puts in the place of the message of the turn.

    The loop of the anchor binds a name again that was bound before it and that an approval is given in each round. What
    is bound there gets a new name, as does every use of it in the round.

    Anchor: the function with the loop, or a line in it.

    Parameters:
        argument: name of the approver's parameter that was given the wrong text; helps to choose among names.
        name: the name that the loop at the anchor takes; then that loop is meant, and no approval is looked for.
    """

    name = "keep-turn-message"
    summary = "Show every approval of a turn the message of that turn."
    fix_safety = (
        "Later approvals of a turn now judge the model's message, as the first one does: a call that went through "
        "because a tool's result looked harmless may be refused. After the loop the name means the message again."
    )
    examples = (
        EditExample(
            _ASSIGNED,
            _ASSIGNED.replace("            message = ", "            result = ").replace(
                '"content": message', '"content": result'
            ),
            qualname="execute",
            line=1,
            end_line=9,
            parameters={"argument": "message"},
        ),
        EditExample(
            _LOOPED,
            _LOOPED.replace("for message in result:", "for result_message in result:").replace(
                "done.append(message)", "done.append(result_message)"
            ),
            qualname="execute",
            line=1,
            end_line=8,
        ),
        EditExample(
            _LOOPED,
            _LOOPED.replace("for message in result:", "for result_message in result:").replace(
                "done.append(message)", "done.append(result_message)"
            ),
            qualname="execute",
            line=6,
            end_line=7,
            parameters={"name": "message"},
        ),
        EditExample(_LOOPED.replace("for message in result", "for one in result"), "", qualname="execute", line=4),
        EditExample(
            _ASSIGNED.replace("return results", "return results, message"), "", qualname="execute", line=1, end_line=9
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Rename what takes the message's place."""
        scope = file.definition(anchor.qualname, anchor.start_line)
        function = scope if isinstance(scope, cst.FunctionDef) else file.function(scope)
        if function is None:
            raise Refusal(f"{anchor.place} is no function")
        named = parameters.text(spec, "name")
        if named:
            return file.rewrite(_at_loop(file, anchor, named))
        wanted = parameters.text(spec, "argument")
        for loop in file.within(function, (cst.For, cst.While)):
            if not isinstance(loop, Loop) or file.function(loop) is not function or loop_around(file, loop) is not None:
                continue
            for name in _shown(file, function, loop, wanted):
                found = _by_loop(file, loop, name) or _by_assignment(file, function, loop, name)
                if found:
                    return file.rewrite(found)
        raise Refusal(f"{anchor.place} binds nothing again that an approval is given")


def _shown(file: PythonFile, function: cst.FunctionDef, loop: Loop, wanted: str) -> list[str]:
    """Names bound before the loop that something which judges is given, the one that is asked for first."""
    before = set(parameters_of(function))
    for node in file.within(function.body, cst.AssignTarget):
        if isinstance(node.target, cst.Name) and file.line(node) < file.line(loop):
            before.add(node.target.value)
    given: set[str] = set()
    for call in file.within(function, cst.Call):
        if _JUDGES.search(file.code(call.func)):
            given |= {name for argument in call.args for name in names_in(file, argument.value)}
    return sorted(before & given, key=lambda name: (name != wanted, name))


def _at_loop(file: PythonFile, anchor: Anchor, name: str) -> dict[cst.CSTNode, Change]:
    """Changes of the loop at the anchor that takes this name."""
    for inner in file.find(anchor, cst.For):
        if isinstance(inner.target, cst.Name) and inner.target.value == name:
            new = file.fresh(file.function(inner) or file.module, f"result_{name}", f"inner_{name}", f"each_{name}")
            return _renamed(file, [inner.target, inner.body], name, new)
    raise Refusal(f"{anchor.place} is no loop that takes the name {name}")


def _by_loop(file: PythonFile, loop: Loop, name: str) -> dict[cst.CSTNode, Change]:
    for inner in file.within(loop.body, cst.For):
        if isinstance(inner.target, cst.Name) and inner.target.value == name:
            new = file.fresh(loop, f"result_{name}", f"inner_{name}")
            return _renamed(file, [inner.target, inner.body], name, new)
    return {}


def _by_assignment(file: PythonFile, function: cst.FunctionDef, loop: Loop, name: str) -> dict[cst.CSTNode, Change]:
    bound = [
        node
        for node in file.within(loop.body, cst.Assign)
        if any(isinstance(t.target, cst.Name) and t.target.value == name for t in node.targets)
    ]
    if not bound or any(name in names_in(file, node.value) for node in bound):
        return {}
    last = file.lines(loop)[1]
    later = [node for node in file.within(function, cst.Name) if node.value == name and file.line(node) > last]
    if later:
        raise Refusal(f"{file.path}:{file.line(later[0])} uses {name} after the loop, in one meaning or the other")
    first = file.line(bound[0])
    new = file.fresh(loop, "result", "answer", f"result_{name}")
    return {node: change for node, change in _renamed(file, [loop.body], name, new).items() if file.line(node) >= first}


def _renamed(file: PythonFile, scopes: list[cst.CSTNode], name: str, new: str) -> dict[cst.CSTNode, Change]:
    changes: dict[cst.CSTNode, Change] = {}
    for scope in scopes:
        kept = {node.attr for node in file.within(scope, cst.Attribute)}
        kept |= {node.keyword for node in file.within(scope, cst.Arg) if node.keyword is not None}
        for node in file.within(scope, cst.Name):
            if node.value == name and node not in kept:
                changes[node] = lambda old: old.with_changes(value=new)
    return changes
