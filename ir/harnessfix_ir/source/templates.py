"""Texts with holes: string literals, f-strings, `format`, `%` and concatenation as one thing."""

import ast
import re
from dataclasses import dataclass

from .expressions import text_of
from .nodes import walk
from .scopes import FileContext, Scope

_PERCENT = re.compile(r"%(?:\((\w+)\))?[#0\- +]*(?:\d+|\*)?(?:\.\d+)?[diouxXeEfFgGcrsa]")
_FIELD = re.compile(r"(?<!\{)\{([^{}]*)\}(?!\})")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


@dataclass
class Template:
    """A text that code words.

    Args:
        text: with `{source}` for each hole.
        engine: `literal`, `f-string`, `format`, `concat` or `percent`.
        holes: source of each hole in order.
        bounded: the holes whose value is cut inside the template.
    """

    text: str
    engine: str
    holes: list[str]
    bounded: list[str]

    @property
    def skeleton(self) -> str:
        """The text with `{}` for every hole."""
        return _refill(self.text, self.holes)


def _refill(text: str, holes: list[str]) -> str:
    for hole in holes:
        text = text.replace("{" + hole + "}", "{}", 1)
    return text


def template_of(node: ast.AST | None, file: FileContext, scope: Scope) -> Template | None:
    """The text that an expression words, or None when it is not made from literals."""
    if isinstance(node, ast.Constant):
        return Template(node.value, "literal", [], []) if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return _f_string(node, file)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _concat(node, file, scope)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _percent(node, file)
    if isinstance(node, ast.Call):
        return _call(node, file, scope)
    if isinstance(node, ast.IfExp):
        return template_of(node.body, file, scope) or template_of(node.orelse, file, scope)
    return None


def is_bounded(node: ast.AST) -> bool:
    """Whether an expression cuts its value: a slice, or a call of something that truncates."""
    for inner in walk(node):
        if isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Slice):
            return True
        if isinstance(inner, ast.Call):
            func = inner.func
            name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
            if re.search(r"trunc|shorten|clip|abbreviate|limit", name, re.IGNORECASE):
                return True
    return False


def _f_string(node: ast.JoinedStr, file: FileContext) -> Template:
    parts: list[str] = []
    holes: list[str] = []
    bounded: list[str] = []
    for value in node.values:
        if isinstance(value, ast.FormattedValue):
            hole = _hole_source(value.value, file)
            parts.append("{" + hole + "}")
            holes.append(hole)
            if is_bounded(value.value):
                bounded.append(hole)
        else:
            parts.append(text_of(value) or "")
    return Template("".join(parts), "f-string" if holes else "literal", holes, bounded)


def _hole_source(node: ast.expr, file: FileContext) -> str:
    # Positions inside f-strings are only true from Python 3.12 on, so the source is written anew.
    if isinstance(node, ast.Name):
        return node.id
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError):
        return "…"


def _concat(node: ast.BinOp, file: FileContext, scope: Scope) -> Template | None:
    operands: list[ast.expr] = []
    pending: list[ast.expr] = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, ast.BinOp) and isinstance(item.op, ast.Add):
            pending.extend((item.right, item.left))
        else:
            operands.append(item)
    parts: list[str] = []
    holes: list[str] = []
    bounded: list[str] = []
    literal = False
    for operand in operands:
        inner = template_of(operand, file, scope)
        if inner is not None:
            literal = literal or bool(inner.text)
            parts.append(inner.text)
            holes += inner.holes
            bounded += inner.bounded
        else:
            hole = _hole_source(operand, file)
            parts.append("{" + hole + "}")
            holes.append(hole)
            if is_bounded(operand):
                bounded.append(hole)
    return Template("".join(parts), "concat" if holes else "literal", holes, bounded) if literal else None


def _percent(node: ast.BinOp, file: FileContext) -> Template | None:
    text = text_of(node.left)
    if text is None:
        return None
    values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    sources = [_hole_source(value, file) for value in values]
    holes: list[str] = []

    def fill(match: re.Match[str]) -> str:
        name = match[1] or (sources[len(holes)] if len(holes) < len(sources) else "")
        holes.append(name)
        return "{" + name + "}"

    return Template(_PERCENT.sub(fill, text), "percent", holes, [])


def _call(node: ast.Call, file: FileContext, scope: Scope) -> Template | None:
    func = node.func
    if not isinstance(func, ast.Attribute):
        return None
    inner = template_of(func.value, file, scope)
    if inner is None:
        return None
    if func.attr == "format":
        given = {k.arg: k.value for k in node.keywords if k.arg}
        holes = format_fields(inner.text)
        bounded = [h for h in holes if (root := re.split(r"[.\[]", h)[0]) in given and is_bounded(given[root])]
        return Template(inner.text, "format", holes, bounded)
    return inner if func.attr in ("strip", "lstrip", "rstrip", "join") and func.attr != "join" else None


def format_fields(text: str) -> list[str]:
    """Field names of a `str.format` template in order, conversions and formats left out."""
    return [re.split(r"[!:]", field)[0] for field in _FIELD.findall(text)]


def looks_like_jinja(text: str) -> bool:
    """Whether a text holds Jinja expressions or statements."""
    return _JINJA.search(text) is not None


def looks_like_format(text: str) -> bool:
    """Whether every brace of a text is a `str.format` field with a plain name."""
    fields = _FIELD.findall(text)
    return bool(fields) and all(re.fullmatch(r"[A-Za-z_][\w.\[\]]*(![rsa])?(:[^{}]*)?", f) for f in fields)
