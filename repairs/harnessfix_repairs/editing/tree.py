"""A parsed file as a tree that is gone through only where somebody looks.

Two things make LibCST slow on a long file: the children of a node are found by building the node anew, and lines are
counted by writing out the whole module. Here statements are reached without looking into their expressions, children
are read from the fields of a node in the order that was learned from one with the same fields, and lines are counted in
the one function or statement that a node belongs to; where that stands in the file is known from `ast`.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import cast

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from harnessfix_repairs.syntax import parsed

# What a statement walk comes by; anything else is part of an expression or between tokens.
STATEMENTS = (cst.BaseStatement, cst.BaseSmallStatement, cst.ExceptHandler, cst.ExceptStarHandler)
_PARTS = ("body", "handlers", "cases", "orelse", "finalbody")
_Positions = Mapping[cst.CSTNode, CodeRange]


class Tree:
    """Parents, children and lines of the nodes of a module.

    Args:
        module: the parsed file. Nothing of it may stand in another tree.
        text: its source.
    """

    def __init__(self, module: cst.Module, text: str) -> None:
        self.module = module
        self._text = text
        # By identity, as nodes are compared: the hash of a node is a function in Python. The module keeps them alive.
        self._parents: dict[int, cst.CSTNode] = {}
        self._children: dict[int, Sequence[cst.CSTNode]] = {}
        self._in_unit: dict[cst.CSTNode, _Positions] = {}
        self._walked: set[str] = set()

    def children(self, node: cst.CSTNode) -> Sequence[cst.CSTNode]:
        """What a node is made of, in order of the text."""
        found = self._children.get(id(node))
        if found is None:
            found = self._children[id(node)] = _children(node)
            for child in found:
                self._parents[id(child)] = node
        return found

    def below(self, scope: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """A node and everything in it, in order of the text."""
        return iter(self._everything) if scope is self.module else self._walk(scope)

    @cached_property
    def _everything(self) -> Sequence[cst.CSTNode]:
        return list(self._walk(self.module))

    def _walk(self, scope: cst.CSTNode) -> Iterator[cst.CSTNode]:
        stack = [scope]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(self.children(node)))

    def statements(self, scope: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """A node and the statements and handlers in it, in order of the text."""
        stack = [scope]
        while stack:
            node = stack.pop()
            yield node
            inner: list[cst.CSTNode] = []
            for name in _BODIES[type(node)]:
                value = getattr(node, name)
                if _NODE[type(value)]:
                    inner.append(value)
                elif value:
                    inner += value
            for part in inner:
                self._parents[id(part)] = node
            if not _SMALL[type(node)]:
                stack.extend(reversed(inner))

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """What a node stands in; None for the module, and for a node of another tree."""
        for walk in (self.statements, self.below):  # what is quick to go through comes first
            if id(node) in self._parents or node is self.module or walk.__name__ in self._walked:
                continue
            self._walked.add(walk.__name__)
            for _ in walk(self.module):
                pass
        return self._parents.get(id(node))

    def parents(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What encloses a node, innermost first."""
        while (above := self.parent(node)) is not None:
            yield above
            node = above

    def unit(self, node: cst.CSTNode) -> cst.CSTNode:
        """The statement of a module's or class's body that a node belongs to; the module for the module itself."""
        unit: cst.CSTNode = self.module
        path = [*reversed([node, *self.parents(node)])][1:]
        while path:
            unit = path.pop(0)
            if not isinstance(unit, cst.ClassDef) or len(path) < 2 or path[0] is not unit.body:
                break
            path.pop(0)
        return unit

    def lines(self, node: cst.CSTNode) -> tuple[int, int]:
        """First and last line of a node, counted from 1."""
        unit = self.unit(node)
        if unit not in self.unit_lines or (isinstance(unit, cst.ClassDef) and node is not unit):
            place = self._positions[node]
            return place.start.line, place.end.line
        first, last = self.unit_lines[unit]
        if node is unit and isinstance(unit, cst.ClassDef):
            return first, last
        inside = self._in_unit.get(unit)
        if inside is None:
            inside = self._in_unit[unit] = _positions(cst.Module([cast(cst.BaseCompoundStatement, unit)]))
        shift = first - inside[_mark(unit)].start.line
        return inside[node].start.line + shift, inside[node].end.line + shift

    @cached_property
    def _positions(self) -> _Positions:
        return _positions(self.module)

    @cached_property
    def unit_lines(self) -> Mapping[cst.CSTNode, tuple[int, int]]:
        """First and last line of each statement of the module's and of its classes' bodies, without decorators.

        Empty where `ast` sees other statements than LibCST.
        """
        found: dict[cst.CSTNode, tuple[int, int]] = {}
        try:
            pending: list[tuple[Sequence[cst.CSTNode], list[ast.stmt]]]
            pending = [(self.module.body, parsed(self._text).body)]
        except (SyntaxError, ValueError, RecursionError):
            return {}
        while pending:
            ours, theirs = pending.pop()
            numbered = iter(theirs)
            for unit in ours:
                width = len(unit.body) if isinstance(unit, cst.SimpleStatementLine) else 1
                # The range stands first: at its end nothing more is taken from the other.
                taken = [other for _, other in zip(range(width), numbered)]
                if len(taken) != width:
                    return {}
                found[unit] = taken[0].lineno, taken[-1].end_lineno or taken[-1].lineno
                if isinstance(unit, cst.ClassDef) and isinstance(unit.body, cst.IndentedBlock):
                    pending.append((unit.body.body, getattr(taken[0], "body", [])))
            if next(numbered, None) is not None:
                return {}
        return found


class Sorts(dict[type, bool]):
    """Whether what is of a class is of certain sorts of node; each class is asked once: abstract ones answer slowly.

    Args:
        sorts: of node.
    """

    def __init__(self, *sorts: type[cst.CSTNode]) -> None:
        super().__init__()
        self._sorts = sorts

    def __missing__(self, kind: type) -> bool:
        fits = self[kind] = issubclass(kind, self._sorts)
        return fits


class _Fields(dict[type, tuple[str, ...]]):
    """The fields of a sort of node, those of some names if they are given."""

    def __init__(self, *chosen: str) -> None:
        super().__init__()
        self._chosen = chosen

    def __missing__(self, kind: type) -> tuple[str, ...]:
        names = [one.name for one in fields(kind)]
        found = self[kind] = tuple(name for name in self._chosen or names if name in names)
        return found


_NODE, _SMALL = Sorts(cst.CSTNode), Sorts(cst.BaseSmallStatement)
_FIELDS, _BODIES = _Fields(), _Fields(*_PARTS)
# Per sort of node and filled fields: the fields that hold nodes, in order of the text.
_ORDERS: dict[tuple[type[cst.CSTNode], tuple[str, ...]], tuple[str, ...]] = {}


def _children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """`node.children`, several times as fast: fields stand in an order of their own, not in that of the text."""
    sort = type(node)
    filled: dict[str, list[cst.CSTNode]] = {}
    for name in _FIELDS[sort]:
        value = getattr(node, name)
        if _NODE[type(value)]:
            filled[name] = [value]
        elif value and isinstance(value, (tuple, list)):
            filled[name] = [one for one in value if _NODE[type(one)]]
    if not filled:
        return []
    key = sort, tuple(filled)
    order = _ORDERS.get(key)
    if order is None:
        place = {child: number for number, child in enumerate(node.children)}
        first = {name: min((place[child] for child in children), default=0) for name, children in filled.items()}
        order = _ORDERS[key] = tuple(sorted(filled, key=first.__getitem__))
    return [child for name in order for child in filled[name]]


def _positions(module: cst.Module) -> _Positions:
    # Nothing is shared between parsed trees, so the deep copy that the wrapper would make is not needed.
    return MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)


def _mark(unit: cst.CSTNode) -> cst.CSTNode:
    """The part of a statement that stands on the line which `ast` names for it."""
    if isinstance(unit, cst.FunctionDef):
        return unit.asynchronous or unit.name
    return unit.body[0] if isinstance(unit, cst.SimpleStatementLine) else unit
