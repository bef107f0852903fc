"""The tree that is gone through where somebody looks says what LibCST's own walk of the whole module says."""

import inspect
import json
import textwrap

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from harnessfix_repairs.editing.python import PythonFile
from harnessfix_repairs.editing.replacing import Change, replaced
from harnessfix_repairs.editing.scope import is_rebound
from harnessfix_repairs.editing.tree import Tree

ODD = textwrap.dedent(
    """\
    # a header
    import os; import re

    @decorated(
        1,
    )
    # between
    async def outer(a=(lambda: 1)):
        if a: return 1; pass
        # footer of the body

    class Left: x = 1

    @plain
    class Right(Left):
        '''Said.'''

        timeout: int = 3; other = 4
        if True:
            def inner(self):
                try:
                    pass
                except* ValueError: pass
                finally:
                    class Deep:
                        def deepest(self): ...
            # dedented
        @property
        def last(self):
            match self:
                case 1 if self.timeout:
                    return [
                        one for one in self
                    ]
    x = 1
    """
)
FILES = [ODD, ODD.replace("\n", "\r\n"), *(inspect.getsource(module) for module in (json.decoder, textwrap))]


@pytest.mark.parametrize("text", FILES, ids=("odd", "crlf", "decoder", "textwrap"))
def test_lines_parents_and_order_are_those_of_the_whole_walk(text: str) -> None:
    file = PythonFile("a.py", text)
    wrapper = MetadataWrapper(file.module, unsafe_skip_copy=True)
    lines, parents = wrapper.resolve(PositionProvider), wrapper.resolve(ParentNodeProvider)
    everything = list(Tree(file.module, text).below(file.module))
    for node in everything:
        assert file.tree.parent(node) is parents.get(node), file.code(node)
        if node in lines and not isinstance(node, cst.Module):
            place = lines[node]
            assert file.lines(node) == (place.start.line, place.end.line), file.code(node)
    for sort in (cst.FunctionDef, cst.ClassDef, cst.Return, cst.ExceptHandler, (cst.Assign, cst.AnnAssign)):
        wanted = [id(node) for node in everything if isinstance(node, sort)]
        assert [id(node) for node in file.within(file.module, sort)] == wanted


@pytest.mark.parametrize("text", FILES[:3], ids=("odd", "crlf", "decoder"))
def test_a_function_alone_gives_its_own_lines(text: str) -> None:
    whole = PythonFile("a.py", text)
    places = MetadataWrapper(whole.module, unsafe_skip_copy=True).resolve(PositionProvider)
    for number, function in enumerate(whole.within(whole.module, cst.FunctionDef)):
        fresh = PythonFile("a.py", text)
        found = fresh.within(fresh.module, cst.FunctionDef)[number]
        assert fresh.lines(found) == (places[function].start.line, places[function].end.line)


def test_replacing_makes_the_same_module_as_a_visit_of_all_of_it() -> None:
    class Renamed(cst.CSTTransformer):
        def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:  # noqa: N802
            return updated_node.with_changes(value=f"{updated_node.value}_")

    for text in FILES:
        module = cst.parse_module(text)
        tree = Tree(module, text)
        names = [node for node in tree.below(module) if isinstance(node, cst.Name)]
        changed = replaced(tree, {name: lambda node: node.with_changes(value=f"{node.value}_") for name in names})
        assert changed.code == module.visit(Renamed()).code


def test_statements_are_removed_multiplied_and_changed_within_one_another() -> None:
    module = cst.parse_module("a = 1\n\n\nclass K:\n    b = 2\n    c = 3\n\n    def f(self):\n        return self.b\n")
    tree = Tree(module, module.code)
    a, klass = module.body
    assert isinstance(klass, cst.ClassDef)
    b, c, f = klass.body.body
    changes: dict[cst.CSTNode, Change] = {
        a: lambda node: cst.FlattenSentinel([node, node]),
        b: lambda node: cst.RemovalSentinel.REMOVE,
        f: lambda node: node.with_changes(name=cst.Name("g")),
    }
    assert replaced(tree, changes).code == (
        "a = 1\na = 1\n\n\nclass K:\n    c = 3\n\n    def g(self):\n        return self.b\n"
    )
    both: dict[cst.CSTNode, Change] = {
        klass: lambda node: node.with_changes(name=cst.Name("L")),
        c: lambda node: cst.RemovalSentinel.REMOVE,
    }
    assert replaced(tree, both).code.startswith("a = 1\n\n\nclass L:\n    b = 2\n\n    def f(self)")


def test_the_place_of_a_definition_costs_no_walk_of_the_rest() -> None:
    file = PythonFile("a.py", inspect.getsource(inspect))
    function = file.definition("signature", 1)
    file.within(function, cst.Call)
    file.lines(function)
    assert len(file.tree._children) < 200  # the module has more than 20,000 nodes
    assert "_positions" not in vars(file.tree)  # its lines were counted from where the function begins


EVERY_FIELD = textwrap.dedent(
    """\
    def f(a, /, b: int = 1, *c: int, d=2, **e) -> None: return a[1:2, ::3], [*c], {**e}, {1: 2, 'x': y}
    x: int = (yield from (await one for one in two if three if four for five in six))
    with (open('a') as f, g): del x, y
    assert f'{x!r:>{width}} {y=}' 'z', not -x + 1 < 2 <= 3 in [4]
    for a, *b in (c, d): pass
    else: raise E(1, *b, k=2, **e) from None
    while (n := 1): continue
    async def g(*, a): await b; global c; nonlocal d
    print(lambda *a, b=1: (b if a else c) or d and not e)
    match x:
        case {'a': 1, **rest} | [1, *more] | K(1, b=2) as k if k: a @= b; import a.b as c; from . import (d as e, f)
    """
)


@pytest.mark.parametrize("text", [*FILES, EVERY_FIELD], ids=("odd", "crlf", "decoder", "textwrap", "every field"))
def test_children_stand_in_order_of_the_text(text: str) -> None:
    module = cst.parse_module(text)
    tree = Tree(module, text)
    for node in tree.below(module):
        assert [*map(id, tree.children(node))] == [*map(id, node.children)], type(node)


def test_the_parent_of_a_part_of_what_was_found_costs_no_walk_of_the_rest() -> None:
    file = PythonFile("a.py", inspect.getsource(inspect))
    loop = file.within(file.module, cst.For)[0]
    assert next(file.parents(loop.iter)) is loop
    assert len(file.tree._children) < 500


def test_a_name_is_bound_by_whatever_gives_it_a_meaning_but_a_method() -> None:
    text = (
        "import os as system\nclass K:\n    def method(self, given): ...\n"
        "def made():\n    try: pass\n    except E as caught: pass\n    for (each, [inner]) in x: pass\n"
        "lambda low: [member for member in y if (named := 1)]\nwith z as opened: kept: int = used.part\n"
    )
    file = PythonFile("a.py", text)
    assert file.bound_names == {
        *("K", "self", "given", "made", "caught", "each", "inner", "low", "member", "named", "opened", "kept"),
    }
    assert [name for name in ("used", "method", "system") if is_rebound(file, name)] == ["system"]
