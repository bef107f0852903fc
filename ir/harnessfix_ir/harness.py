"""The harness model: what source, prompts and configuration say without being run."""

from collections.abc import Iterator
from functools import cached_property

from pydantic import Field

from .anchors import Anchor
from .document import Document, JsonValue
from .vocabulary import ElementRole, Evidence, Layer


class Fact(Document):
    """One thing that is known of an element.

    Args:
        name: the fact, in kebab case (`no-timeout`, `swallows`, `head-only`); catalogue in `docs/facts.md`.
        value: its value, True for plain facts.
        line: where it can be seen, counted from 1; 0 for the element's own first line.
        evidence: rung of the ladder.
    """

    name: str
    value: JsonValue = True
    line: int = 0
    evidence: Evidence = Evidence.OBSERVED


class Element(Document):
    """A part of the harness that has a role.

    Args:
        id: `role:path:qualname`, with `#n` for the n-th of its kind in one function.
        role, layer: what it does and on which layer.
        name: short name for people (`TimeoutExpired` for a handler of that class).
        anchor: where it is.
        facts: what is known of it.
        text: for prompts and literals, the whole text.
    """

    id: str
    role: ElementRole
    layer: Layer
    name: str
    anchor: Anchor
    facts: tuple[Fact, ...] = ()
    text: str = ""

    def fact(self, name: str) -> Fact | None:
        """The first fact of that name, or None."""
        return next((fact for fact in self.facts if fact.name == name), None)

    def value(self, name: str) -> JsonValue:
        """Value of the first fact of that name, None without one."""
        found = self.fact(name)
        return None if found is None else found.value


class CallEdge(Document):
    """A call inside the harness, as written: `caller` is `path:qualname`, `callee` the dotted name in the source.

    `resolved` is the callee's `path:qualname` where the name leads to a function of the harness, else empty.
    """

    caller: str
    callee: str
    line: int
    resolved: str = ""


class SourceFile(Document):
    """A file of the harness.

    Args:
        path: relative to the root, forward slashes.
        sha256: of its bytes, hex.
        language: `python`, `yaml`, `toml`, `json`, `text`.
        lines: number of lines.
        error: why it could not be read, empty when it was; the file is then skipped.
        base: absolute folder that the path is relative to where that is not the model's root, else empty.
    """

    path: str
    sha256: str
    language: str = "python"
    lines: int = 0
    error: str = ""
    suppressions: dict[str, list[str]] = Field(default_factory=dict)
    base: str = ""


class HarnessModel(Document):
    """Elements, call edges and files of one harness.

    Args:
        root: absolute folder that all paths are relative to.
        files: every file that was read or could not be.
        elements: in order of path and line.
        calls: call edges.
    """

    root: str
    files: tuple[SourceFile, ...] = ()
    elements: tuple[Element, ...] = ()
    calls: tuple[CallEdge, ...] = ()

    def of_role(self, *roles: ElementRole) -> Iterator[Element]:
        """Elements with one of these roles, in order of path and line."""
        for role in roles:
            yield from self._by_role.get(role, ())

    def at(self, path: str, line: int) -> list[Element]:
        """Elements of `path` whose lines hold `line`, innermost (shortest) first."""
        around = [e for e in self._by_path.get(path, ()) if e.anchor.start_line <= line <= e.anchor.end_line]
        return sorted(around, key=lambda e: e.anchor.end_line - e.anchor.start_line)

    def in_function(self, path: str, qualname: str, *roles: ElementRole) -> list[Element]:
        """Elements of `path` in or below the function or class `qualname`, of these roles (all when none given)."""
        return [
            e
            for e in self._by_path.get(path, ())
            if (e.anchor.qualname == qualname or e.anchor.qualname.startswith(qualname + "."))
            and (not roles or e.role in roles)
        ]

    def function(self, path: str, qualname: str) -> Element | None:
        """The function or method of that name in `path`, or None."""
        return self._functions.get((path, qualname))

    @cached_property
    def _by_role(self) -> dict[ElementRole, list[Element]]:
        index: dict[ElementRole, list[Element]] = {}
        for element in self.elements:
            index.setdefault(element.role, []).append(element)
        return index

    @cached_property
    def _by_path(self) -> dict[str, list[Element]]:
        index: dict[str, list[Element]] = {}
        for element in self.elements:
            index.setdefault(element.anchor.path, []).append(element)
        return index

    @cached_property
    def _functions(self) -> dict[tuple[str, str], Element]:
        return {(e.anchor.path, e.anchor.qualname): e for e in self.elements if e.role is ElementRole.FUNCTION}
