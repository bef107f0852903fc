"""Arguments that a model wrote, parsed and used as an object without a look at whether they are one."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import assigned_value, callee, text_of, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_LOADS = frozenset(("json.loads", "orjson.loads", "ujson.loads", "json5.loads", "json_repair.loads"))
_ARGUMENTS = re.compile(r"^(raw_)?(arguments|tool_args|tool_arguments|tool_input|function_args|raw_args|args_json)$")
_MAPPING = re.compile(r"^(typing\.)?(dict|Dict|Mapping|MutableMapping)\b")
_TEXTS = re.compile(r"argument|args|tool|call|input_json|response|completion|reply|output|answer", re.IGNORECASE)


class UncheckedObject(Role):
    """`args = json.loads(call.function.arguments)` and then `"command" in args`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for node in scope.assignments:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                call = node.value
                if not (isinstance(target, ast.Name) and isinstance(call, ast.Call) and call.args):
                    continue
                if callee(call, scope) not in _LOADS or not _written_by_model(call.args[0], scope):
                    continue
                if _is_checked(target.id, scope):
                    continue
                use = _use(target.id, node.lineno, scope, file)
                if use is not None:
                    draft = hazard("unchecked-object", scope, node).add("name", target.id)
                    yield draft.add("used-at", use.lineno).add("use", file.segment(use, 60))
            yield from _given_back(scope, file)


def _given_back(scope: Scope, file: FileContext) -> Iterator[Draft]:
    """A function that promises a dictionary and returns whatever a text of the model's was read as."""
    promised = scope.function.returns
    kinds = re.sub(r"\[.*\]", "", ast.unparse(promised).strip("\"'")).split("|") if promised is not None else []
    if not kinds or not all(_MAPPING.match(kind.strip()) for kind in kinds if kind.strip() != "None"):
        return
    for node in scope.of(ast.Return):
        for call in walk(node.value) if node.value is not None else ():
            if isinstance(call, ast.Call) and call.args and callee(call, scope) in _LOADS:
                given = call.args[0]
                if (
                    isinstance(given, ast.Name)
                    and given.id in scope.params
                    and _TEXTS.search(f"{scope.name} {given.id}")
                    and not _begins_as_object(given.id, scope)
                ):
                    draft = hazard("unchecked-object", scope, node).add("name", given.id)
                    yield draft.add("used-at", node.lineno).add("use", file.segment(call, 60))
                    return


def _begins_as_object(name: str, scope: Scope) -> bool:
    """Whether the function asks whether the text begins with a brace: what can be read of such a text is an object."""
    return any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "startswith"
        and any(isinstance(n, ast.Name) and n.id == name for n in walk(call.func.value))
        and any(text_of(argument) == "{" for argument in call.args)
        for call in scope.of(ast.Call)
    )


def _written_by_model(node: ast.expr, scope: Scope) -> bool:
    if isinstance(node, ast.Name) and not _ARGUMENTS.match(node.id):
        found = assigned_value(node.id, scope, node.lineno)
        node = found if found is not None else node
    if any(_ARGUMENTS.match(word) for word in words_in(node)):
        return True
    return any(_ARGUMENTS.match(text_of(n) or "") for n in walk(node) if isinstance(n, ast.Constant))


def _is_checked(name: str, scope: Scope) -> bool:
    """Whether the function asks what the value is, or hands it to something that may."""
    for call in scope.of(ast.Call):
        given = [n for value in call.args for n in walk(value) if isinstance(n, ast.Name) and n.id == name]
        if given and callee(call, scope) in ("isinstance", "type"):
            return True
    return any(isinstance(n, ast.Name) and n.id == name for match in scope.of(ast.Match) for n in walk(match.subject))


def _use(name: str, line: int, scope: Scope, file: FileContext) -> ast.expr | None:
    """The first use of the name that only an object takes, outside a `try` that would take what it raises."""
    for node in scope.of(ast.Name):
        if node.id != name or node.lineno < line or not isinstance(node.ctx, ast.Load):
            continue
        around = file.parents.get(node)
        keyed = isinstance(around, ast.Subscript) and around.value is node and text_of(around.slice) is not None
        asked = (
            isinstance(around, ast.Compare)
            and node in around.comparators
            and isinstance(around.ops[0], (ast.In, ast.NotIn))
        )
        spread = isinstance(around, ast.keyword) and around.arg is None
        method = isinstance(around, ast.Attribute) and around.attr in (
            "get",
            "items",
            "keys",
            "pop",
            "values",
            "setdefault",
        )
        if (keyed or asked or spread or method) and not _is_caught(node, file):
            return node if spread else around if isinstance(around, ast.expr) else node
    return None


def _is_caught(node: ast.AST, file: FileContext) -> bool:
    inner: ast.AST = node
    for around in file.ancestors(node):
        if isinstance(around, (ast.Try, ast.TryStar)) and inner in around.body:
            return any(_takes(clause) for clause in around.handlers)
        inner = around
    return False


def _takes(clause: ast.ExceptHandler) -> bool:
    kinds = {n.id for n in walk(clause.type) if isinstance(n, ast.Name)} if clause.type is not None else {"Exception"}
    return bool(kinds & {"Exception", "BaseException", "TypeError", "AttributeError"})
