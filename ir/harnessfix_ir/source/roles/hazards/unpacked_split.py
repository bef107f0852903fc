"""A text that is taken apart at every separator, and the parts unpacked into as many names."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, keyword, last, names_in, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.roles.handlers import is_caught
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_CATCHES = frozenset(("ValueError", "Exception", "BaseException"))
# What is written by a program, with a known number of parts.
_FIXED = frozenset((".", "T", "\n"))
_LONG = 3  # characters of a mark that is made up so that no text has it


class UnpackedSplit(Role):
    """`key, value = spec.split("=")`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for node in scope.of(ast.Assign):
                target, call = node.targets[0], node.value
                if not isinstance(target, (ast.Tuple, ast.List)) or not isinstance(call, ast.Call):
                    continue
                func = call.func
                if not isinstance(func, ast.Attribute) or func.attr not in ("split", "rsplit"):
                    continue
                if any(isinstance(name, ast.Starred) for name in target.elts) or keyword(call, "maxsplit"):
                    continue
                mark = text_of(call.args[0]) if len(call.args) == 1 else None
                if (
                    not mark
                    or mark in _FIXED
                    or _is_made_up(mark)
                    or isinstance(func.value, (ast.Constant, ast.JoinedStr))
                ):
                    continue
                if (
                    not is_caught(node, _CATCHES, scope, file)
                    and not _counted(func.value, scope)
                    and not _refuses_the_mark(target, scope)
                    and not _refuses_alike(target, scope)
                ):
                    draft = hazard("unpacked-split", scope, node).add("mark", mark)
                    yield draft.add("what", file.segment(func.value, 60)).add("parts", len(target.elts))


def _is_made_up(mark: str) -> bool:
    """Whether a mark looks as if no text were to have it: `-->`, and no fence, rule or blank around a sign."""
    bare = mark.strip()
    return len(bare) >= _LONG and len(set(bare)) > 1 and not any(map(str.isalpha, bare))


def _refuses_the_mark(target: ast.Tuple | ast.List, scope: Scope) -> bool:
    """Whether every part has to be a number or the name of something in a module: with the mark in it, it would be
    refused wherever the text is taken apart."""
    strict: set[str] = set()
    for call in scope.of(ast.Call):
        name = last(callee(call, scope))
        if name in ("int", "float", "import_module"):
            strict.update(given.id for given in call.args[:1] if isinstance(given, ast.Name))
        elif name in ("getattr", "hasattr"):
            strict.update(given.id for given in call.args[1:2] if isinstance(given, ast.Name))
    return all(isinstance(part, ast.Name) and part.id in strict for part in target.elts)


def _refuses_alike(target: ast.Tuple | ast.List, scope: Scope) -> bool:
    """Whether the function raises a ValueError about one of the parts itself: whoever calls it is told so of any text
    that is not of this form, and one mark too many is such a text."""
    parts = {part.id for part in target.elts if isinstance(part, ast.Name)}
    return any(
        isinstance(raised.exc, ast.Call)
        and last(callee(raised.exc, scope)) == "ValueError"
        and parts & {name for given in raised.exc.args for name in names_in(given)}
        for raised in scope.of(ast.Raise)
    )


def _counted(text: ast.expr, scope: Scope) -> bool:
    """Whether the function counts the separators, or matches the text against a pattern first."""
    name = dotted(text, scope)
    for call in scope.of(ast.Call):
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr == "count" and dotted(func.value, scope) == name:
            return True
        matches = isinstance(func, ast.Attribute) and func.attr in ("match", "fullmatch", "search")
        if matches and any(dotted(given, scope) == name for given in call.args):
            return True
    return False
