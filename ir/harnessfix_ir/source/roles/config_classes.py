"""Classes that configuration is loaded into."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, lines_of

CONFIG_CLASS = re.compile(
    r"(Config|Configuration|Settings|Options|Opts|Params|Parameters|Preferences|Limits|Args|Arguments|Spec)\d*$"
)
_DATACLASS = frozenset(("dataclass", "define", "frozen", "s", "attrs", "mutable"))
_MODELS = frozenset(("BaseModel", "BaseSettings", "RootModel", "SQLModel"))
_MAPPINGS = frozenset(("TypedDict", "NamedTuple"))


class ConfigClasses(Role):
    """One element per class with declared fields that is named like configuration; linking adds those that a
    configuration file reaches."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.classes:
            extra = unknown_keys(scope)
            fields = field_names(scope)
            if CONFIG_CLASS.search(scope.name) and fields:
                assert isinstance(scope.node, ast.ClassDef)
                draft = Draft(
                    ElementRole.CONFIG_CLASS, scope.name, scope.qualname, *lines_of(scope.node), AnchorKind.CLASS
                )
                draft.add("fields", [*fields])
                draft.note("extra", extra)
                yield draft


def field_names(scope: Scope) -> list[str]:
    """Declared fields: annotated names and plain assignments of a class body."""
    names = [n.target.id for n in scope.of(ast.AnnAssign) if isinstance(n.target, ast.Name)]
    names += [t.id for n in scope.of(ast.Assign) for t in n.targets if isinstance(t, ast.Name)]
    return [n for n in dict.fromkeys(names) if not n.startswith("_") and n != "model_config"]


def unknown_keys(scope: Scope) -> str:
    """What a class does with undeclared keys: `error`, `forbid`, `ignore` or `allow`; empty when that is not known."""
    assert isinstance(scope.node, ast.ClassDef)
    around = scope.parent or scope
    decorators = {last(dotted(d, around).removesuffix("()")) for d in scope.node.decorator_list}
    bases = {last(dotted(b, around).removesuffix("[]")) for b in scope.node.bases}
    said = said_extra(scope)
    if said:
        return said
    if decorators & _DATACLASS or bases & {"NamedTuple"}:
        return "error"
    if bases & _MODELS:
        return "ignore"
    return "allow" if bases & _MAPPINGS else ""


def said_extra(scope: Scope) -> str:
    """The value of `extra` where a pydantic class says it."""
    assert isinstance(scope.node, ast.ClassDef)
    for given in scope.node.keywords:
        if given.arg == "extra" and isinstance(given.value, ast.Constant):
            return str(given.value.value)
    candidates: list[ast.AST] = [a.value for a in scope.assignments if isinstance(a.value, (ast.Call, ast.Dict))]
    candidates += [child.node for child in scope.children if child.is_class and child.name == "Config"]
    for candidate in candidates:
        for node in walk(candidate):
            value: ast.AST | None = None
            if (isinstance(node, ast.keyword) and node.arg == "extra") or (
                isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "extra" for t in node.targets)
            ):
                value = node.value
            elif isinstance(node, ast.Dict):
                pairs = {k.value: v for k, v in zip(node.keys, node.values) if isinstance(k, ast.Constant)}
                value = pairs.get("extra")
            if isinstance(value, ast.Constant) and value.value in ("forbid", "ignore", "allow"):
                return str(value.value)
            if isinstance(value, ast.Attribute) and value.attr in ("forbid", "ignore", "allow"):
                return value.attr
    return ""
