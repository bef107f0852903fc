"""require-approval: the gate that stands before one action stands before another like it."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after_docstring, indented
from harnessfix_repairs.editing.logs import imports_for_log, log_call
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.scope import names_in
from harnessfix_repairs.editing.scope import parameters as parameters_of

from .base import EditExample, GuardExample, Refusal

_BEFORE = '''\
import shutil
import subprocess


def run_command(command):
    """Run a shell command, if the user agrees."""
    if not confirm(f"Run {command}?"):
        return "the user said no"
    return subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60).stdout


def delete_folder(path):
    """Delete a folder and all that is in it."""
    shutil.rmtree(path)  # for good
    return f"deleted {path}"
'''
_AFTER = '''\
import logging
import shutil
import subprocess


def run_command(command):
    """Run a shell command, if the user agrees."""
    if not confirm(f"Run {command}?"):
        return "the user said no"
    return subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60).stdout


def delete_folder(path):
    """Delete a folder and all that is in it."""
    if not confirm(f"delete_folder {path}?"):
        logging.getLogger(__name__).warning("delete_folder was not approved")
        return "the user said no"
    shutil.rmtree(path)  # for good
    return f"deleted {path}"
'''
_GATED = """\
def run_command(command):
    if not confirm(f"Run {command}?"):
        return "the user said no"
    return "ran"


def delete_folder(path):
    done.append(path)
    return f"deleted {path}"
"""
_PERSON = """\
done, answers = [], []


def confirm(question):
    return answers[-1]


def tried(path, answer):
    done.clear()
    answers.append(answer)
    return delete_folder(path), list(done)


def agreed(path):
    return tried(path, True)


def refused(path):
    return tried(path, False)
"""
_TRIED = ("/data", "", "a b", "yes", "{}", "%s")


class RequireApproval(PythonOperator):
    """Puts the approval step of one action in front of another.

    The step is copied from a function of the same file that has it: `if not confirm("…"): return …`. It is asked about
    the name of the action and its arguments. What is done on a refusal is what that function does.

    Anchor: the function that acts without asking.

    Parameters:
        gate: name of the function that asks; by default the only one called confirm, approve or the like in the file.
        like: qualified name of a function that asks; by default the first one that calls the gate.
    """

    name = "require-approval"
    summary = "Ask before an action as before others like it."
    fix_safety = (
        "An action that ran by itself now waits for an answer: an unattended run stops there, or is refused, as the "
        "other gated action would be. That is the gate's own way out; look how it answers when nobody is there."
    )
    examples = (
        EditExample(
            _BEFORE,
            _AFTER,
            qualname="delete_folder",
            line=12,
            end_line=15,
            parameters={"gate": "confirm", "like": "run_command"},
        ),
        EditExample(_BEFORE, _AFTER, qualname="delete_folder", line=12, end_line=15),
        EditExample(_BEFORE.partition("    if not")[0] + "    pass\n", "", qualname="run_command", line=5, end_line=7),
        EditExample(_BEFORE, "", qualname="delete_folder", line=12, end_line=15, parameters={"gate": "no_such"}),
    )

    guards = (
        GuardExample(
            _GATED,
            passes=[f"agreed({path!r}) == ('deleted ' + {path!r}, [{path!r}])" for path in _TRIED],
            stops=[f"refused({path!r})[1] == []" for path in _TRIED],
            setup=_PERSON,
            qualname="delete_folder",
            line=7,
            end_line=9,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Gate the function at the anchor."""
        scope = file.definition(anchor.qualname, anchor.start_line)
        if not isinstance(scope, cst.FunctionDef) or not isinstance(scope.body, cst.IndentedBlock):
            raise Refusal(f"{anchor.place} is no function with a body of its own")
        model = _like(file, scope, parameters.text(spec, "gate"), parameters.text(spec, "like"))
        call = file.within(model.test, cst.Call)[0]
        gate = file.code(call.func)
        if any(
            file.code(node.func).rsplit(".", 1)[-1] == gate.rsplit(".", 1)[-1] for node in file.within(scope, cst.Call)
        ):
            return file.text
        name = scope.name.value
        shown = " ".join([name, *(f"{{{arg}}}" for arg in parameters_of(scope) if arg not in ("self", "cls"))])
        asked = f'{gate}(f"{shown}?")' if "{" in shown else f'{gate}("{shown}?")'
        waits = "await " if file.within(model.test, cst.Await) else ""
        if waits and scope.asynchronous is None:
            raise Refusal(f"{anchor.place} is not async, and {gate} has to be awaited")
        log = log_call(file, f"{name} was not approved")
        done = "".join(file.code(line.with_changes(leading_lines=())).lstrip() for line in model.body.body)
        check = file.statements(f"if not {waits}{asked}:\n{indented(log + done)}")
        at = after_docstring(scope)
        change: dict[cst.CSTNode, Change] = {
            scope.body: lambda body: body.with_changes(body=[*body.body[:at], *check, *body.body[at:]])
        }
        return file.rewrite(change, imports=imports_for_log(file))


def _like(file: PythonFile, scope: cst.FunctionDef, gate: str, like: str) -> cst.If:
    """The `if not gate("…"): return …` to copy."""
    for node in file.within(file.module, cst.If):
        function = file.function(node)
        if function is None or function is scope or (like and file.qualname(node) != like):
            continue
        test = node.test
        if not isinstance(test, cst.UnaryOperation) or not isinstance(test.operator, cst.Not) or node.orelse:
            continue
        calls = file.within(test, cst.Call)
        if not calls:
            continue
        name = file.code(calls[0].func).rsplit(".", 1)[-1]
        fits = name == gate.rsplit(".", 1)[-1] if gate else re.search(r"(?i)confirm|approv|permit|allow|consent", name)
        text = len(calls[0].args) == 1 and isinstance(calls[0].args[0].value, (cst.FormattedString, cst.SimpleString))
        if fits and text and _leaves(file, node, scope):
            return node
    raise Refusal(f"{file.path} has no approval step of the form `if not {gate or 'confirm'}(…): return …` to copy")


def _leaves(file: PythonFile, node: cst.If, scope: cst.FunctionDef) -> bool:
    """Whether the body only leaves the function, with names that the other function has too."""
    lines = list(node.body.body)
    if len(lines) != 1 or not isinstance(lines[0], cst.SimpleStatementLine):
        return False
    small = lines[0].body[0]
    if not isinstance(small, (cst.Return, cst.Raise)):
        return False
    inner = file.function(node)
    local = set(parameters_of(inner)) - set(parameters_of(scope)) if inner is not None else set()
    return not (names_in(file, small) & local)
