"""What is known of one file before the files are linked: plain values that survive a trip through JSON."""

import json
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

from harnessfix_ir.document import JsonValue
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence, Layer

LAYERS: dict[ElementRole, Layer] = {
    ElementRole.AGENT_LOOP: Layer.LIFECYCLE,
    ElementRole.MODEL_CALL: Layer.LIFECYCLE,
    ElementRole.TOOL: Layer.TOOL_INTERFACE,
    ElementRole.TOOL_REGISTRY: Layer.TOOL_INTERFACE,
    ElementRole.PARSER: Layer.TOOL_INTERFACE,
    ElementRole.CONTEXT_BUILDER: Layer.CONTEXT,
    ElementRole.MEMORY: Layer.CONTEXT,
    ElementRole.TRUNCATION: Layer.CONTEXT,
    ElementRole.RETRY: Layer.LIFECYCLE,
    ElementRole.HANDLER: Layer.OBSERVABILITY,
    ElementRole.LOOP: Layer.LIFECYCLE,
    ElementRole.RAISE: Layer.OBSERVABILITY,
    ElementRole.SUBPROCESS: Layer.EXECUTION,
    ElementRole.REQUEST: Layer.EXECUTION,
    ElementRole.HOOK: Layer.LIFECYCLE,
    ElementRole.LIMIT: Layer.LIFECYCLE,
    ElementRole.FALLBACK: Layer.LIFECYCLE,
    ElementRole.VERIFIER: Layer.VERIFICATION,
    ElementRole.APPROVAL: Layer.GOVERNANCE,
    ElementRole.SUBMISSION: Layer.VERIFICATION,
    ElementRole.LOGGER: Layer.OBSERVABILITY,
    ElementRole.SECRET: Layer.GOVERNANCE,
    ElementRole.CONFIG_CLASS: Layer.CONTEXT,
    ElementRole.CONFIG_KEY: Layer.CONTEXT,
    ElementRole.PROMPT: Layer.CONTEXT,
    ElementRole.DEPENDENCY: Layer.EXECUTION,
    ElementRole.HAZARD: Layer.LIFECYCLE,
    ElementRole.FUNCTION: Layer.LIFECYCLE,
    ElementRole.CLASS: Layer.LIFECYCLE,
}


@dataclass(slots=True)
class Draft:
    """An element before linking: a role, a place and facts `(name, value, line, evidence)`."""

    role: ElementRole
    name: str
    qualname: str
    start: int
    end: int
    kind: AnchorKind
    facts: list[tuple[str, JsonValue, int, Evidence]] = field(default_factory=list)
    text: str = ""

    def add(self, name: str, value: JsonValue = True, line: int = 0, evidence: Evidence = Evidence.OBSERVED) -> "Draft":
        """Add a fact; returns self so that facts can be chained."""
        self.facts.append((name, value, line, evidence))
        return self

    def note(self, name: str, value: JsonValue, line: int = 0, evidence: Evidence = Evidence.OBSERVED) -> None:
        """Add a fact unless its value is empty, false or None."""
        if value or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            self.facts.append((name, value, line, evidence))

    def get(self, name: str) -> JsonValue:
        """Value of the first fact of that name, None without one."""
        return next((value for fact, value, _, _ in self.facts if fact == name), None)

    def replace(self, name: str, value: JsonValue, evidence: Evidence = Evidence.DERIVED) -> None:
        """Set the one fact of that name, dropping earlier ones; an empty value removes it."""
        self.facts = [fact for fact in self.facts if fact[0] != name]
        self.note(name, value, 0, evidence)

    def as_json(self) -> list[Any]:
        """A JSON list that `from_json` reads back."""
        facts = [[n, v, at, e.value] for n, v, at, e in self.facts]
        return [self.role.value, self.name, self.qualname, self.start, self.end, self.kind.value, facts, self.text]

    @classmethod
    def from_json(cls, row: list[Any]) -> "Draft":
        """The draft that `as_json` wrote."""
        role, name, qualname, start, end, kind, facts, text = row
        return cls(
            ROLES[role],
            name,
            qualname,
            start,
            end,
            KINDS[kind],
            [(n, v, at, EVIDENCE[e]) for n, v, at, e in facts],
            text,
        )


EVIDENCE = {evidence.value: evidence for evidence in Evidence}
ROLES = {role.value: role for role in ElementRole}
KINDS = {kind.value: kind for kind in AnchorKind}


@dataclass(slots=True)
class Call:
    """A call as written: where, the dotted callee with imports resolved, and the receiver's type where it is plain.

    `arguments` holds the names of the first positional arguments and of keywords (`messages=`), `caught` the exception
    types that the function itself catches around the call, `unused` that nothing is done with the result.
    """

    caller: str
    callee: str
    line: int
    receiver: str = ""
    arguments: list[str] = field(default_factory=list)
    caught: list[str] = field(default_factory=list)
    unused: bool = False


@dataclass(slots=True)
class FunctionFacts:
    """What other files need to know of a function; `defaults` holds parameters whose default is a plain name."""

    qualname: str
    owner: str
    params: list[str]
    abstract: bool
    annotations: dict[str, str] = field(default_factory=dict)
    traits: list[str] = field(default_factory=list)
    defaults: dict[str, str] = field(default_factory=dict)
    star_keywords: bool = False


@dataclass(slots=True)
class ClassFacts:
    """What other files need to know of a class.

    `fields` holds name to `[annotation, line, default source]`; `attributes` the dotted types of `self.x`.
    """

    qualname: str
    bases: list[str]
    methods: list[str]
    fields: dict[str, list[Any]] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    decorators: list[str] = field(default_factory=list)
    extra: str = ""


@dataclass(slots=True)
class FileFacts:
    """Everything that one file says on its own.

    Args:
        path, base: path in the model and the folder that it is relative to.
        module: dotted module name, empty for other files than Python.
        sha256, language, lines, error, suppressions: as in `SourceFile`.
        drafts: elements without the facts that linking adds.
        calls, functions, classes, imports, values: what linking works on; `imports` maps module-level names to dotted
            names, `values` module-level names to the dotted class they are made of.
        uses: small lists of `[kind, …]` that say what the code reads (configuration keys, files, templates).
    """

    path: str
    base: str
    module: str
    sha256: str
    language: str
    lines: int
    error: str = ""
    suppressions: dict[str, list[str]] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    functions: list[FunctionFacts] = field(default_factory=list)
    classes: list[ClassFacts] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    uses: list[list[Any]] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)

    def dump(self) -> bytes:
        """JSON of all but `path` and `base`, which depend on the root and not on the file."""
        data = {
            "module": self.module,
            "sha256": self.sha256,
            "language": self.language,
            "lines": self.lines,
            "error": self.error,
            "suppressions": self.suppressions,
            "drafts": [d.as_json() for d in self.drafts],
            "calls": [[c.caller, c.callee, c.line, c.receiver, c.arguments, c.caught, c.unused] for c in self.calls],
            "functions": [
                [f.qualname, f.owner, f.params, f.abstract, f.annotations, f.traits, f.defaults, f.star_keywords]
                for f in self.functions
            ],
            "classes": [
                [c.qualname, c.bases, c.methods, c.fields, c.attributes, c.decorators, c.extra] for c in self.classes
            ],
            "imports": self.imports,
            "values": self.values,
            "uses": self.uses,
            "hashes": self.hashes,
        }
        try:
            return to_json(data, inf_nan_mode="constants")
        except ValueError:  # the quick writer takes no lone surrogates
            return json.dumps(data, separators=(",", ":")).encode()

    @classmethod
    def load(cls, text: bytes, path: str, base: str) -> "FileFacts":
        """The facts that `dump` wrote. Raises `ValueError`, `KeyError` or `TypeError` when `text` is something else."""
        try:
            data = from_json(text, cache_strings="keys")
        except ValueError:  # the quick reader takes no lone surrogates
            data = json.loads(text)
        return cls(
            path,
            base,
            data["module"],
            data["sha256"],
            data["language"],
            data["lines"],
            data["error"],
            data["suppressions"],
            [Draft.from_json(row) for row in data["drafts"]],
            [Call(*row) for row in data["calls"]],
            [FunctionFacts(*row) for row in data["functions"]],
            [ClassFacts(*row) for row in data["classes"]],
            data["imports"],
            data["values"],
            data["uses"],
            data["hashes"],
        )
