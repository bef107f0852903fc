"""What lies below a node of a syntax tree, found once and left to the tree."""

import ast
import gc
import weakref
from collections.abc import Iterator

from harnessfix_ir.source.expressions import inside
from harnessfix_ir.source.scopes import FileContext

SOURCE = """\
for item in items:
    if item:
        total += [x * 2 for x in item if x][0]
        def helper(a=default): return hidden(a)
    else:
        try:
            send(lambda: hidden(item), key=[*item])
        except (A, B) as error:
            raise Other(f"{item!r}") from error
        class Inner(Base): hidden = 1
"""


def _walked(node: ast.AST) -> Iterator[ast.AST]:
    """The plain way: depth first, in order of source, past what opens a scope, contexts and operators left out."""
    yield node
    if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)):
                yield from _walked(child)


def test_all_nodes_of_some_statements_but_the_insides_of_functions_and_classes() -> None:
    loop = ast.parse(SOURCE).body[0]
    assert isinstance(loop, ast.For)
    some: list[list[ast.stmt]] = [loop.body, [loop], [*loop.body, *loop.body], []]
    for statements in some:
        wanted = [node for statement in statements for node in _walked(statement)]
        for _ in range(2):  # found, and found again
            assert list(inside(statements)) == wanted
    assert "hidden" not in {node.id for node in inside([loop]) if isinstance(node, ast.Name)}


def test_a_tree_that_was_read_is_freed_at_once() -> None:
    file = FileContext("a.py", "a", SOURCE)
    assert len(list(inside(file.tree.body))) > 20
    freed = weakref.ref(file.tree.body[0])
    was_on = gc.isenabled()
    gc.disable()
    try:
        file.close()
        del file
        assert freed() is None
    finally:
        if was_on:
            gc.enable()
