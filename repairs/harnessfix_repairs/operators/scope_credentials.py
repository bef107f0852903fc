"""scope-credentials: a command does not inherit the keys of the harness."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.calls import add_keyword, argument
from harnessfix_repairs.editing.helpers import Helper
from harnessfix_repairs.editing.narrow import narrowed
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_STARTS = (
    "subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_call", "subprocess.check_output",
    "asyncio.create_subprocess_shell", "asyncio.create_subprocess_exec",
)  # fmt: skip
_HELPER = Helper(
    "_without_credentials",
    '''\
def _without_credentials(environment, keep=()):
    """The variables of an environment but those that look like credentials; names in `keep` are passed on."""
    secret = re.compile(r"(?i)(^|_)(api_?key|key|token|secret|password|passwd|credentials?|auth)(_|$)")
    return {name: value for name, value in environment.items() if name in keep or not secret.search(name)}
''',
    ("re",),
)

_INHERITED = """\
import os
import re
import subprocess


def run(command):
    done = subprocess.run(command, shell=True, timeout=5)
    return done.returncode
"""
_MERGED = """\
import os
import re
import subprocess


def run(command):
    environment = dict(os.environ, PAGER="cat")
    done = subprocess.run(command, shell=True, env=environment, timeout=5)  # quiet
    return done.returncode
"""


def _helped(text: str) -> str:
    head, rest = text.split("\n\n\n")
    return f"{head}\n\n\n{_HELPER.source}\n\n{rest}"


class ScopeCredentials(PythonOperator):
    """Starts a process with the harness's environment less the variables that look like credentials.

    `os.environ`, alone or merged with others, is filtered where the call or the name it is given reads it; a call
    without `env` gets one.

    Anchor: the call that starts the process, or the function that holds it.

    Parameters:
        line: line of the call, when the function holds several.
        keep: names of variables that are passed on all the same.
    """

    name = "scope-credentials"
    summary = "Keep the harness's credentials out of a command's environment."
    fix_safety = (
        "A command that needs one of the keys, such as `gh` or `git push` over HTTPS, no longer has it: name the "
        "variable in `keep`. Variables are told by their names: a credential under an ordinary name is still passed "
        "on."
    )
    adds = (_HELPER.name,)
    examples = (
        EditExample(
            _INHERITED,
            _helped(_INHERITED.replace("timeout=5)", "timeout=5, env=_without_credentials(os.environ))")),
            qualname="run",
            line=7,
        ),
        EditExample(
            _MERGED,
            _helped(_MERGED.replace("dict(os.environ,", 'dict(_without_credentials(os.environ, keep=("GH_TOKEN",)),')),
            qualname="run",
            line=8,
            parameters={"keep": ["GH_TOKEN"]},
        ),
        EditExample(_MERGED.replace("dict(os.environ,", "dict(base,"), "", qualname="run", line=8),
        EditExample(_MERGED, "", qualname="run", line=8, parameters={"keep": ['"); boom(']}),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Filter the environment of each process at the anchor."""
        keep = parameters.texts(spec, "keep")
        if not all(name.replace("_", "a").isalnum() for name in keep):
            raise Refusal("parameter 'keep' must be a list of names of variables")
        names = ", ".join(f'"{name}"' for name in keep)
        kept = f", keep=({names},)" if keep else ""
        filtered = f"{_HELPER.name}(os.environ{kept})"
        calls = narrowed(file, file.find(anchor, cst.Call, lambda call: file.dotted(call.func) in _STARTS), spec)
        if not calls:
            raise Refusal(f"{anchor.place} starts no process in a way that is understood")
        changes: dict[cst.CSTNode, Change] = {}
        seen = False
        for call in calls:
            given = argument(call, "env")
            if given is None:
                changes[call] = add_keyword("env", file.expression(filtered))
                continue
            for node in _environs(file, call, given.value):
                seen = True
                if _HELPER.name not in [file.code(a.func) for a in file.parents(node) if isinstance(a, cst.Call)]:
                    changes[node] = lambda _: file.expression(filtered)
        if not changes and not seen:
            raise Refusal(f"{anchor.place} does not pass os.environ on in a way that is understood")
        return file.rewrite(changes, helpers=[_HELPER], imports=["os"] if changes else [])


def _environs(file: PythonFile, call: cst.Call, value: cst.BaseExpression) -> list[cst.Attribute]:
    """Where `os.environ` enters the environment: in the argument, or in what its name was assigned."""
    places: list[cst.CSTNode] = [value]
    if isinstance(value, cst.Name):
        scope = file.function(call) or file.module
        for assign in file.within(scope, cst.Assign):
            if any(isinstance(t.target, cst.Name) and t.target.value == value.value for t in assign.targets):
                places.append(assign.value)
    found = [
        node for place in places for node in file.within(place, cst.Attribute) if file.dotted(node) == "os.environ"
    ]
    # A variable that is read by its name is passed on by its name: os.environ["PATH"], os.environ.get("PATH").
    return [node for node in found if not _read_by_name(file, node)]


def _read_by_name(file: PythonFile, node: cst.Attribute) -> bool:
    above = next(file.parents(node))
    if isinstance(above, cst.Subscript):
        return True
    return isinstance(above, cst.Attribute) and above.attr.value == "get"
