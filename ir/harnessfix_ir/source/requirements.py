"""Declared dependencies in `pyproject.toml` and requirements files."""

import re
from collections.abc import Iterator

from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .facts import Draft
from .settings_files import Entry

REQUIREMENTS = re.compile(r"(^|/)(requirements[\w.-]*|constraints[\w.-]*)\.(txt|in)$")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?")
_LISTS = re.compile(r"^(project\.dependencies|project\.optional-dependencies\.[^.]+|dependency-groups\.[^.]+)\.\d+$")
_TABLES = re.compile(r"^tool\.poetry\.(dependencies|dev-dependencies|group\.[^.]+\.dependencies)\.([^.]+)$")


def normal(name: str) -> str:
    """Name of a distribution as the packaging rules compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def from_requirements(text: str) -> Iterator[Draft]:
    """One element per requirement line."""
    for number, line in enumerate(text.split("\n"), 1):
        spec = line.partition("#")[0].strip()
        match = _NAME.match(spec) if spec and not spec.startswith("-") else None
        if match:
            yield _draft(match[1], spec, "<module>", number, number)


def from_pyproject(entries: list[Entry], text: str) -> Iterator[Draft]:
    """One element per declared dependency of a `pyproject.toml`."""
    lines = text.split("\n")
    for entry in entries:
        table = _TABLES.match(entry.path)
        if table and table[2] != "python":
            yield _draft(table[2], str(entry.value or table[2]), entry.path, entry.start, entry.end)
        elif _LISTS.match(entry.path) and isinstance(entry.value, str) and (match := _NAME.match(entry.value)):
            line = _line_of(entry.value, lines, entry)
            yield _draft(match[1], entry.value, entry.path.rpartition(".")[0], line, line)


def _line_of(spec: str, lines: list[str], entry: Entry) -> int:
    for number in range(entry.start, min(entry.end, len(lines)) + 1):
        if spec in lines[number - 1]:
            return number
    return entry.start


def _draft(name: str, spec: str, qualname: str, start: int, end: int) -> Draft:
    draft = Draft(ElementRole.DEPENDENCY, normal(name), qualname, start, end, AnchorKind.DEPENDENCY)
    return draft.add("declared", spec)
