"""declare-dependency: what is imported is declared."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.config import ConfigFile, with_value
from harnessfix_repairs.editing.operator import source_of

from .base import EditExample, Operator, Refusal

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_SPECIFIER = re.compile(r"\s*((===|==|~=|!=|<=|>=|<|>)\s*[\w.*+!-]+\s*(,\s*|$))*")

_PROJECT = """\
[project]
name = "agent"
dependencies = [
    "httpx>=0.27",
    "pydantic>=2",  # models
]
"""
_SHORT = '[project]\nname = "agent"\ndependencies = ["httpx"]  # few\n'
_REQUIREMENTS = "# what it needs\nhttpx>=0.27\n"


class DeclareDependency(Operator):
    """Adds a distribution to `project.dependencies` of a pyproject.toml, or a line to a requirements file.

    Anchor: the list `project.dependencies`, or any line of the requirements file.

    Parameters:
        name: of the distribution (`ruamel.yaml`); without it the edit is refused, as a module's name need not be that.
        specifier: versions that will do (`>=0.18,<0.20`); any by default.
    """

    name = "declare-dependency"
    summary = "Declare a dependency that is imported."
    safety = Safety.SAFE
    fix_safety = (
        "Only a declaration is added, which nothing reads before the next installation. Look whether the name is "
        "that of the distribution which provides the module: anybody can publish under a free name."
    )
    examples = (
        EditExample(
            _PROJECT,
            _PROJECT.replace("  # models\n", '  # models\n    "ruamel.yaml>=0.18",\n'),
            path="pyproject.toml",
            qualname="project.dependencies",
            line=3,
            end_line=6,
            parameters={"name": "ruamel.yaml", "specifier": ">=0.18"},
        ),
        EditExample(
            _SHORT,
            _SHORT.replace('"httpx"', '"httpx", "tenacity"'),
            path="pyproject.toml",
            qualname="project.dependencies",
            line=3,
            parameters={"name": "tenacity"},
        ),
        EditExample(
            _REQUIREMENTS,
            _REQUIREMENTS + "tenacity\n",
            path="requirements.txt",
            line=2,
            parameters={"name": "tenacity"},
        ),
        EditExample(_REQUIREMENTS, "", path="requirements.txt", line=2),
        EditExample(_REQUIREMENTS, "", path="requirements.txt", line=2, parameters={"name": "-r /etc/passwd"}),
        EditExample(_SHORT, "", path="setup.cfg", line=2, parameters={"name": "tenacity"}),
    )

    def edit(self, files: Mapping[str, str], anchor: Anchor, spec: RepairSpec) -> dict[str, str]:
        """Declare the dependency where the anchor stands."""
        before = source_of(files, anchor)
        name, specifier = parameters.text(spec, "name"), parameters.text(spec, "specifier")
        if not name:
            raise Refusal("which distribution provides the module is not known; give it with the parameter 'name'")
        if not _NAME.fullmatch(name) or not _SPECIFIER.fullmatch(specifier):
            raise Refusal(f"{name[:40]!r} with {specifier[:40]!r} is not a distribution that can be declared")
        wanted = f"{name}{specifier.strip()}"
        file = PurePosixPath(anchor.path)
        if file.name == "pyproject.toml":
            after = _project(ConfigFile(anchor.path, before), name, wanted)
        elif re.fullmatch(r"requirements[\w-]*\.(txt|in)", file.name):
            newline = "\r\n" if "\r\n" in before else "\n"
            declared = any(_canonical(line) == _canonical(name) for line in before.splitlines())
            start = before if not before or before.endswith("\n") else before + newline
            after = before if declared else f"{start}{wanted}{newline}"
        else:
            raise Refusal(f"{anchor.path} is neither a pyproject.toml nor a requirements file")
        return {} if after == before else {anchor.path: after}


def _canonical(requirement: str) -> str:
    match = _NAME.match(requirement.strip())
    return re.sub(r"[-_.]+", "-", match.group()).lower() if match else ""


def _project(file: ConfigFile, name: str, wanted: str) -> str:
    entry = file.entry("project.dependencies")
    if not isinstance(entry.data, list):
        raise Refusal(f"{file.path}: project.dependencies is no list")
    if any(_canonical(str(one)) == _canonical(name) for one in entry.data):
        return file.text
    start, end = entry.value
    raw = file.text[start:end]
    expected = with_value(file.data, entry.path, [*entry.data, wanted])
    newline = "\r\n" if "\r\n" in raw else "\n"
    lines = raw.splitlines()
    if len(lines) == 1:
        inside = raw[1:-1].rstrip().rstrip(",")
        return file.spliced(start, end, f'[{inside}{", " if inside.strip() else ""}"{wanted}"]', expected)
    *items, last = lines
    margin = re.match(r"\s*", items[1] if len(items) > 1 else "    ")
    final = items[-1]
    code, hash_, comment = _split_comment(final)
    if len(items) > 1 and code.strip() and not code.rstrip().endswith(","):
        final = code.rstrip() + "," + (code[len(code.rstrip()) :] + hash_ + comment if hash_ else "")
    added = [*items[:-1], final, f'{margin.group() if margin else "    "}"{wanted}",', last]
    return file.spliced(start, end, newline.join(added), expected)


def _split_comment(line: str) -> tuple[str, str, str]:
    """A line of an array, split at a comment; a `#` inside quotes is none."""
    quote = ""
    for at, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#":
            return line[:at], "#", line[at + 1 :]
    return line, "", ""
