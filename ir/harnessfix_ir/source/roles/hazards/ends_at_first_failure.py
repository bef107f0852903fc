"""Several things are closed in a loop, and the first that cannot be closed leaves the others open."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import words

from .base import hazard, targets_in

_CLEANS = re.compile(
    r"^_*(a?close|clean_?up|shut_?down|stop|disconnect|tear_?down|dispose|release|terminate|__a?exit__|finalize)"
    r"(_(all|everything|sync|async|\w+s))?$"
)
_CLOSES = words(
    "close aclose cleanup clean_up shutdown stop disconnect teardown dispose release terminate __aexit__ __exit__"
)
# What does not fail when it is closed, or not in a way that matters.
_LOCAL = re.compile(r"task|future|timer|proc|thread|event|span|semaphore|lock|sock|handler|file|fd$", re.IGNORECASE)


class EndsAtFirstFailure(Role):
    """`for server in self.servers: await server.cleanup()`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if not _CLEANS.match(scope.name):
                continue
            for loop in scope.for_loops:
                names = {name.id for name in targets_in(loop.target)}
                closing = next((c for c in _calls(loop.body) if _closes(c, names, file)), None)
                if closing is None or _expects(scope):
                    continue
                yield hazard("ends-at-first-failure", scope, loop).add("call", file.segment(closing, 60))


def _calls(body: list[ast.stmt]) -> Iterator[ast.Call]:
    """Calls that are statements of a loop's body, or of branches in it; not those in `try` or `with`."""
    for statement in body:
        if isinstance(statement, ast.If):
            yield from _calls([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Expr):
            value = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
            if isinstance(value, ast.Call):
                yield value


def _closes(call: ast.Call, names: set[str], file: FileContext) -> bool:
    """Whether a call closes one of the things in a way that talks to somebody else, and so may fail."""
    func = call.func
    if not isinstance(func, ast.Attribute) or func.attr not in _CLOSES:
        return False
    if func.attr in ("close", "release") and not isinstance(file.parents.get(call), ast.Await):
        return False
    owner = func.value
    while isinstance(owner, (ast.Attribute, ast.Subscript)):
        owner = owner.value
    return isinstance(owner, ast.Name) and owner.id in names and not _LOCAL.search(ast.unparse(func.value))


def _expects(scope: Scope) -> bool:
    """Whether exceptions are gathered, or the things are handed to what closes all of them."""
    return any(
        last(callee(call, scope)) in ("gather", "suppress", "push_async_callback") for call in scope.of(ast.Call)
    )
