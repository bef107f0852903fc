"""A cache whose key leaves out something that its value depends on."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import argument, dotted, is_none, last, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import LOOPS, hazard

_ROUNDS = (*LOOPS, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_CACHE = re.compile(r"cache|memo(?!ry)", re.IGNORECASE)
# A key that names one thing, or that somebody else worked out, leaves nothing out.
_IDENTITY = re.compile(r"(^|_| )(id|uuid|key|hash|digest|name)( |$)", re.IGNORECASE)
_BESIDE = re.compile(
    r"^(self|cls)$|cache|refresh|force|ttl|timeout|log|verbose|debug|callback|session|client|context|ctx|lock|retr|"
    r"semaphore|progress|event|^_|^kwargs$|conn|loop|db|tracer|span|executor"
)


_OF_FILE = re.compile(r"(file|fname|path|dir|folder)(name)?s?$")
_FORM = re.compile(r"^(abs|absolute|rel|relative|full|resolved)_")  # of a path: two forms name one file


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
                if owner in scope.params:
                    continue  # how long it lives, and what for, is known to who hands it in
                if not _CACHE.search(last(owner)) or not _reads(owner, store, scope):
                    continue
                if _IDENTITY.search(" ".join(words_in(store.slice))):
                    continue
                inside = _sources(store.slice, scope)
                value = _stored(store, file)
                used = _sources(value, scope) if value is not None else set()
                called = {n.func.id for n in scope.of(ast.Call) if isinstance(n.func, ast.Name)}
                left = [p for p in params if p in used and p not in inside and p not in called]
                left = [p for p in left if not _stays_the_same(p, owner, scope, file)]
                files = {_FORM.sub("", name) for name in inside if _OF_FILE.search(name)}
                left = [p for p in left if _FORM.sub("", p) not in files]
                if inside & set(params) and left:
                    yield hazard("key-leaves-out", scope, store).add("cache", owner).add("leaves-out", left[0])
                    break


def _stays_the_same(param: str, cache: str, scope: Scope, file: FileContext) -> bool:
    """Whether a cache lives in the function around, which calls this one once, and this one hands the parameter to
    itself unchanged: then there is one value of it for all that the cache holds."""
    around = scope.parent
    if around is None or not around.is_function or cache not in around.bindings:
        return False
    calls = [c for c in around.deep(ast.Call) if isinstance(c.func, ast.Name) and c.func.id == scope.name]
    within = set(map(id, scope.deep(ast.Call)))
    begins = [call for call in calls if id(call) not in within]
    place = scope.params.index(param)
    given = [argument(call, place, param) for call in calls if id(call) in within]
    same = all(isinstance(value, ast.Name) and value.id == param for value in given)
    again = any(isinstance(outer, _ROUNDS) for call in begins for outer in file.ancestors(call))
    return len(begins) == 1 and not again and same and _set_where_none(param, scope, file)


def _set_where_none(param: str, scope: Scope, file: FileContext) -> bool:
    """Whether a parameter keeps what was handed in, and at most `if it is None` gets a first value."""
    for name in scope.of(ast.Name):
        if name.id == param and isinstance(name.ctx, ast.Store):
            branch = next((outer for outer in file.ancestors(name) if isinstance(outer, ast.If)), None)
            test = branch.test if branch is not None else None
            if not isinstance(test, ast.Compare) or not any(is_none(side) for side in test.comparators):
                return False
    return True


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
