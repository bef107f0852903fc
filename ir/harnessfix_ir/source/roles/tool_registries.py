"""Collections and declarations of tools, and the places where one is looked up by the name the model gave."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, last, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, at_node
from .tools import schema_properties


class ToolSchemas(Role):
    """Literals that declare tools to the model: dictionaries with a name and parameters, and lists of them."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, node in file.all(ast.Dict):
            declared = _schema(node)
            if declared is None:
                continue
            name, properties = declared
            draft = at_node(ElementRole.TOOL_REGISTRY, scope, node, AnchorKind.TOOL_SCHEMA, name)
            draft.add("tools", [name]).add("schema")
            draft.add("described-params", [*properties])
            yield draft


def _schema(node: ast.Dict) -> tuple[str, list[str]] | None:
    """Name and property names of `{"name": …, "parameters" | "input_schema": {…}}`."""
    keys = {text_of(k): v for k, v in zip(node.keys, node.values) if k is not None}
    name = text_of(keys.get("name"))
    schema = keys.get("parameters") or keys.get("input_schema") or keys.get("inputSchema")
    if name is None or not isinstance(schema, ast.Dict):
        return None
    if "description" not in keys and "properties" not in {text_of(k) for k in schema.keys}:
        return None
    return name, schema_properties(schema)


class ToolRegistries(Role):
    """Dictionaries and lists of tools, and the places where a tool is looked up by the name the model gave."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        typed = bool(_COMMAND_LINES & file.modules)
        declared = {known[0] for _, node in file.all(ast.Dict) if typed and (known := _schema(node)) is not None}
        for scope in file.scopes:
            for node in scope.assignments:
                draft = _collection(node, scope)
                if draft is None or (typed and _OF_COMMANDS.match(draft.name) and declared.isdisjoint(_names(draft))):
                    continue
                yield draft
        for scope, call in file.all(ast.Call):
            for given in call.keywords:
                if given.arg in ("tools", "functions") and isinstance(given.value, (ast.List, ast.Tuple)):
                    members = [(last(m), m) for item in given.value.elts if (m := _member(item, scope))]
                    if members:
                        yield _registered(
                            at_node(ElementRole.TOOL_REGISTRY, scope, given.value, AnchorKind.LITERAL, given.arg),
                            members,
                            "list",
                        )
        for scope in file.scopes:
            yield from _lookups(scope, file)


_COLLECTION_NAME = re.compile(
    r"(^|[._])(\w*tools?(_map|_registry|_functions|s_by_name|_by_name)?|TOOLS?\w*|\w*_TOOLS|actions?|"
    r"available_functions|functions|handlers|commands|registry|skills|dispatch(_table)?|COMMANDS|ACTIONS|FUNCTIONS|HANDLERS)$"
)


# What a person types on a command line is looked up like this, too, and is no tool of a model.
_OF_COMMANDS = re.compile(r"(?!\w*tool)(\w*_)?(handlers|commands|dispatch(_table)?|actions)$", re.IGNORECASE)
_COMMAND_LINES = frozenset(("argparse", "click", "typer"))


def _names(registry: Draft) -> list[str]:
    told = registry.get("tools")
    return [str(name) for name in told] if isinstance(told, list) else []


def _collection(node: ast.Assign | ast.AnnAssign, scope: Scope) -> Draft | None:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    name = dotted(target, scope)
    if not _COLLECTION_NAME.search(name) or node.value is None:
        return None
    members: list[tuple[str, str]] = []
    if isinstance(node.value, ast.Dict):
        for key, value in zip(node.value.keys, node.value.values):
            text, target_name = text_of(key), _member(value, scope)
            if text and target_name:
                members.append((text, target_name))
    elif isinstance(node.value, (ast.List, ast.Tuple)):
        members = [(last(m), m) for item in node.value.elts if (m := _member(item, scope))]
    if not members:
        return None
    draft = at_node(ElementRole.TOOL_REGISTRY, scope, node, AnchorKind.LITERAL, last(name))
    return _registered(draft, members, "dict" if isinstance(node.value, ast.Dict) else "list")


def _registered(draft: Draft, members: list[tuple[str, str]], kind: str) -> Draft:
    draft.add("tools", [text for text, _ in members])
    draft.add("members", [[text, member] for text, member in members])
    return draft.add("collection", kind)


def _member(node: ast.expr, scope: Scope) -> str:
    """Dotted name of a function or object in a registry; a dictionary's `function` or `handler` entry counts, and what
    a `lambda` calls."""
    if isinstance(node, ast.Lambda):
        return dotted(node.body.func, scope) if isinstance(node.body, ast.Call) else ""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values):
            if text_of(key) in ("function", "func", "handler", "callable", "fn", "implementation"):
                return _member(value, scope)
        return ""
    if isinstance(node, (ast.Name, ast.Attribute)):
        return dotted(node, scope)
    if isinstance(node, ast.Call):
        return dotted(node, scope)
    return ""


_MODEL_CHOICE = re.compile(r"(name|tool|action|function|command|fn|call)", re.IGNORECASE)


def _lookups(scope: Scope, file: FileContext) -> Iterator[Draft]:
    """`TOOLS[name]`, `tools.get(name)`, `getattr(self, f"tool_{name}")`."""
    seen: set[int] = set()
    for node in scope.of(ast.Subscript):
        receiver = dotted(node.value, scope)
        if (
            isinstance(node.ctx, ast.Load)
            and _COLLECTION_NAME.search(receiver)
            and re.search(r"tool|action|function|handler|command|registry|skill", receiver, re.IGNORECASE)
            and not isinstance(node.slice, (ast.Slice, ast.Constant, ast.UnaryOp))
            and _MODEL_CHOICE.search(file.segment(node.slice))
            and node.lineno not in seen
        ):
            seen.add(node.lineno)
            yield _lookup(node, "subscript", receiver, scope, file)
    for call in scope.of(ast.Call):
        name = callee(call, scope)
        receiver, _, method = name.rpartition(".")
        if method == "get" and call.args and _COLLECTION_NAME.search(receiver) and text_of(call.args[0]) is None:
            # Events have handlers too: what is looked up must then be named like a tool.
            named = receiver if "handler" not in receiver.lower() else file.segment(call.args[0])
            if re.search(r"tool|action|function|command|call", named, re.IGNORECASE):
                yield _lookup(call, "get", receiver, scope, file)
        elif name == "getattr" and len(call.args) >= 2 and isinstance(call.args[1], (ast.JoinedStr, ast.BinOp)):
            prefix = _prefix(call.args[1])
            if prefix and _DISPATCH_PREFIX.search(prefix) and not _is_screen(scope):
                yield _lookup(call, "getattr", file.segment(call.args[0]), scope, file).add("prefix", prefix)


_DISPATCH_PREFIX = re.compile(r"tool|action|cmd|command|^_?do_|^_?run_|handle|exec")


def _is_screen(scope: Scope) -> bool:
    """Whether the function belongs to a terminal or web interface, where `action_…` answers keys and not a model."""
    around: Scope | None = scope
    while around is not None:
        if isinstance(around.node, ast.ClassDef):
            bases = {last(dotted(b, around).removesuffix("[]")) for b in around.node.bases}
            if bases & {"App", "Screen", "Widget", "Static", "Container", "ModalScreen", "Cmd"}:
                return True
        around = around.parent
    return False


def _prefix(node: ast.expr) -> str:
    """The fixed beginning of a method name made at run time."""
    if isinstance(node, ast.JoinedStr) and node.values:
        return text_of(node.values[0]) or ""
    if isinstance(node, ast.BinOp):
        return text_of(node.left) or ""
    return ""


def _lookup(node: ast.Subscript | ast.Call, how: str, receiver: str, scope: Scope, file: FileContext) -> Draft:
    draft = at_node(ElementRole.TOOL_REGISTRY, scope, node, AnchorKind.CALL, receiver)
    draft.add("lookup", how).add("collection-name", receiver)
    draft.note("handles-miss", _handles_miss(node, how, receiver, scope, file))
    return draft


def _handles_miss(node: ast.Subscript | ast.Call, how: str, receiver: str, scope: Scope, file: FileContext) -> bool:
    inner: ast.AST = node
    for around in file.ancestors(node):
        if isinstance(around, (ast.Try, ast.TryStar)) and inner in around.body:
            return True
        inner = around
    if how == "getattr" and isinstance(node, ast.Call) and len(node.args) > 2:
        return True
    key = file.segment(node.slice if isinstance(node, ast.Subscript) else node.args[-1 if how == "get" else 1])
    for compare in scope.of(ast.Compare):
        if any(isinstance(op, (ast.In, ast.NotIn)) for op in compare.ops):
            sides = {file.segment(compare.left), *(file.segment(c) for c in compare.comparators)}
            if key in sides or any(receiver in side for side in sides):
                return True
    if how == "get" and isinstance(node, ast.Call):
        if len(node.args) > 1:
            return True
        return _tested(node, scope, file)
    return any(last(callee(c, scope)) == "hasattr" for c in scope.of(ast.Call)) if how == "getattr" else False


def _tested(node: ast.Call, scope: Scope, file: FileContext) -> bool:
    """Whether the name bound to the looked-up tool is tested somewhere in the function."""
    parent = file.parents.get(node)
    if not isinstance(parent, (ast.Assign, ast.NamedExpr)):
        return False
    target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
    if not isinstance(target, ast.Name):
        return False
    return any(isinstance(n, ast.Name) and n.id == target.id for test in scope.tests for n in walk(test))
