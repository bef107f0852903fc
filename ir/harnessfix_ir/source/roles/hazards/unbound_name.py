"""A name that is bound on some ways through a function and read on all of them."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import EXITS
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import spelled, walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard, holds, targets_in


class UnboundName(Role):
    """`if reply.usage: tokens = reply.usage.total` and then `print(tokens)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            seen: set[str] = set()
            for branch in scope.of(ast.If):
                for name in _bound_in(branch.body) - seen:
                    read = _read_after(name, branch, scope, file)
                    if read is not None:
                        seen.add(name)
                        yield hazard("unbound-name", scope, read).add("name", name).add("bound-at", branch.lineno)


def _bound_in(body: list[ast.stmt]) -> set[str]:
    found: set[str] = set()
    for node in body:
        if isinstance(node, ast.Assign):
            found.update(name.id for target in node.targets for name in targets_in(target))
        elif isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def _read_after(name: str, branch: ast.If, scope: Scope, file: FileContext) -> ast.Name | None:
    """The first read of the name behind the branch, in the same block, where nothing else binds it."""
    if branch.orelse or name in scope.params or _declared(name, scope):
        return None
    stores = [n for n in scope.of(ast.Name) if n.id == name and not isinstance(n.ctx, ast.Load)]
    inside = [n for n in stores if any(holds(part, n) for part in branch.body)]
    if len(inside) != len(stores) or binds_otherwise(name, scope):
        return None
    block = block_of(branch, file)
    after = block[block.index(branch) + 1 :] if branch in block else []
    test = spelled(branch.test)
    for statement in after:
        if isinstance(statement, ast.If) and _may_repeat(statement.test, branch.test, test):
            return None
        found = next(
            (n for n in reads(statement) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)),
            None,
        )
        if found is not None:
            return found
        if isinstance(statement, EXITS):
            return None
    return None


def reads(statement: ast.stmt) -> Iterator[ast.AST]:
    """Nodes that are evaluated whenever the statement is: not those in its branches."""
    if isinstance(statement, (ast.If, ast.While)):
        yield from walk(statement.test)
    elif isinstance(statement, (ast.For, ast.AsyncFor)):
        yield from walk(statement.iter)
    elif isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.Raise)):
        pending: list[ast.AST] = [statement]
        while pending:
            node = pending.pop()
            yield node
            if isinstance(node, ast.IfExp):
                pending.append(node.test)
            elif isinstance(node, ast.BoolOp):
                pending.append(node.values[0])
            elif not isinstance(node, (ast.Lambda, ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)):
                pending.extend(ast.iter_child_nodes(node))


def _may_repeat(later: ast.expr, first: ast.expr, dumped: str) -> bool:
    """Whether a later test asks the same again, or is about the same things."""
    if dumped in spelled(later):
        return True
    asked = {n.id for n in walk(first) if isinstance(n, ast.Name)} - {"self", "isinstance", "len"}
    return any(isinstance(n, ast.Name) and n.id in asked for n in walk(later))


def _declared(name: str, scope: Scope) -> bool:
    return any(name in node.names for node in scope.of(ast.Global)) or any(
        name in node.names for node in scope.of(ast.Nonlocal)
    )


def binds_otherwise(name: str, scope: Scope) -> bool:
    """Whether an import, a definition, a handler or a pattern binds the name."""
    if name in scope.imports or any(child.name == name for child in scope.children):
        return True
    if any(handler.name == name for handler in scope.of(ast.ExceptHandler)):
        return True
    return any(getattr(node, "name", None) == name for node in scope.of(ast.MatchAs))


def block_of(node: ast.stmt, file: FileContext) -> list[ast.stmt]:
    """The list of statements that holds a statement."""
    around = file.parents.get(node)
    for field in ("body", "orelse", "finalbody"):
        block = getattr(around, field, None)
        if isinstance(block, list) and node in block:
            return block
    return []
