"""One Python file to its facts: parse once, ask every role, and gather what linking needs."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from harnessfix_ir.plugins import discover

from . import roles
from .expressions import callee, defaults_of, dotted, is_stub, own_attribute, words_in
from .facts import Call, ClassFacts, FileFacts, FunctionFacts
from .files import hash_lines
from .roles.base import Role
from .roles.config_classes import unknown_keys
from .roles.context_builders import appends_messages
from .roles.handlers import caught_types
from .roles.loops import exit_statements, is_limit_test
from .roles.model_calls import model_shape, reads_of_reply
from .roles.tools import destructive
from .scopes import FileContext, Scope, all_arguments, targets_of
from .uses import uses_of
from .words import RUN_LIMIT

_SUPPRESSION = re.compile(r"#\s*harnessfix:\s*ignore(?:\[([^\]]*)\])?", re.IGNORECASE)


@cache
def role_finders() -> tuple[Role, ...]:
    """Every role finder, third parties' included, in a fixed order."""
    found = [kind() for kind in discover(roles, Role, "harnessfix.roles")]
    return tuple(sorted(found, key=lambda role: (type(role).__module__, type(role).__name__)))


def extract(facts: FileFacts, text: str, lines: list[bytes]) -> None:
    """Fill `facts` from the text of a Python file.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: when the text cannot be parsed.
    """
    file = FileContext(facts.path, facts.module, text)
    try:
        _extract(file, facts, lines)
    finally:
        file.close()


def _extract(file: FileContext, facts: FileFacts, lines: list[bytes]) -> None:
    facts.suppressions = suppressions(file)
    for role in role_finders():
        facts.drafts.extend(role.find(file))
    facts.drafts.sort(key=lambda d: (d.start, d.end, d.role.value))
    facts.hashes = {f"{d.start}-{d.end}": "" for d in facts.drafts}
    for key in facts.hashes:
        start, end = key.split("-")
        facts.hashes[key] = hash_lines(lines, int(start), int(end))
    facts.imports = dict(file.root.imports)
    facts.values = dict(_values(file))
    facts.classes = [_class(scope) for scope in file.classes]
    facts.functions = [_function(scope, file) for scope in file.functions]
    facts.calls = [call for scope in file.scopes for call in _calls(scope, file)]
    facts.uses = [*uses_of(file)]


def suppressions(file: FileContext) -> dict[str, list[str]]:
    """`# harnessfix: ignore[C101] why` comments: line number to rule codes, `*` for all."""
    if "harnessfix:" not in file.text.lower():
        return {}
    found: dict[str, list[str]] = {}
    for number, line in enumerate(file.lines, 1):
        match = _SUPPRESSION.search(line)
        if match:
            codes = [code.strip().upper() for code in (match[1] or "").split(",") if code.strip()]
            found[str(number)] = codes or ["*"]
    return found


def _values(file: FileContext) -> Iterator[tuple[str, str]]:
    for assign in file.root.of(ast.Assign):
        if isinstance(assign.value, ast.Call):
            kind = callee(assign.value, file.root)
            for target in assign.targets:
                if isinstance(target, ast.Name) and kind:
                    yield target.id, kind


def _annotation(node: ast.expr | None, scope: Scope) -> str:
    """Dotted name of the class in an annotation: `X`, `"X"`, `X | None`, `Optional[X]`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return scope.resolve(node.value) if node.value.isidentifier() else ""
    if isinstance(node, ast.BinOp):
        left = _annotation(node.left, scope)
        return left if left and left != "None" else _annotation(node.right, scope)
    if isinstance(node, ast.Subscript):
        return _annotation(node.slice, scope) if dotted(node.value, scope).endswith("Optional") else ""
    return dotted(node, scope) if isinstance(node, (ast.Name, ast.Attribute)) else ""


def _class(scope: Scope) -> ClassFacts:
    assert isinstance(scope.node, ast.ClassDef)
    around = scope.parent or scope
    found = ClassFacts(
        scope.qualname,
        [name for base in scope.node.bases if (name := dotted(base, around).removesuffix("[]"))],
        [method.name for method in scope.methods],
        decorators=[name for d in scope.node.decorator_list if (name := dotted(d, around).removesuffix("()"))],
    )
    for node in scope.of(ast.AnnAssign):
        if isinstance(node.target, ast.Name):
            kind = _annotation(node.annotation, scope)
            found.fields[node.target.id] = [_source(node.annotation), node.lineno, _source(node.value)]
            if kind:
                found.attributes[node.target.id] = kind
    for plain in scope.of(ast.Assign):
        for target in plain.targets:
            if isinstance(target, ast.Name) and target.id != "model_config" and not target.id.startswith("__"):
                found.fields.setdefault(target.id, ["", plain.lineno, _source(plain.value)])
    found.extra = unknown_keys(scope)
    for child in scope.children:
        if child.is_function:
            found.attributes.update(_attributes(child))
    return found


def _source(node: ast.expr | None) -> str:
    if node is None:
        return ""
    if isinstance(node, ast.Constant):
        return repr(node.value)[:80]
    if isinstance(node, ast.Name):
        return node.id
    try:
        return ast.unparse(node)[:80]
    except (RecursionError, ValueError):
        return "…"


def _attributes(method: Scope) -> Iterator[tuple[str, str]]:
    """`self.x` to the dotted class that it is made of or annotated with."""
    annotations = {a.arg: _annotation(a.annotation, method) for a in all_arguments(method.function.args)}
    for node in method.assignments:
        for target in targets_of(node):
            name = own_attribute(target)
            if name:
                kind = _annotation(node.annotation, method) if isinstance(node, ast.AnnAssign) else ""
                value = node.value
                if isinstance(value, ast.BoolOp):
                    value = value.values[-1]
                if not kind and isinstance(value, ast.Call):
                    kind = callee(value, method)
                    kind = annotations.get(kind, kind)
                elif not kind and isinstance(value, ast.Name):
                    kind = annotations.get(value.id, "")
                if kind:
                    yield name, kind


def _function(scope: Scope, file: FileContext) -> FunctionFacts:
    function = scope.function
    annotations = {
        a.arg: kind
        for a in all_arguments(function.args)
        if (kind := _annotation(a.annotation, scope)) and a.arg != "self"
    }
    owner = scope.owner.qualname if scope.owner is not None else ""
    found = FunctionFacts(scope.qualname, owner, scope.params, is_stub(function), annotations)
    found.defaults = dict(_named_defaults(scope))
    found.star_keywords = function.args.kwarg is not None
    if found.abstract and model_shape(scope, file):
        found.traits.append("asks")
    if appends_messages(scope):
        found.traits.append("appends")
    found.traits += _limit_exits(scope)
    if scope.of(ast.Return) and any(node.value is not None for node in scope.of(ast.Return)):
        found.traits.append("returns")
    reason = destructive(scope.name, scope)
    if reason:
        found.traits.append(f"harm:{reason}")
    found.traits.extend(reads_of_reply(scope))
    if any(decorator for decorator in function.decorator_list if dotted(decorator, scope).endswith("property")):
        found.traits.append("property")
    return found


def _named_defaults(scope: Scope) -> Iterator[tuple[str, str]]:
    """Parameters whose default is a name, as `config_class=AgentConfig`."""
    for name, default in defaults_of(scope.function):
        if isinstance(default, (ast.Name, ast.Attribute)):
            yield name, dotted(default, scope.parent or scope)


def _limit_exits(scope: Scope) -> list[str]:
    """What reaching a limit makes the function do: raise (`limits`), or answer that there is no more (`stops`)."""
    found: set[str] = set()
    for node in scope.of(ast.If):
        if is_limit_test(node.test, scope) and any(RUN_LIMIT.search(word) for word in words_in(node.test)):
            for statement in exit_statements(node.body):
                if isinstance(statement, ast.Raise):
                    found.add("limits")
                elif isinstance(statement, ast.Return) and _is_no(statement.value):
                    found.add("stops")
    return sorted(found)


def _is_no(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and not value.value)


def _calls(scope: Scope, file: FileContext) -> Iterator[Call]:
    types = _local_types(scope)
    tries = [
        (
            t.body[0].lineno,
            t.body[-1].end_lineno or 0,
            [n for h in t.handlers for n in caught_types(h, scope) or ["BaseException"]],
        )
        for t in scope.tries
    ]
    for call in scope.of(ast.Call):
        name = callee(call, scope)
        if not name:
            continue
        receiver = ""
        func = call.func
        if isinstance(func, ast.Attribute):
            if isinstance(func.value, ast.Name):
                receiver = types.get(func.value.id, "")
            elif isinstance(func.value, ast.Call) and callee(func.value, scope) == "super":
                receiver = "super()"
            elif isinstance(func.value, ast.Call):
                receiver = callee(func.value, scope)
        first = [text for a in call.args[:2] if (text := _argument(a))] + [f"{k.arg}=" for k in call.keywords if k.arg]
        caught = [kind for start, end, kinds in tries if start <= call.lineno <= end for kind in kinds]
        yield Call(scope.qualname, name, call.lineno, receiver, first, caught, _unused(call, file))


def _unused(call: ast.Call, file: FileContext) -> bool:
    parent = file.parents.get(call)
    if isinstance(parent, ast.Await):
        parent = file.parents.get(parent)
    return isinstance(parent, ast.Expr)


def _argument(node: ast.expr) -> str:
    """A short name of an argument: the variable it is, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _local_types(scope: Scope) -> dict[str, str]:
    """Local names to the dotted class they are made of or annotated with."""
    types: dict[str, str] = {}
    if scope.is_function:
        for given in all_arguments(scope.function.args):
            kind = _annotation(given.annotation, scope)
            if kind:
                types[given.arg] = kind
    made = [(node.targets[0], node.value) for node in scope.of(ast.Assign)]
    opened = [item for node in scope.of(ast.With) for item in node.items]
    opened += [item for node in scope.of(ast.AsyncWith) for item in node.items]
    made += [(item.optional_vars, item.context_expr) for item in opened if item.optional_vars is not None]
    for target, source in made:
        value = source.value if isinstance(source, ast.Await) else source
        if isinstance(value, ast.Call) and isinstance(target, ast.Name):
            kind = callee(value, scope)
            if kind:
                types[target.id] = kind
    return types
