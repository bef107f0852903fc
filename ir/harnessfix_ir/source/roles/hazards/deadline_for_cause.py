"""Whatever leaves a block is said to have been its deadline, for the deadline had passed by then."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import conjuncts, inside
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_ENDS = frozenset({"__exit__", "__aexit__"})
_PASSED = "cancel_called"


class DeadlineForCause(Role):
    """`__exit__` ends a cancel scope of its own, then `if self._scope.cancel_called: raise TimeLimitExceeded`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if scope.name not in _ENDS:
                continue
            ended = {*_ended(scope)}
            if not ended or _looks_at_cause(scope):
                continue
            for branch in scope.of(ast.If):
                asked = _asked(branch.test)
                raised = next((node for node in inside(branch.body) if isinstance(node, ast.Raise)), None)
                if asked is not None and raised is not None and ast.dump(asked.value) in ended:
                    yield hazard("deadline-for-cause", scope, raised).add("asks", file.segment(asked))


def _ended(scope: Scope) -> Iterator[str]:
    """What the method ends itself, as it is written; not where it keeps what that says of the cause."""
    for statement in scope.of(ast.Expr):
        call = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _ENDS:
            yield ast.dump(call.func.value)


def _looks_at_cause(scope: Scope) -> bool:
    """Whether what left the block is read for more than to hand it on or to name it as a cause."""
    on = [
        arg
        for call in scope.of(ast.Call)
        if isinstance(call.func, ast.Attribute)
        for arg in call.args
        if call.func.attr in _ENDS
    ]
    on += [node.cause for node in scope.of(ast.Raise) if node.cause is not None]
    handed = {id(name) for part in on for name in walk(part)}
    given = set(scope.params[1:])
    return any(name.id in given and id(name) not in handed for name in scope.of(ast.Name))


def _asked(test: ast.expr) -> ast.Attribute | None:
    """`scope.cancel_called` among what all has to hold."""
    parts = conjuncts(test)
    return next((part for part in parts if isinstance(part, ast.Attribute) and part.attr == _PASSED), None)
