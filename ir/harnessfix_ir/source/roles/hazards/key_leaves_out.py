"""A cache whose key leaves out something that its value depends on."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, last, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_CACHE = re.compile(r"cache|memo(?!ry)", re.IGNORECASE)
# A key that names one thing, or that somebody else worked out, leaves nothing out.
_IDENTITY = re.compile(r"(^|_| )(id|uuid|key|hash|digest|name)( |$)", re.IGNORECASE)
_BESIDE = re.compile(
    r"^(self|cls)$|cache|refresh|force|ttl|timeout|log|verbose|debug|callback|session|client|context|ctx|lock|retr|"
    r"semaphore|progress|event|^_|^kwargs$|conn|loop|db|tracer|span|executor"
)


class KeyLeavesOut(Role):
    """`if prompt in cache: return cache[prompt]` in a function of `prompt` and `temperature`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            params = [p for p in scope.params if not _BESIDE.search(p)]
            if len(params) < 2:
                continue
            for store in scope.of(ast.Subscript):
                if not isinstance(store.ctx, ast.Store):
                    continue
                owner = dotted(store.value, scope)
                if not _CACHE.search(last(owner)) or not _reads(owner, store, scope):
                    continue
                if _IDENTITY.search(" ".join(words_in(store.slice))):
                    continue
                inside = _sources(store.slice, scope)
                value = _stored(store, file)
                used = _sources(value, scope) if value is not None else set()
                called = {n.func.id for n in scope.of(ast.Call) if isinstance(n.func, ast.Name)}
                left = [p for p in params if p in used and p not in inside and p not in called]
                if inside & set(params) and left:
                    yield hazard("key-leaves-out", scope, store).add("cache", owner).add("leaves-out", left[0])
                    break


def _reads(owner: str, store: ast.Subscript, scope: Scope) -> bool:
    """Whether the function answers from the cache before it fills it."""
    asks = [n for n in scope.of(ast.Compare) if any(dotted(c, scope) == owner for c in n.comparators)]
    gets = [n for n in scope.of(ast.Call) if dotted(n.func, scope) == f"{owner}.get"]
    return any(n.lineno < store.lineno for n in (*asks, *gets)) and bool(scope.of(ast.Return))


def _stored(store: ast.Subscript, file: FileContext) -> ast.expr | None:
    around = file.parents.get(store)
    return around.value if isinstance(around, ast.Assign) else None


def _sources(node: ast.expr, scope: Scope) -> set[str]:
    """Names that an expression is made from, through plain assignments in the function."""
    found: set[str] = set()
    pending = [n.id for n in walk(node) if isinstance(n, ast.Name)]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        for value in scope.bindings.get(name, ()):
            pending.extend(n.id for n in walk(value) if isinstance(n, ast.Name))
    return found
