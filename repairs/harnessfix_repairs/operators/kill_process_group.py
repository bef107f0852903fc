"""kill-process-group: a timeout ends everything that the command started, not its shell alone."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.calls import add_keyword, argument, is_true
from harnessfix_repairs.editing.helpers import Helper
from harnessfix_repairs.editing.narrow import narrowed
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.process_groups import KILL, RUN, RUNS, in_group, refuse_other_setup
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_POPEN = (
    "subprocess.Popen",
    "asyncio.create_subprocess_shell",
    "asyncio.create_subprocess_exec",
    "asyncio.subprocess.create_subprocess_shell",
    "asyncio.subprocess.create_subprocess_exec",
)

_BEFORE = """\
import subprocess


def run(command, timeout):
    # the model chose the command
    done = subprocess.run(command, shell=True, text=True, timeout=timeout, stdout=subprocess.PIPE)
    return done.stdout
"""
_POPEN_BEFORE = """\
import os
import signal
import subprocess


def run(command):
    process = subprocess.Popen(command, shell=True, stdout=subprocess.PIPE)
    try:
        output, _ = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()  # it had its time
        output, _ = process.communicate()
    return output
"""


def _top(body: str, *helpers: Helper) -> str:
    head, _, rest = body.partition("\n\n\n")
    return "\n\n\n".join([head, *(helper.source.rstrip("\n") for helper in helpers), rest])


class KillProcessGroup(PythonOperator):
    """Starts the command in a session of its own and kills its whole process group when the time is up.

    `subprocess.run(…, timeout=…)`, `call`, `check_call` and `check_output` become a call of a helper with the same
    arguments, the same result and the same exceptions, partial output included. For `Popen` and asyncio's
    `create_subprocess_*` the start gets `start_new_session=True` and each `kill()` or `terminate()` of that process in
    the function (in the class, when it is kept on `self`) kills the group.

    Anchor: the call that starts the process, or the function that holds it.

    Parameters:
        line: line of the call, when the function holds several; by default all of them are edited.
    """

    name = "kill-process-group"
    summary = "Kill the whole process group when a command's time is up."
    fix_safety = (
        "The command no longer belongs to the terminal's process group: Ctrl-C reaches the harness only, which then "
        "kills the command. A server that a command left running on purpose, to outlive a timeout, is killed too. "
        "On Windows, which has no process groups of this kind, behaviour stays as it is. A process that starts a "
        "session of its own escapes."
    )
    adds = (KILL.name, RUN.name)
    examples = (
        EditExample(
            _BEFORE,
            _top(
                _BEFORE.replace("subprocess.run(", "_run_in_group(").replace(
                    "import subprocess", "import os\nimport signal\nimport subprocess"
                ),
                KILL,
                RUN,
            ),
            qualname="run",
            line=6,
        ),
        EditExample(
            _POPEN_BEFORE,
            _top(
                _POPEN_BEFORE.replace(
                    "stdout=subprocess.PIPE)", "stdout=subprocess.PIPE, start_new_session=True)"
                ).replace("process.kill()", "_kill_group(process)"),
                KILL,
            ),
            qualname="run",
            line=7,
        ),
        EditExample(_BEFORE.replace(" timeout=timeout,", ""), "", qualname="run", line=6),
        EditExample(_BEFORE.replace("text=True", "preexec_fn=limit_memory"), "", qualname="run", line=6),
        EditExample(_POPEN_BEFORE.replace("process.kill()  # it had its time", "pass"), "", qualname="run", line=7),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Give every process started at the anchor a group, and kill that."""
        calls = file.find(anchor, cst.Call, lambda call: file.dotted(call.func) in (*RUNS, *_POPEN))
        calls = narrowed(file, calls, spec)
        if not calls:
            if file.find(anchor, cst.Call, lambda call: file.code(call.func) == RUN.name):
                return file.text
            raise Refusal(f"{anchor.place} starts no process in a way that is understood")
        changes: dict[cst.CSTNode, Change] = {}
        helpers = [KILL]
        reasons = []
        for call in calls:
            try:
                if file.dotted(call.func) in RUNS:
                    changes[call] = _run(file, call)
                    helpers = [KILL, RUN]
                else:
                    changes.update(_started(file, call))
            except Refusal as refusal:
                reasons.append(refusal)
        if reasons and len(reasons) == len(calls):
            raise reasons[0]
        return file.rewrite(changes, helpers=helpers)


def _run(file: PythonFile, call: cst.Call) -> Change:
    if argument(call, "timeout") is None:
        place = f"{file.path}:{file.line(call)}"
        raise Refusal(f"{place} has no timeout, so nothing kills the command; give it one first (bound-execution)")
    return in_group(file, call)


def _started(file: PythonFile, call: cst.Call) -> dict[cst.CSTNode, Change]:
    place = f"{file.path}:{file.line(call)}"
    refuse_other_setup(file, call)
    name = _target(file, call)
    scope = (file.klass(call) if name.startswith("self.") else None) or file.function(call) or file.module
    kills = [
        node
        for node in file.within(scope, cst.Call)
        if re.fullmatch(re.escape(name) + r"\.(kill|terminate)", file.code(node.func)) and not node.args
    ]
    has_group = is_true(argument(call, "start_new_session")) or argument(call, "preexec_fn") is not None
    if not name or (not kills and not has_group):
        raise Refusal(f"{place}: nothing ends this process, so there is no place to kill its group")
    changes: dict[cst.CSTNode, Change] = {
        node: lambda _: cst.Call(cst.Name(KILL.name), args=[cst.Arg(file.expression(name))]) for node in kills
    }
    if not has_group:
        changes[call] = add_keyword("start_new_session", cst.Name("True"))
    return changes


def _target(file: PythonFile, call: cst.Call) -> str:
    """The name that the started process is given, empty when it has none."""
    for above in file.parents(call):
        if isinstance(above, cst.Assign) and len(above.targets) == 1:
            return file.code(above.targets[0].target)
        if isinstance(above, cst.AnnAssign):
            return file.code(above.target)
        if isinstance(above, cst.WithItem) and above.asname is not None:
            return file.code(above.asname.name).strip()
        if isinstance(above, (cst.BaseStatement, cst.BaseSmallStatement)):
            return ""
    return ""
