"""Functions that build what the model sees: they append to the message list, build it, or render an observation."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, is_stub, last, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import MESSAGES_NAME
from harnessfix_ir.vocabulary import ElementRole

from .base import Role, at_function

_ADDS = frozenset(("append", "extend", "insert", "add_message", "add_messages", "append_message", "add_user_message"))
_RENDERS = re.compile(r"(^|[._])(render|render_async|render_template|format_observation|format_prompt|render_prompt)$")
_OBSERVATION = re.compile(
    r"(observation|format_(output|result|tool|message)|build_(prompt|messages|context)|prepare_messages|"
    r"render_(prompt|template|messages|observation)|to_messages|get_prompt|make_prompt|write_memory)"
)
_TEMPLATE = re.compile(r"template|prompt|observation|message|instruction|system|\.(j2|jinja|md|txt)", re.IGNORECASE)
_ROLES = frozenset(("system", "user", "assistant", "tool", "developer", "function"))


class ContextBuilders(Role):
    """One element per function that builds context."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if is_stub(scope.function):
                continue
            appends = [*_appends(scope)]
            roles = [*_roles(scope)]
            built = [role for role, line in roles if line]
            renders = [*_renders(scope, file)]
            named = _OBSERVATION.search(scope.name) is not None
            if not (appends or renders or (named and (built or _returns_text(scope))) or len(set(built)) > 1):
                continue
            draft = at_function(ElementRole.CONTEXT_BUILDER, scope)
            draft.note("appends", [line for _, line in appends])
            draft.note("appends-role", [*dict.fromkeys(role for role, _ in roles)])
            draft.note("drops", [*_drops(scope, file)])
            draft.note("renders", [*dict.fromkeys(renders)])
            yield draft


def appends_messages(scope: Scope) -> bool:
    """Whether a function adds to a message list."""
    return any(True for _ in _appends(scope))


def _appends(scope: Scope) -> Iterator[tuple[str, int]]:
    for call in scope.of(ast.Call):
        name = callee(call, scope)
        receiver, _, method = name.rpartition(".")
        plain = method in ("append", "extend", "insert") and MESSAGES_NAME.search(receiver.removesuffix("[]"))
        if plain and call.args and isinstance(call.args[-1], (ast.Constant, ast.JoinedStr)):
            continue  # a list of sentences, not of messages
        if (
            plain
            or method.endswith(("add_message", "add_messages", "append_message"))
            or name in ("add_message", "add_messages")
        ):
            yield receiver, call.lineno
    for node in scope.of(ast.AugAssign):
        name = dotted(node.target, scope)
        if isinstance(node.op, ast.Add) and MESSAGES_NAME.search(name):
            yield name, node.lineno


def _roles(scope: Scope) -> Iterator[tuple[str, int]]:
    """Roles of messages made here: `{"role": …}` literals, `role=…`, and the first argument of `add_message`."""
    for node in scope.of(ast.Dict):
        for key, value in zip(node.keys, node.values):
            if text_of(key) == "role":
                yield text_of(value) or "?", node.lineno
    for call in scope.of(ast.Call):
        for given in call.keywords:
            if given.arg == "role" and text_of(given.value) in _ROLES:
                yield text_of(given.value) or "?", call.lineno
        method = last(callee(call, scope))
        if method.endswith(("add_message", "append_message")) and call.args and text_of(call.args[0]) in _ROLES:
            yield text_of(call.args[0]) or "?", call.lineno
        kind = re.fullmatch(r"(System|User|Human|Assistant|AI|Tool|Developer)Message", method)
        if kind:
            yield {"Human": "user", "AI": "assistant"}.get(kind[1], kind[1].lower()), call.lineno


def _renders(scope: Scope, file: FileContext) -> Iterator[str]:
    for call in scope.of(ast.Call):
        name = callee(call, scope)
        if _RENDERS.search(name) and "console" not in name and (call.args or "Template" in name):
            subject = call.args[0] if call.args else call.func
            if "Template()" in name and isinstance(call.func, ast.Attribute):
                inner = call.func.value
                subject = inner.args[0] if isinstance(inner, ast.Call) and inner.args else call.func
            if isinstance(subject, (ast.Name, ast.Attribute, ast.Subscript, ast.Constant)):
                source = file.segment(subject, 80)
                if _TEMPLATE.search(source) or _OBSERVATION.search(name):
                    yield source


def _drops(scope: Scope, file: FileContext) -> Iterator[str]:
    """Windows and filters over the message list."""
    for node in scope.of(ast.Subscript):
        cut = node.slice
        if isinstance(cut, ast.Slice) and (cut.lower or cut.upper) and MESSAGES_NAME.search(dotted(node.value, scope)):
            yield file.segment(node, 120)
    for comprehension in scope.of(ast.ListComp):
        for generator in comprehension.generators:
            if generator.ifs and MESSAGES_NAME.search(dotted(generator.iter, scope)):
                yield file.segment(comprehension, 120)
    for call in scope.of(ast.Call):
        receiver, _, method = callee(call, scope).rpartition(".")
        if method in ("pop", "popleft", "clear", "remove") and MESSAGES_NAME.search(receiver):
            yield file.segment(call, 120)


def _returns_text(scope: Scope) -> bool:
    return any(
        isinstance(node.value, (ast.JoinedStr, ast.List, ast.Dict, ast.BinOp, ast.Call))
        for node in scope.of(ast.Return)
    )
