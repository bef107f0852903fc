"""A text with `{name}` in it that is shown as it stands, although the name is at hand."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, last, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_HOLE = re.compile(r"(?<!\{)\{([A-Za-z_]\w*)((?:\.\w+|\[[^\]{}]*\]|\(\))*)(?:![rsa])?(?::[^{}\s]*)?\}(?!\})")
_ANY_HOLE = re.compile(r"(?<!\{)\{([^{}]*)\}(?!\})")
_FILLED = ("format", "format_map", "safe_substitute", "substitute", "partial", "render", "replace")
_TEMPLATE = re.compile(
    r"template|format|pattern|prompt|regex|fmt|route|path|url|uri|schema|compile|sub$", re.IGNORECASE
)


class ForgottenF(Role):
    """`raise ValueError("no tool {name}")` without the `f`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            known: set[str] | None = None
            fills = any(last(callee(call, scope)) in _FILLED for call in scope.of(ast.Call))
            for node in scope.of(ast.Constant):
                text = text_of(node)
                if not text or "{" not in text or fills:
                    continue
                if known is None:
                    known = _known(scope)
                hole = _HOLE.search(text)
                if hole and _all_known(text, known) and " " in text.strip() and _is_said(node, scope, file):
                    yield hazard("forgotten-f", scope, node).add("hole", hole.group(0))


def _known(scope: Scope) -> set[str]:
    """Names of the function that hold something."""
    return {*scope.params, *(n.id for n in scope.of(ast.Name) if isinstance(n.ctx, ast.Store))}


def _all_known(text: str, known: set[str]) -> bool:
    return all(hole.group(1) in known for hole in _HOLE.finditer(text))


def _is_said(node: ast.Constant, scope: Scope, file: FileContext) -> bool:
    """Whether the text is raised, printed or logged: not a template that somebody fills elsewhere."""
    for around in file.ancestors(node):
        if isinstance(around, (ast.JoinedStr, ast.Dict, ast.Compare, ast.BinOp)):
            return False
        if isinstance(around, ast.Call):
            name = dotted(around.func, scope)
            if _TEMPLATE.search(name) or not name or _is_given(node, around):
                return False
        if isinstance(around, ast.Raise):
            return True
        if isinstance(around, ast.stmt):
            call = around.value if isinstance(around, ast.Expr) else None
            return isinstance(call, ast.Call)
    return False


def _is_given(node: ast.Constant, call: ast.Call) -> bool:
    """Whether the call that gets the text gets a keyword for every hole of it: who logs `"no {name}", name=name` fills
    it there. A hole that `str.format` cannot read, `{len(names)}`, is filled by nobody."""
    given = {k.arg for k in call.keywords}
    fields = [re.split(r"[.\[!:]", hole.group(1))[0] for hole in _ANY_HOLE.finditer(str(node.value))]
    return None in given or given.issuperset(fields)
