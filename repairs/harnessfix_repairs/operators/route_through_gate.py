"""route-through-gate: the check in front of one call of a tool stands in front of the other, too."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after_docstring
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile
from harnessfix_repairs.editing.scope import bound_at, names_in

from .base import EditExample, GuardExample, Refusal

_AGENT = '''\
class Agent:
    def execute(self, name, arguments):
        """Run a tool that the user allows."""
        # nothing is done unasked
        if not self.approve(name, arguments):
            return "refused: not approved"
        return self.tools[name](**arguments)

    def retry(self, name, arguments):
        """Run it again."""
        return self.tools[name](**arguments)
'''
_GATE = """\
        # nothing is done unasked
        if not self.approve(name, arguments):
            return "refused: not approved"
"""
_GIVEN = {"gate": "agent.py:Agent.execute", "guard": "approve"}


class RouteThroughGate(PythonOperator):
    """Puts the check that one function makes before it calls a tool at the head of another that calls it unchecked.

    Anchor: the function that calls unchecked. Parameters: `gate`, `path:qualname` of the one that checks (needed);
    `guard`, the name of what it asks (the first `if` that leaves the function, when it is missing).
    """

    name = "route-through-gate"
    summary = "Ask on this path as on the other before the tool is run."
    fix_safety = (
        "What was done unasked is now asked for, each time the function is called: a user may be asked twice where "
        "the caller had asked already. The answer to a refusal is that of the other path: look whether the callers of "
        "this one understand it."
    )
    examples = (
        EditExample(
            _AGENT,
            _AGENT.replace('again."""\n', f'again."""\n{_GATE}'),
            qualname="Agent.retry",
            line=9,
            parameters=_GIVEN,
        ),
        EditExample(
            _AGENT.replace("retry(self, name,", "retry(self, tool,"),
            "",
            qualname="Agent.retry",
            line=9,
            parameters=_GIVEN,
        ),
        EditExample(_AGENT, "", qualname="Agent.retry", line=9),
        EditExample(_AGENT, "", qualname="Agent.execute", line=2, parameters=_GIVEN),
    )
    guards = (
        GuardExample(
            _AGENT,
            setup="def agent(allowed):\n    a = Agent()\n    a.tools = {'t': lambda x: x}\n"
            "    a.approve = lambda name, arguments: allowed\n    return a\n",
            passes=("agent(True).retry('t', {'x': 1}) == 1",),
            stops=("agent(False).retry('t', {'x': 1}) == 'refused: not approved'",),
            qualname="Agent.retry",
            line=9,
            parameters=_GIVEN,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Copy the check."""
        path, _, qualname = parameters.text(spec, "gate").partition(":")
        if path != anchor.path or not qualname:
            raise Refusal(f"the check of {path or 'the other path'} stands in another file than {anchor.place}")
        gated, open_ = file.definition(qualname, 1), file.definition(anchor.qualname, anchor.start_line)
        if not isinstance(gated, cst.FunctionDef) or not isinstance(open_, cst.FunctionDef) or gated is open_:
            raise Refusal(f"{anchor.place} and {qualname} are not two functions")
        check = _check(file, gated, parameters.text(spec, "guard"))
        if check is None or not isinstance(open_.body, cst.IndentedBlock):
            raise Refusal(f"{qualname} has no check at its head that leaves it when the answer is no")
        if any(file.code(one.test) == file.code(check.test) for one in file.within(open_, cst.If)):
            return file.text
        place = after_docstring(open_)
        if len(open_.body.body) <= place or not names_in(file, check) <= bound_at(file, open_.body.body[place]):
            raise Refusal(f"{anchor.place} has other names than the check of {qualname} needs")

        def change(block: cst.IndentedBlock) -> cst.IndentedBlock:
            body = list(block.body)
            return block.with_changes(body=[*body[:place], check, *body[place:]])

        return file.rewrite({open_.body: change})


def _check(file: PythonFile, function: cst.FunctionDef, guard: str) -> cst.If | None:
    """The `if` of the function's own block that asks the guard and leaves the function."""
    for statement in function.body.body:
        if not isinstance(statement, cst.If) or statement.orelse is not None:
            continue
        asked = {file.code(call.func).rsplit(".", 1)[-1] for call in file.within(statement.test, cst.Call)}
        last = statement.body.body[-1] if statement.body.body else None
        leaves = isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[-1], (cst.Return, cst.Raise))
        if leaves and (guard.rsplit(".", 1)[-1] in asked if guard else asked):
            return statement
    return None
