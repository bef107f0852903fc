"""gate-completion: what the last check said decides whether the work is handed in."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after, indented, instead, own_line
from harnessfix_repairs.editing.logs import imports_for_log, log_call
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.reporting import report

from .base import EditExample, GuardExample, Refusal

_LOOP = """\
import logging


class Agent:
    def verify(self, answer):
        return answer.strip().isdigit()

    def run(self, model, messages):
        for _ in range(3):
            answer = model.ask(messages)
            # look at it first
            self.verify(answer)
            if answer:
                return answer
            messages.append({"role": "user", "content": "Hand in a number."})
"""
_TESTS = """\
import subprocess


class NotReady(Exception):
    pass


def finish(work):
    tests = subprocess.run(["pytest", "-q"], timeout=600)
    if not work:
        raise NotReady("there is nothing to hand in")
    return work
"""
_CHECKED = """\
def verify(answer):
    return answer.isdigit()


def run(model, messages):
    for _ in range(3):
        answer = model(messages)
        verify(answer)
        if answer:
            return answer
        messages.append({"role": "user", "content": "go on"})
    return None
"""


class GateCompletion(PythonOperator):
    """Makes the path that hands in depend on the check that was run and not looked at.

    `self.verify(answer)` as a statement becomes `if not self.verify(answer): …`; a result whose name nothing reads is
    tested behind its assignment, a process by its exit code. What follows is what the code around does with a
    failure: the message that the same loop appends, or the exception that the function raises. The check's definition
    has to stand in the file and return something, so that one that raises on failure is not taken for one that says no.

    Anchor: the call of the check, or the function that holds it.

    Parameters:
        check: name of the check, when the function calls several things; `line` is read in the same way.
        line: line of the check.
        raises: dotted name of an exception to raise, instead of looking for a way.
    """

    name = "gate-completion"
    summary = "Hand in only what the last check passed."
    fix_safety = (
        "Work that a failing check used to let through is held back: a check that is wrong now blocks. The refusal "
        "is logged. Look whether something bounds the number of attempts, and whether the check can pass at all."
    )
    examples = (
        EditExample(
            _LOOP,
            _LOOP.replace(
                "            self.verify(answer)\n",
                "            if not self.verify(answer):\n"
                '                logging.getLogger(__name__).warning("verify did not pass, so nothing is handed in")\n'
                '                messages.append({"role": "user", "content": "verify did not pass"})\n'
                "                continue\n",
            ),
            qualname="Agent.run",
            line=12,
            parameters={"check": "verify"},
        ),
        EditExample(
            _TESTS,
            _TESTS.replace("import subprocess", "import logging\nimport subprocess").replace(
                "timeout=600)\n",
                "timeout=600)\n    if tests.returncode != 0:\n"
                '        logging.getLogger(__name__).warning("subprocess.run did not pass, so nothing is handed in")\n'
                '        raise NotReady("subprocess.run did not pass")\n',
            ),
            qualname="finish",
            line=9,
        ),
        EditExample(
            _LOOP.replace("return answer.strip().isdigit()", "check(answer)"), "", qualname="Agent.run", line=12
        ),
        EditExample(
            "def run(check, answer):\n    check(answer)\n    return answer\n",
            "",
            qualname="run",
            line=2,
            parameters={"check": "check"},
        ),
    )

    guards = (
        GuardExample(
            _CHECKED,
            passes=[f"run(model({answers!r}), []) == '42'" for answers in (["42"], ["x", "42"], ["x", "y", "42"])],
            stops=[f"run(model({answers!r}), []) is None" for answers in (["x", "y", "z"], ["4 2", "-", "?"])],
            setup="def model(answers):\n    left = iter(answers)\n    return lambda seen: next(left)\n",
            qualname="run",
            line=8,
            parameters={"check": "verify"},
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Test the result of the first check at the anchor that nothing reads."""
        check, at = parameters.text(spec, "check").rsplit(".", 1)[-1], parameters.whole(spec, "line")
        calls = file.find(anchor, cst.Call, lambda call: not check or _name(file, call) == check)
        calls = [call for call in calls if at is None or file.line(call) == at] or calls
        raises = parameters.dotted_source(spec, "raises")
        reasons = []
        for call in calls:
            try:
                found = _gated(file, call, raises)
            except Refusal as refusal:
                reasons.append(refusal)
                continue
            if found is not None:
                return file.rewrite(found, imports=imports_for_log(file) if found else ())
        if reasons:
            raise reasons[0]
        raise Refusal(f"{anchor.place} calls no check whose result is unused")


def _name(file: PythonFile, call: cst.Call) -> str:
    return file.code(call.func).rsplit(".", 1)[-1]


def _gated(file: PythonFile, call: cst.Call, raises: str) -> dict[cst.CSTNode, Change] | None:
    above = next(file.parents(call))
    place = f"{file.path}:{file.line(call)}"
    process = file.dotted(call.func) == "subprocess.run"
    shown = file.dotted(call.func) if process else _name(file, call)
    if isinstance(above, cst.Expr):
        if process or not _answers(file, call):
            raise Refusal(f"{place}: {shown} is not known to say by its result whether the check passed")
        return {own_line(file, call): instead(_test(file, call, f"not {file.code(call)}", shown, raises))}
    if isinstance(above, (cst.UnaryOperation, cst.If, cst.BooleanOperation)) and _answers(file, call):
        return {}
    if not isinstance(above, cst.Assign) or not isinstance(above.targets[0].target, cst.Name):
        return None
    name = above.targets[0].target.value
    scope = file.function(call) or file.module
    reads = [
        node for node in file.within(scope, cst.Name) if node.value == name and node is not above.targets[0].target
    ]
    if any(f"{name}.returncode" in file.code(a) for node in reads for a in list(file.parents(node))[:2]):
        return {}
    if reads or not (process or _answers(file, call)):
        return None
    test = f"{name}.returncode != 0" if process else f"not {name}"
    return {own_line(file, call): after(_test(file, call, test, shown, raises))}


def _answers(file: PythonFile, call: cst.Call) -> bool:
    """Whether the check's definition, in this file, returns a value on every `return` that it has."""
    name = _name(file, call)
    found = [node for node in file.within(file.module, cst.FunctionDef) if node.name.value == name]
    if len(found) != 1 or found[0].asynchronous is not None:
        return False
    returns = [node for node in file.within(found[0], cst.Return) if file.function(node) is found[0]]
    return bool(returns) and all(node.value is not None and file.code(node.value) != "None" for node in returns)


def _test(file: PythonFile, call: cst.Call, test: str, shown: str, raises: str) -> list[cst.BaseStatement]:
    log = log_call(file, f"{shown} did not pass, so nothing is handed in")
    said = report(file, call, f'"{shown} did not pass"', raises=raises, values=False)
    return file.statements(f"if {test}:\n{indented(log + said)}")
