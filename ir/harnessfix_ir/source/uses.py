"""What code reads by name: configuration keys, files, templates. Small rows `[kind, name, line, …]` for linking."""

import ast
import re
from collections.abc import Iterator
from typing import Any

from .config_flow import class_mappings, config_uses
from .counting import moved_attributes, started_attributes
from .expressions import EXITS, callee, calls_in, dotted, last, text_of
from .nodes import walk
from .roles.prompts import rendered_names
from .scopes import FileContext, Scope
from .words import APPROVAL_NAME, hook_word

_REGISTERS = re.compile(r"_*(add|register|attach|append|install|subscribe)_")
_CHOICE = re.compile(r"(^|_)(name|tool|tool_name|action|function|func|fn|command|cmd|kind)(_name)?$")


def uses_of(file: FileContext) -> Iterator[list[Any]]:
    """Every use in order of scope.

    Rows: `["render", template, line, supplied names or None, qualname]`,
    `["branch", tool name, callee, line, qualname]` for `if name == "read": read_file(…)`,
    `["guard", callee, line, first and last line that it stands before, qualname]`,
    `["hook", word for it, name of the function, line, qualname]` for one that is registered,
    `["file", literal with a file suffix, line]`,
    `["moves", counter, classes that move it in themselves or "" for others]` and `["starts", counter]` for attributes
    that count turns.
    """
    for scope in file.scopes:
        for name, line, supplied in rendered_names(scope):
            yield ["render", name, line, supplied, scope.qualname]
        yield from _branches(scope)
        yield from _guards(scope, file)
        yield from _hooks(scope)
        yield from config_uses(scope, file)
    yield from class_mappings(file)
    for name, classes in moved_attributes(file).items():
        yield ["moves", name, sorted(classes)]
    for name in sorted(started_attributes(file)):
        yield ["starts", name]
    for _, node in file.all(ast.Constant):
        text = text_of(node)
        if (
            text
            and len(text) < 200
            and text.endswith((".txt", ".md", ".j2", ".jinja", ".jinja2", ".yaml", ".yml", ".toml", ".json"))
        ):
            yield ["file", text, node.lineno]


def _branches(scope: Scope) -> Iterator[list[Any]]:
    """Functions called in branches on the name that the model chose."""
    for node in scope.of(ast.If):
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
            value = text_of(test.comparators[0])
            if (value and _CHOICE.search(last(dotted(test.left, scope)).removesuffix("[]"))) or (
                value and _name_key(test.left)
            ):
                yield from _called(value, node.body, scope)
    for match in scope.of(ast.Match):
        if _CHOICE.search(last(dotted(match.subject, scope))) or _name_key(match.subject):
            for case in match.cases:
                if isinstance(case.pattern, ast.MatchValue) and (value := text_of(case.pattern.value)):
                    yield from _called(value, case.body, scope)


def _guards(scope: Scope, file: FileContext) -> Iterator[list[Any]]:
    """Calls named like approvals, with the lines that are reached only behind them."""
    if not scope.is_function:
        return
    final = scope.function.end_lineno or scope.function.lineno
    for call in scope.of(ast.Call):
        name = callee(call, scope)
        if not APPROVAL_NAME.search(last(name)):
            continue
        branch = next((a for a in file.ancestors(call) if isinstance(a, ast.If)), None)
        in_test = branch is not None and any(call is n for n in walk(branch.test))
        if branch is not None and in_test:
            first, end = branch.body[0].lineno, branch.body[-1].end_lineno or branch.body[-1].lineno
            negated = isinstance(branch.test, ast.UnaryOp) and isinstance(branch.test.op, ast.Not)
            if negated and isinstance(branch.body[-1], EXITS):
                first, end = (branch.end_lineno or branch.lineno) + 1, final
            yield ["guard", name, call.lineno, [first, end], scope.qualname]
        else:
            # Its answer is kept or it raises: what comes after has passed it.
            yield ["guard", name, call.lineno, [(call.end_lineno or call.lineno) + 1, final], scope.qualname]


def _hooks(scope: Scope) -> Iterator[list[Any]]:
    """Hooks as they are registered: `add_hook(f)`, `hooks.append(f)`, `hooks=[f, g]`, in order of line."""
    found: list[tuple[int, str, ast.expr]] = []
    parameters = scope.params if scope.is_function else ()
    for call in scope.of(ast.Call):
        receiver, _, verb = callee(call, scope).rpartition(".")
        word = hook_word(last(receiver)) if verb == "append" else hook_word(verb) if _REGISTERS.match(verb) else ""
        if word and call.args:
            found.append((call.lineno, word, call.args[-1]))
        for given in call.keywords:
            found += [(item.lineno, hook_word(given.arg or ""), item) for item in _items(given.value)]
    for node in scope.assignments:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        word = hook_word(last(dotted(target, scope)))
        found += [(item.lineno, word, item) for item in _items(node.value)]
    for line, word, item in sorted(found, key=lambda entry: entry[0]):
        name = dotted(item, scope)
        if word and name and name not in parameters:  # what is handed in is registered by the caller
            yield ["hook", word, name, line, scope.qualname]


def _items(node: ast.expr | None) -> list[ast.expr]:
    return node.elts if isinstance(node, (ast.List, ast.Tuple)) else []


def _name_key(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and _CHOICE.search(text_of(node.slice) or "") is not None


def _called(value: str, body: list[ast.stmt], scope: Scope) -> Iterator[list[Any]]:
    for call in calls_in(body):
        name = callee(call, scope)
        if name and isinstance(call.func, (ast.Name, ast.Attribute)):
            yield ["branch", value, name, call.lineno, scope.qualname]
