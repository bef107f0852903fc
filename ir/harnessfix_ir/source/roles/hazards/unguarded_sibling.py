"""Methods of a class begin with the same check, and one that does the same sort of work begins without it."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import body_without_docstring, is_stub, own_attribute
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_CHECK = re.compile(r"^_+(check|ensure|assert|require|verify|validate|raise_if|guard)\w*$")
_EXEMPT = re.compile(
    r"^(a?close|start|stop|open|connect|a?init\w*|setup|reset|cleanup|shutdown|is_\w+|has_\w+|get_name)$"
)
_LEAST = 3


class UnguardedSibling(Role):
    """`add`, `pop` and `clear` begin with `self._ensure_open()`, and `get` does not."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for owner in file.classes:
            methods = [m for m in owner.methods if not m.name.startswith("_") and not _plain(m)]
            checks: dict[str, list[Scope]] = {}
            for method in methods:
                for name in _first_checks(method):
                    checks.setdefault(name, []).append(method)
            for check, guarded in checks.items():
                if len(guarded) < _LEAST or len(methods) - len(guarded) > max(1, len(guarded) // 3):
                    continue
                touched = [_touches(method) for method in guarded]
                for method in methods:
                    mine = _touches(method)
                    alike = sum(bool(mine & theirs) for theirs in touched)
                    if method in guarded or _refuses_the_rest(method):
                        continue
                    if alike * 2 > len(guarded) and not _called(check, method, owner):
                        draft = hazard("unguarded-sibling", method, method.function).add("lacks", check)
                        yield draft.add("like", [m.name for m in guarded[:3]])


def _plain(method: Scope) -> bool:
    """Whether a method is none of those that work: a property, a stub, one that begins or ends the object's life."""
    names = {d.id if isinstance(d, ast.Name) else getattr(d, "attr", "") for d in method.function.decorator_list}
    fixed = names & {"property", "setter", "classmethod", "staticmethod", "abstractmethod", "overload"}
    return bool(fixed) or is_stub(method.function) or _EXEMPT.match(method.name) is not None


def _first_checks(method: Scope) -> Iterator[str]:
    """Checks among the first two statements of a method."""
    for statement in body_without_docstring(method.function)[:2]:
        value = statement.value if isinstance(statement, ast.Expr) else None
        value = value.value if isinstance(value, ast.Await) else value
        func = value.func if isinstance(value, ast.Call) else None
        name = own_attribute(func)
        if _CHECK.match(name):
            yield name


def _refuses_the_rest(method: Scope) -> bool:
    """Whether a method ends by raising: what none of its branches knows it refuses itself."""
    return isinstance(method.function.body[-1], ast.Raise)


def _touches(method: Scope) -> set[str]:
    """Private attributes of the object that a method uses, its checks left out."""
    own = (own_attribute(node) for node in method.deep(ast.Attribute))
    return {name for name in own if name.startswith("_") and not _CHECK.match(name)}


def _called(check: str, method: Scope, owner: Scope) -> bool:
    """Whether a method reaches the check anywhere, or through another method of the class."""
    named = {node.attr for node in method.deep(ast.Attribute)}
    if check in named:
        return True
    others = [m for m in owner.methods if m.name in named and m is not method]
    return any(check in {node.attr for node in other.deep(ast.Attribute)} for other in others)
