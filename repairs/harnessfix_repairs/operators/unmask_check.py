"""unmask-check: the command of a check ends with the check's own exit status."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile, python_file

from .base import EditExample, Refusal

_MASK = re.compile(r"\s*(\|\|\s*(true|:|exit\s+0|/bin/true)|;\s*(true|exit\s+0))\s*$")
_PIPE = re.compile(r"\s*(?<!\|)\|\s*(tee|tail|head|cat|less|sed|grep -v)\b[^|]*$")
_TEXTS = (cst.SimpleString, cst.FormattedString)

_CHECK = """\
import subprocess

CHECK = "pytest -q || true"  # the suite


def verify():
    return subprocess.run(CHECK, shell=True).returncode == 0
"""
_PIPED = """\
import subprocess


def verify(path):
    done = subprocess.run(f"pytest -q {path} | tail -n 5", shell=True)
    return done.returncode == 0
"""


class UnmaskCheck(PythonOperator):
    """Drops what hides the exit status of a check: `|| true`, `; exit 0` at the end of its command.

    A pipe at the end of a command keeps its output as it was and gets `set -o pipefail;` in front, for shells that
    know it: the command is then run by bash.

    Anchor: the function that runs the check, or the command's own line; constants of the module are followed by name.

    Parameters:
        command: the command as it was run; its text decides which literal is meant.
    """

    name = "unmask-check"
    summary = "Let a check's own exit status through."
    fix_safety = (
        "The check can now fail, which is its purpose: runs that were accepted are not accepted any more when it "
        "does. Look whether the command also fails where it should not, as with linters that only warn."
    )
    examples = (
        EditExample(_CHECK, _CHECK.replace(" || true", ""), qualname="verify", line=6, end_line=7),
        EditExample(
            _CHECK.replace(" || true", "; exit 0"),
            _CHECK.replace(" || true", ""),
            qualname="verify",
            line=6,
            end_line=7,
            parameters={"command": "/bin/sh -c pytest -q; exit 0"},
        ),
        EditExample(
            _PIPED,
            _PIPED.replace('f"pytest', 'f"set -o pipefail; pytest').replace(
                "shell=True)", 'shell=True, executable="/bin/bash")'
            ),
            qualname="verify",
            line=4,
            end_line=6,
        ),
        EditExample(_CHECK.replace(" || true", ""), "", qualname="verify", line=6, end_line=7),
        EditExample(_CHECK.replace("CHECK,", "load(),"), "", qualname="verify", line=6, end_line=7),
    )

    def symbols(self, files: object, anchor: Anchor, parameters: object) -> list[str]:
        """Constants of the module that the function at the anchor uses may hold its command."""
        assert isinstance(files, dict)
        try:
            file = python_file(anchor.path, files[anchor.path])
        except (Refusal, KeyError):
            return []
        names = {name for _, name in _literals(file, anchor) if name}
        return [f"{anchor.path}:{name}" for name in sorted(names)]

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Unmask the command at the anchor."""
        command = parameters.text(spec, "command")
        masked = [node for node, _ in _literals(file, anchor) if _MASK.search(_ending(file, node))]
        meant = [node for node in masked if _is_meant(file, node, command)] or masked
        if meant:
            return file.rewrite({_last_piece(node): _unmasked for node in meant[:1]})
        return _with_pipefail(file, anchor)


def _literals(file: PythonFile, anchor: Anchor) -> list[tuple[cst.SimpleString | cst.FormattedString, str]]:
    """Texts at the anchor, and in the constants of the module that it uses by name."""
    found = [(node, "") for node in file.find(anchor, _TEXTS) if isinstance(node, _TEXTS)]
    used = {node.value for node in file.find(anchor, cst.Name)}
    for line in file.module.body:
        for part in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(part, cst.Assign) and isinstance(part.targets[0].target, cst.Name):
                name = part.targets[0].target.value
                if name in used:
                    found += [(node, name) for node in file.within(line, _TEXTS) if isinstance(node, _TEXTS)]
    return found


def _ending(file: PythonFile, node: cst.SimpleString | cst.FormattedString) -> str:
    if isinstance(node, cst.SimpleString):
        return node.raw_value
    last = node.parts[-1] if node.parts else None
    return last.value if isinstance(last, cst.FormattedStringText) else ""


def _last_piece(node: cst.SimpleString | cst.FormattedString) -> cst.CSTNode:
    return node if isinstance(node, cst.SimpleString) else node.parts[-1]


def _unmasked(old: cst.SimpleString | cst.FormattedStringText) -> cst.CSTNode:
    if isinstance(old, cst.SimpleString):
        start, end = len(old.prefix) + len(old.quote), len(old.quote)
        return old.with_changes(value=old.value[:start] + _MASK.sub("", old.value[start:-end]) + old.value[-end:])
    return old.with_changes(value=_MASK.sub("", old.value))


def _is_meant(file: PythonFile, node: cst.SimpleString | cst.FormattedString, command: str) -> bool:
    if not command:
        return True
    return _MASK.sub("", _ending(file, node)).strip()[-40:] in command


def _with_pipefail(file: PythonFile, anchor: Anchor) -> str:
    for call in file.find(anchor, cst.Call):
        words = {arg.keyword.value: file.code(arg.value) for arg in call.args if arg.keyword is not None}
        first = call.args[0].value if call.args else None
        if words.get("shell") != "True" or "executable" in words or not isinstance(first, _TEXTS):
            continue
        if not _PIPE.search(_ending(file, first)) or "pipefail" in file.code(first):
            continue
        changes: dict[cst.CSTNode, Change] = {first: _prefixed, call: _by_bash(file)}
        return file.rewrite(changes)
    raise Refusal(f"{anchor.place} runs no command whose end hides its exit status, as far as can be read")


def _prefixed(old: cst.SimpleString | cst.FormattedString) -> cst.CSTNode:
    words = "set -o pipefail; "
    if isinstance(old, cst.SimpleString):
        start = len(old.prefix) + len(old.quote)
        return old.with_changes(value=old.value[:start] + words + old.value[start:])
    return old.with_changes(parts=[cst.FormattedStringText(words), *old.parts])


def _by_bash(file: PythonFile) -> Change:
    made = file.expression('f(executable="/bin/bash")')
    assert isinstance(made, cst.Call)

    def change(old: cst.Call) -> cst.Call:
        *others, last = old.args
        comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        return old.with_changes(
            args=[*others, last.with_changes(comma=comma), made.args[0].with_changes(comma=last.comma)]
        )

    return change
