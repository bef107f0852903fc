"""Slices and calls that shorten text or history."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.document import JsonValue
from harnessfix_ir.source.expressions import callee, defaults_of, dotted, last, text_of, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import LIMIT_NAME, MESSAGES_NAME, OUTPUT_NAME
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, at_node

MARKER = re.compile(
    r"trunc|omit|elide|\bcut\b|\.\.\.|…|more (characters|lines|chars)|shorten|clipped|left out|skipped|removed|dropped|"
    r"hidden|\[snip",
    re.IGNORECASE,
)
_SHORTENS = re.compile(
    r"(^|_)(truncate|shorten|clip|abbreviate|trim_messages|truncate_content|limit_output|maybe_truncate)\w*$"
)
_LEAST = 40


class Truncations(Role):
    """One element per cut; head and tail of the same thing in one function are one cut."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            if scope.is_class:
                continue
            yield from _slices(scope, file)
            yield from _calls(scope, file)


def _slices(scope: Scope, file: FileContext) -> Iterator[Draft]:
    cuts: dict[str, list[tuple[ast.Subscript, str, ast.expr]]] = {}
    for node in scope.of(ast.Subscript):
        cut = _cut(node, scope, file)
        if cut is not None:
            cuts.setdefault(file.segment(node.value), []).append((node, *cut))
    for subject, group in cuts.items():
        sides = {keeps for _, keeps, _ in group}
        if {"head", "tail"} <= sides:
            yield _draft(group, "both", subject, scope, file)
        else:
            for item in group:
                yield _draft([item], item[1], subject, scope, file)


def _cut(node: ast.Subscript, scope: Scope, file: FileContext) -> tuple[str, ast.expr] | None:
    """What a slice keeps and its bound; None when it is no truncation."""
    if not isinstance(node.slice, ast.Slice) or node.slice.step is not None or not isinstance(node.ctx, ast.Load):
        return None
    lower, upper = node.slice.lower, node.slice.upper
    if upper is not None and (lower is None or (isinstance(lower, ast.Constant) and lower.value == 0)):
        keeps, bound = ("head", upper)
    elif upper is None and isinstance(lower, ast.UnaryOp) and isinstance(lower.op, ast.USub):
        keeps, bound = ("tail", lower.operand)
    elif upper is None and isinstance(lower, ast.BinOp) and isinstance(lower.left, ast.UnaryOp):
        # `-n // 2` is `(-n) // 2`
        keeps, bound = ("tail", lower)
    else:
        return None
    if isinstance(bound, ast.UnaryOp):
        return None
    name = dotted(node.value, scope)
    messages = MESSAGES_NAME.search(name.removesuffix("[]")) is not None
    number = bound.value if isinstance(bound, ast.Constant) and isinstance(bound.value, int) else None
    if number is not None:
        return (keeps, bound) if number >= _LEAST or (messages and number > 1) else None
    if any(
        LIMIT_NAME.search(word) or word in ("limit", "n", "k", "window", "half", "keep") for word in words_in(bound)
    ):
        sized = any(LIMIT_NAME.search(word) for word in words_in(bound))
        return (keeps, bound) if messages or sized or OUTPUT_NAME.search(name) else None
    return None


def _draft(
    group: list[tuple[ast.Subscript, str, ast.expr]], keeps: str, subject: str, scope: Scope, file: FileContext
) -> Draft:
    node: ast.expr = group[0][0]
    bound = group[0][2]
    if len(group) > 1:
        node = _common(group[0][0], group[1][0], file) or node
    draft = at_node(ElementRole.TRUNCATION, scope, node, AnchorKind.CALL, subject)
    draft.end = max(draft.end, *(n.end_lineno or n.lineno for n, _, _ in group))
    draft.add("keeps", keeps).add("limit", file.segment(bound))
    draft.note("limit-value", limit_value(bound, scope))
    draft.note("marker", _marked(group[0][0], scope, file))
    draft.add("of", subject)
    name = dotted(group[0][0].value, scope)
    unit = (
        "messages"
        if MESSAGES_NAME.search(name)
        else "lines"
        if re.search(r"lines?$|splitlines", name)
        else "characters"
    )
    return draft.add("unit", unit)


def _common(first: ast.expr, second: ast.expr, file: FileContext) -> ast.expr | None:
    around = {id(n) for n in file.ancestors(second)}
    for node in file.ancestors(first):
        if id(node) in around and isinstance(node, ast.expr):
            return node
    return None


def limit_value(node: ast.expr, scope: Scope) -> JsonValue:
    """The number behind a bound: a literal, a default, or a constant of the function or module."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.FloorDiv, ast.Div)):
        left, right = limit_value(node.left, scope), limit_value(node.right, scope)
        return left // right if isinstance(left, int) and isinstance(right, int) and right else None
    if isinstance(node, ast.Name):
        around: Scope | None = scope
        while around is not None:
            if node.id in around.bindings:
                value = around.bindings[node.id][0]
                return value.value if isinstance(value, ast.Constant) and isinstance(value.value, int) else None
            if around.is_function:
                default = dict(defaults_of(around.function)).get(node.id)
                if isinstance(default, ast.Constant) and isinstance(default.value, int):
                    return default.value
            around = around.parent
    return None


def _marked(node: ast.AST, scope: Scope, file: FileContext) -> bool:
    """Whether a text beside the cut says that something is missing."""
    top: ast.AST = node
    for around in file.ancestors(node):
        top = around
        if isinstance(around, ast.stmt):
            break
    texts = [t for n in walk(top) if (t := text_of(n))]
    nearby = scope.texts_near(getattr(node, "lineno", 0), 4)
    return any(MARKER.search(t) for t in (*texts, *nearby))


def _calls(scope: Scope, file: FileContext) -> Iterator[Draft]:
    for call in scope.of(ast.Call):
        name = callee(call, scope)
        if not (name == "textwrap.shorten" or _SHORTENS.search(last(name))) or not call.args:
            continue
        draft = at_node(ElementRole.TRUNCATION, scope, call, AnchorKind.CALL, last(name))
        draft.add("call", name).add("of", file.segment(call.args[0]))
        bound = (
            call.args[1]
            if len(call.args) > 1
            else next((k.value for k in call.keywords if LIMIT_NAME.search(k.arg or "")), None)
        )
        if bound is not None:
            draft.add("limit", file.segment(bound))
            draft.note("limit-value", limit_value(bound, scope))
        if name == "textwrap.shorten":
            draft.add("keeps", "head").add("marker")
        yield draft.add("unit", "messages" if "messages" in name else "characters")
