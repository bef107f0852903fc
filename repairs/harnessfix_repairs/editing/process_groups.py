"""Starting a command in a process group of its own, all of which ends when its time is up."""

import libcst as cst

from harnessfix_repairs.operators.base import Refusal

from .calls import add_keyword, argument, has_unpacked
from .helpers import Helper
from .python import Change, PythonFile

KILL = Helper(
    "_kill_group",
    '''\
def _kill_group(process):
    """Kill a process and all others of the group that it leads; where there are no groups, that process alone."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:
        pass  # it ended by itself
''',
    ("os", "signal"),
)
RUN = Helper(
    "_run_in_group",
    '''\
def _run_in_group(command, *, input=None, capture_output=False, timeout=None, check=False, **options):
    """`subprocess.run` whose timeout also ends what the command started."""
    if input is not None:
        options["stdin"] = subprocess.PIPE
    if capture_output:
        options["stdout"] = options["stderr"] = subprocess.PIPE
    with subprocess.Popen(command, start_new_session=True, **options) as process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except BaseException:
            _kill_group(process)
            process.wait()
            raise
    if check and process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, stdout, stderr)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
''',
    ("subprocess",),
)
RUNS = ("subprocess.run", "subprocess.check_output", "subprocess.call", "subprocess.check_call")
_OWN_GROUP = ("start_new_session", "preexec_fn", "process_group")


def in_group(file: PythonFile, call: cst.Call) -> Change:
    """A change that turns a call of `RUNS` into one of the helper `RUN`, with the same result and the same exceptions.

    Raises `Refusal` for a call whose arguments the helper would take for something else.
    """
    place = f"{file.path}:{file.line(call)}"
    if has_unpacked(call) or sum(arg.keyword is None for arg in call.args) > 1:
        raise Refusal(f"{place} passes arguments whose meaning is not seen here")
    refuse_other_setup(file, call)
    name = file.dotted(call.func).rpartition(".")[2]

    def change(node: cst.Call) -> cst.BaseExpression:
        kept = [arg for arg in node.args if arg.keyword is None or arg.keyword.value not in _OWN_GROUP]
        node = node.with_changes(func=cst.Name(RUN.name), args=kept)
        if name.startswith("check_"):
            node = add_keyword("check", cst.Name("True"))(node)
        if name == "check_output":
            pipe = cst.Attribute(cst.Name("subprocess"), cst.Name("PIPE"))
            return cst.Attribute(add_keyword("stdout", pipe)(node), cst.Name("stdout"))
        return node if name == "run" else cst.Attribute(node, cst.Name("returncode"))

    return change


def refuse_other_setup(file: PythonFile, call: cst.Call) -> None:
    """Raise `Refusal` when something else than a session or group is set up in the child."""
    setup = argument(call, "preexec_fn")
    if setup is not None and file.dotted(setup.value) not in ("os.setsid", "os.setpgrp", "None"):
        raise Refusal(f"{file.path}:{file.line(call)} runs {file.code(setup.value)} in the child before the command")
