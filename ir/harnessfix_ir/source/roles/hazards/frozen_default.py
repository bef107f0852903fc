"""A default that is worked out once, when the file is read, and then shared by all that is made later."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, defaults_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import words

from .base import hazard

_CHANGES = words(
    """
    time.time time.time_ns time.monotonic time.perf_counter datetime.datetime.now datetime.datetime.utcnow
    datetime.datetime.today datetime.date.today datetime.now datetime.utcnow uuid.uuid1 uuid.uuid4 random.random
    random.randint random.choice secrets.token_hex secrets.token_urlsafe os.getcwd pathlib.Path.cwd tempfile.mkdtemp
    """
)


class FrozenDefault(Role):
    """`created: float = time.time()` in a class, or `def log(at=datetime.now())`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.classes:
            for node in scope.of(ast.AnnAssign):
                if isinstance(node.target, ast.Name) and node.value is not None:
                    yield from _frozen(node.target.id, node.value, scope)
        for scope in file.functions:
            for name, default in defaults_of(scope.function):
                yield from _frozen(name, default, scope)


def _frozen(name: str, value: ast.expr, scope: Scope) -> Iterator[Draft]:
    pending: list[ast.AST] = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Call) and callee(node, scope) in _CHANGES:
            yield hazard("frozen-default", scope, value).add("name", name).add("call", callee(node, scope))
            return
        pending.extend(ast.iter_child_nodes(node))
