"""The harness model: what source, prompts and configuration say without being run."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field

from .anchors import Anchor
from .document import Document, JsonValue
from .rows import Rows, WrittenAsTuple
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
        elements: in order of path and line. Made when they are asked for: `of_role`, `at` and `in_function` make few.
        calls: call edges, those of one caller together. `calls_of` makes few.
    """

    root: str
    files: tuple[SourceFile, ...] = ()
    elements: Annotated[Sequence[Element], WrittenAsTuple()] = ()
    calls: Annotated[Sequence[CallEdge], WrittenAsTuple()] = ()

    def of_role(self, *roles: ElementRole) -> Iterator[Element]:
        """Elements with one of these roles, in order of path and line."""
        for role in roles:
            yield from self._elements.where("role", role)

    def at(self, path: str, line: int) -> list[Element]:
        """Elements of `path` whose lines hold `line`, innermost (shortest) first."""
        around = [e for e in self.in_file(path) if e.anchor.start_line <= line <= e.anchor.end_line]
        return sorted(around, key=lambda e: e.anchor.end_line - e.anchor.start_line)

    def in_file(self, path: str) -> Sequence[Element]:
        """Elements of `path`, in order of line."""
        return self._elements.where("path", path)

    def in_function(self, path: str, qualname: str, *roles: ElementRole) -> list[Element]:
        """Elements of `path` in or below the function or class `qualname`, of these roles (all when none given)."""
        return [
            e
            for e in self.in_file(path)
            if (e.anchor.qualname == qualname or e.anchor.qualname.startswith(qualname + "."))
            and (not roles or e.role in roles)
        ]

    def function(self, path: str, qualname: str) -> Element | None:
        """The function or method of that name in `path`, or None."""
        if path not in self._functions:
            functions = [e for e in self.in_file(path) if e.role is ElementRole.FUNCTION]
            self._functions[path] = {e.anchor.qualname: e for e in functions}
        return self._functions[path].get(qualname)

    def calls_of(self, caller: str) -> list[CallEdge]:
        """Calls that a function (`path:qualname`) makes, in order of line."""
        return [call for call in self.calls_in(caller.partition(":")[0]) if call.caller == caller]

    def calls_in(self, path: str) -> Sequence[CallEdge]:
        """Calls in a file, those of one caller together."""
        return self._calls.where("path", path)

    def calls_named(self, *names: str) -> list[CallEdge]:
        """Calls of what bears one of these names, in order: `run` is the name of `self.runner.run`."""
        return self._calls.where_any("name", names)

    @cached_property
    def callees(self) -> dict[str, list[str]]:
        """`path:qualname` of a function to those of the functions of the harness that it calls."""
        found: dict[str, list[str]] = {}
        for caller, called in zip(self._calls.column("caller"), self._calls.column("resolved")):
            if called:
                found.setdefault(str(caller), []).append(str(called))
        return found

    @cached_property
    def callers(self) -> dict[str, list[str]]:
        """`path:qualname` of a function to those of the functions of the harness that call it."""
        found: dict[str, list[str]] = {}
        for caller, called in zip(self._calls.column("caller"), self._calls.column("resolved")):
            if called:
                found.setdefault(str(called), []).append(str(caller))
        return found

    @cached_property
    def called(self) -> dict[str, list[tuple[str, str]]]:
        """`path:qualname` of a function to what it calls: the last part of the name, and the function, if known."""
        found: dict[str, list[tuple[str, str]]] = {}
        columns = (self._calls.column(name) for name in ("caller", "name", "resolved"))
        for caller, name, called in zip(*columns):
            found.setdefault(str(caller), []).append((str(name), str(called or "")))
        return found

    @cached_property
    def times_called(self) -> Counter[str]:
        """How many calls in the harness are of something with this name: `run` is the name of `self.runner.run`."""
        return Counter(map(str, self._calls.column("name")))

    def __getstate__(self) -> dict[Any, Any]:
        # What was looked up so far is looked up anew where the model is sent to: rows arrive there as documents.
        state = super().__getstate__()
        return {**state, "__dict__": {name: state["__dict__"][name] for name in type(self).model_fields}}

    @cached_property
    def _functions(self) -> dict[str, dict[str, Element]]:
        return {}

    @cached_property
    def _elements(self) -> Rows[Element]:
        return self.elements if isinstance(self.elements, Rows) else Rows.of(self.elements, ELEMENT_COLUMNS)

    @cached_property
    def _calls(self) -> Rows[CallEdge]:
        return self.calls if isinstance(self.calls, Rows) else Rows.of(self.calls, CALL_COLUMNS)


ELEMENT_COLUMNS: dict[str, Callable[[Element], Hashable]] = {"role": lambda e: e.role, "path": lambda e: e.anchor.path}
CALL_COLUMNS: dict[str, Callable[[CallEdge], Hashable]] = {
    "path": lambda call: call.caller.partition(":")[0],
    "name": lambda call: call.callee.rpartition(".")[2],
    "caller": lambda call: call.caller,
    "resolved": lambda call: call.resolved,
}
