"""bound-execution: a call that may never end gets a timeout, and its expiry an answer."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import guarded, in_try, indented, own_line
from harnessfix_repairs.editing.calls import add_keyword, argument
from harnessfix_repairs.editing.handlers import new_name
from harnessfix_repairs.editing.helpers import Helper
from harnessfix_repairs.editing.narrow import narrowed
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.process_groups import KILL, RUN, in_group
from harnessfix_repairs.editing.python import Change, PythonFile, chain
from harnessfix_repairs.editing.reporting import report
from harnessfix_repairs.editing.scope import bound_at
from harnessfix_repairs.editing.scope import parameters as parameters_of

from .base import EditExample, Refusal

DEFAULT_SECONDS = 120
_HTTP = ("get", "post", "put", "patch", "delete", "head", "options", "request")
_EXPIRY = {
    "subprocess": ("subprocess.TimeoutExpired", ("TimeoutExpired", "SubprocessError")),
    "requests": ("requests.Timeout", ("Timeout", "RequestException")),
    "httpx": ("httpx.TimeoutException", ("TimeoutException", "RequestError", "HTTPError")),
    "urllib": ("TimeoutError", ("TimeoutError", "OSError", "URLError")),
}

_RUN = '''\
import subprocess


def run_command(command):
    """Run a shell command."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True)  # may hang
    return f"exit code {done.returncode}\\n{done.stdout}"
'''
_RUN_AFTER = (
    "import os\nimport signal\nimport subprocess\n\n\n"
    + KILL.source
    + "\n\n"
    + RUN.source
    + '''

def run_command(command):
    """Run a shell command."""
    try:
        done = _run_in_group(command, shell=True, capture_output=True, text=True, timeout=120)  # may hang
    except subprocess.TimeoutExpired as error:
        return f"stopped after {error.timeout} seconds; output so far: {error.output}"
    return f"exit code {done.returncode}\\n{done.stdout}"
'''
)
_LIST = _RUN.replace("command, shell=True", "command")
_FETCH = """\
import requests


class Browser:
    def __init__(self, timeout=20):
        self.timeout = timeout

    def fetch(self, url):
        try:
            return {"text": requests.get(url).text, "error": ""}
        except requests.RequestException as error:
            return {"text": "", "error": str(error)}
"""


class BoundExecution(PythonOperator):
    """Gives `subprocess`, `requests`, `httpx` and `urlopen` calls a timeout.

    Where the call stands in a `try` that already catches its expiry, or everything, only the timeout is added. Else
    the expiry is turned into an error in the way the function reports errors: the message its loop appends, the value
    it returns, the exception it raises. Output that was produced before the time was up goes with it. A function that
    shows no way is refused.

    A command that a shell runs also gets a process group of its own, all of which is killed: without that, a timeout
    would end the shell and leave what it had started.

    Anchor: the call, or the function that holds it.

    Parameters:
        line: line of the call, when the function holds several; by default all are edited.
        timeout: seconds; by default a parameter, attribute or setting of the function's class that is called `timeout`,
            else 120.
        timeout-source: source of the timeout (`self.config.timeout`), instead of a number.
        raises: dotted name of the exception to raise on expiry, instead of looking for a way.
    """

    name = "bound-execution"
    summary = "Give a call that may never end a timeout, and turn its expiry into an answer."
    safety = Safety.UNSAFE
    fix_safety = (
        "Commands and requests that took longer than the timeout used to end by themselves and no longer do; look "
        "at the number, which is 120 seconds unless the code has one. A command without a shell is killed alone, "
        "not what it had started: see kill-process-group. One with a shell no longer belongs to the terminal's process "
        "group: Ctrl-C reaches the harness only, which then kills the command."
    )
    adds = (KILL.name, RUN.name)
    examples = (
        EditExample(
            _LIST,
            _LIST.replace(
                "    done = subprocess.run(command, capture_output=True, text=True)  # may hang\n",
                "    try:\n"
                "        done = subprocess.run(command, capture_output=True, text=True, timeout=120)  # may hang\n"
                "    except subprocess.TimeoutExpired as error:\n"
                '        return f"stopped after {error.timeout} seconds; output so far: {error.output}"\n',
            ),
            qualname="run_command",
            line=6,
        ),
        EditExample(_RUN, _RUN_AFTER, qualname="run_command", line=6),
        EditExample(
            _FETCH,
            _FETCH.replace("requests.get(url)", "requests.get(url, timeout=self.timeout)"),
            qualname="Browser.fetch",
            line=10,
        ),
        EditExample(
            _RUN,
            _RUN_AFTER.replace("timeout=120", "timeout=5"),
            qualname="run_command",
            line=4,
            end_line=7,
            parameters={"timeout": 5},
        ),
        EditExample(_RUN.replace('return f"exit code {done.returncode}\\n{done.stdout}"', "return done"), "", line=6),
        EditExample(_RUN.replace("text=True", "preexec_fn=limit_memory"), "", qualname="run_command", line=6),
        EditExample(_RUN.replace("text=True", "**options"), "", qualname="run_command", line=6),
        EditExample(_RUN, "", qualname="run_command", line=6, parameters={"timeout": "soon"}),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Bound every such call at the anchor that is not bounded."""
        calls = narrowed(file, file.find(anchor, cst.Call, lambda call: _family(file, call) != ""), spec)
        if not calls:
            raise Refusal(f"{anchor.place} holds no call that takes a timeout in a way that is understood")
        raises = parameters.dotted_source(spec, "raises")
        changes: dict[cst.CSTNode, Change] = {}
        helpers: list[Helper] = []
        for call in calls:
            if argument(call, "timeout") is None:
                bounded = add_keyword("timeout", file.expression(_timeout(file, call, spec)))
                if _by_shell(file, call):
                    bounded, helpers = chain(bounded, in_group(file, call)), [KILL, RUN]
                changes[call] = bounded
                changes.update(_answered(file, call, raises))
        return file.rewrite(changes, helpers=helpers)


def _by_shell(file: PythonFile, call: cst.Call) -> bool:
    shell = argument(call, "shell")
    return _family(file, call) == "subprocess" and shell is not None and file.code(shell.value) != "False"


def _family(file: PythonFile, call: cst.Call) -> str:
    name = file.dotted(call.func)
    first, _, last = name.rpartition(".")
    if first == "subprocess" and last in ("run", "call", "check_call", "check_output"):
        return "subprocess"
    if first in ("requests", "httpx") and last in _HTTP:
        return first
    return "urllib" if name == "urllib.request.urlopen" else ""


def _timeout(file: PythonFile, call: cst.Call, spec: RepairSpec) -> str:
    source = parameters.plain_source(spec, "timeout-source")
    if source:
        return source
    seconds = parameters.number(spec, "timeout", 0.001)
    if seconds is not None:
        return repr(seconds)
    function, klass = file.function(call), file.klass(call)
    if function is not None and "timeout" in parameters_of(function) and "timeout" in bound_at(file, call):
        return "timeout"
    if klass is not None:
        named = [file.code(node) for node in file.within(klass, cst.Attribute) if node.attr.value == "timeout"]
        own = sorted({name for name in named if name.startswith("self.")}, key=len)
        if own:
            return own[0]
    return str(DEFAULT_SECONDS)


def _answered(file: PythonFile, call: cst.Call, raises: str) -> dict[cst.CSTNode, Change]:
    """The change that turns the call's expiry into a report; none where it is caught already."""
    family = _family(file, call)
    expiry, caught = _EXPIRY[family]
    if in_try(file, call, *caught):
        return {}
    line = own_line(file, call)
    name = new_name(file, call)
    if family == "subprocess":
        message = f'f"stopped after {{{name}.timeout}} seconds; output so far: {{{name}.output}}"'
    else:
        message = f'f"no answer in time: {{{name}}}"'
    module, _, last = expiry.partition(".")
    local = next((local for local, full in file.imported.items() if full == module), "")
    dotted = f"{local}.{last}" if last and local else expiry
    if last and not local:
        raise Refusal(
            f"{file.path}:{file.line(call)}: {module} is not imported under a name, so {expiry} is out of reach"
        )
    statements = report(file, call, message, raises=raises, cause=name)
    return {line: guarded(file, f"except {dotted} as {name}:\n{indented(statements)}")}
