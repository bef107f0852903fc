"""Instrument a module's syntax tree by the plan; every node keeps the position that the source gave it.

The names that instrumented code uses (`@hf`, `@s`) cannot be written in Python, so none of the program's can be
the same; `@hf` lives in `builtins`, so that no namespace of the program gains a name. A function that looks at its own
local names does without `@s`; a generator that does so is left alone.
"""

from __future__ import annotations

import ast
import re

from .follow import follow, may_stream
from .nodes import LATE, PROBE, SPAN, Here, around, at, breaks, call, is_docstring, statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Union

    Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
    from .nodes import Loop, Owner

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)
_YIELDS = (ast.Yield, ast.YieldFrom)
_SUSPENDS = (ast.Yield, ast.YieldFrom, ast.Await)
_LOOPS = (ast.While, ast.For, ast.AsyncFor)
_MAY_RAISE = (ast.Call, ast.Subscript, ast.Attribute, ast.Raise, ast.BinOp, ast.For, ast.Name, ast.Compare)
# Python asks these and takes their exceptions for answers.
_MAGIC = re.compile(r"__(?!init__|call__|enter__|exit__|aenter__|aexit__)\w+__")


def instrument(tree: ast.Module, plan: dict[str, Any]) -> list[str]:
    """Rewrite `tree` in place.

    Args:
        tree: parsed module.
        plan: the plan of this file: lists `functions` (`e`, `fn`, `line`, `played`), `handlers`, `loops`, `cuts` (`e`,
            `line`), `fallbacks` (`e`, `line`, `column`); the line of a function may be that of its first decorator.

    Returns:
        Names of generators that were left alone because they look at their own local names.
    """
    rewriter = _Rewriter(plan)
    rewriter.visit(tree)
    ast.fix_missing_locations(tree)
    return rewriter.left_alone


class _Rewriter(ast.NodeTransformer):
    def __init__(self, plan: dict[str, Any]) -> None:
        self._functions = {(function["fn"], function["line"]): function["e"] for function in plan.get("functions", ())}
        self._played = {function["e"] for function in plan.get("functions", ()) if function.get("played")}
        self._handlers = {handler["line"]: handler["e"] for handler in plan.get("handlers", ())}
        self._loops = {loop["line"]: loop["e"] for loop in plan.get("loops", ())}
        self._cuts = {cut["line"]: cut["e"] for cut in plan.get("cuts", ())}
        self._fallbacks = {(part["line"], part["column"]): part["e"] for part in plan.get("fallbacks", ())}
        self._sites = {(site["line"], site["name"]): site["e"] for site in plan.get("sites", ())}
        self._names: list[str] = []
        # How to reach the span of each function around: by name, by number, or not at all.
        self._spans: list[Owner | None] = [None]
        self._scopes: list[ast.AST | None] = [None]
        self.left_alone: list[str] = []

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._scope(node, node.name, None)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._scope(node, "<lambda>", None)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: Function) -> ast.AST:
        if node.name in LATE:
            return node
        name = ".".join((*self._names, node.name))
        lines = [node.lineno, *(decorator.lineno for decorator in node.decorator_list)]
        number = next((self._functions[name, line] for line in lines if (name, line) in self._functions), None)
        owner: Owner | None = None if number is None else SPAN
        if number is not None and _looks_at_locals(node):
            owner = number
            if _is_generator(node):
                self.left_alone.append(name)
                number = owner = None
        self._scope(node, node.name, owner)
        if number is not None and owner is not None:
            return _spanned(node, number, owner, number in self._played and not _is_generator(node))
        return node if _MAGIC.fullmatch(node.name) else _watched(node)

    def _scope(self, node: ast.AST, name: str, owner: Owner | None) -> ast.AST:
        self._names.append(name)
        self._spans.append(owner)
        self._scopes.append(node)
        self.generic_visit(node)
        self._scopes.pop()
        self._spans.pop()
        self._names.pop()
        return node

    # -- inside functions ----------------------------------------------------------------------------------------

    def visit_Try(self, node: ast.Try) -> ast.AST:
        owner = self._spans[-1]
        begun = self._loops_in(node.body)
        self.generic_visit(node)
        if owner is not None:
            for handler in node.handlers:
                left = [statement(call(owner, "left", number, "exception"), handler) for number in begun]
                handler.body[:0] = left
        return node

    def visit_TryStar(self, node: Any) -> ast.AST:
        return self.visit_Try(node)

    def _loops_in(self, body: list[ast.stmt]) -> list[int]:
        """Planned loops in the body of a `try`, innermost first: an exception that is caught has left them."""
        found = [node for entry in body for node in _walk_here(entry) if isinstance(node, _LOOPS)]
        return [self._loops[node.lineno] for node in reversed(found) if node.lineno in self._loops]

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        number = self._handlers.get(node.lineno)
        if number is not None:
            node.body.insert(0, statement(call(PROBE, "handled", number), node))
        return node

    def _loop(self, node: Loop) -> Any:
        self.generic_visit(node)
        told = self._told(node)
        return told if isinstance(node, ast.While) else [*told[:-1], *self._followed(node)]

    def _followed(self, node: ast.For | ast.AsyncFor) -> list[ast.stmt]:
        calls = self._calls(node.iter)
        if not calls and not may_stream(node):
            return [node]
        function, number = self._scopes[-1], None
        hidden = isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and not _looks_at_locals(function)
        if hidden and len(calls) == 1:
            number = self._site(calls[0])
            node.iter = _Asks(calls[0], number).visit(node.iter)
        return follow(node, number, hidden)

    def _told(self, node: Loop) -> list[ast.stmt]:
        """A loop, planned or not; it comes last."""
        number = self._loops.get(node.lineno)
        owner = self._spans[-1]
        if number is None or owner is None:
            return [node]
        node.body = breaks(owner, number, node.body)
        node.body.insert(0, statement(call(owner, "tick", number), node.body[0]))
        why = "condition" if isinstance(node, ast.While) else "exhausted"
        node.orelse.insert(0, statement(call(owner, "left", number, why), node))
        return [statement(call(owner, "loop", number), node), node]

    def visit_While(self, node: ast.While) -> Any:
        return self._loop(node)

    def visit_For(self, node: ast.For) -> Any:
        return self._loop(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> Any:
        return self._loop(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        number = self._cuts.get(node.lineno)
        if number is None or not isinstance(node.ctx, ast.Load) or not isinstance(node.slice, ast.Slice):
            return node
        if any(isinstance(inner, _SUSPENDS) for inner in ast.walk(node.slice)):
            return node
        node.value = at(call(PROBE, "before", number, node.value), node.value)
        return at(call(PROBE, "after", number, node), node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        number = self._fallbacks.get((node.lineno, node.col_offset)) if isinstance(node.op, ast.Or) else None
        self.generic_visit(node)
        if number is None:
            return node
        value, default = node.values[:2]
        # What is awaited or yielded in between could let another evaluation of the same choice come first.
        waits = not any(isinstance(inner, _SUSPENDS) for inner in ast.walk(default))
        node.values[0] = at(call(PROBE, "chosen", number, ast.Constant(waits), value), value)
        if waits:
            node.values[1] = at(call(PROBE, "instead", number, default), default)
        return node

    # -- statements with a planned call --------------------------------------------------------------------------

    def _simple(self, node: ast.stmt) -> Any:
        self.generic_visit(node)
        calls = self._calls(node)
        if len(calls) != 1:
            return node
        number = self._site(calls[0])
        found: ast.stmt = _Asks(calls[0], number).visit(node)
        item = ast.withitem(call(PROBE, "site", ast.Constant(number)))
        watched = at(ast.With([item], [found]), node)
        watched.end_lineno = node.end_lineno
        return watched

    def _calls(self, node: ast.AST) -> list[ast.Call]:
        """Planned calls in a statement or expression; none where it hands something out in between."""
        inside = list(_walk_here(node, _COMPREHENSIONS)) if self._sites else []
        if any(isinstance(inner, _YIELDS) for inner in inside):
            return []
        return [inner for inner in inside if isinstance(inner, ast.Call) and self._site(inner) is not None]

    def _site(self, node: ast.Call) -> int | None:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else _plain_name(function)
        return self._sites.get((node.lineno, name))

    def visit_Assign(self, node: ast.Assign) -> Any:
        return self._simple(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        return self._simple(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        return self._simple(node)

    def visit_Expr(self, node: ast.Expr) -> Any:
        return self._simple(node)

    def visit_Return(self, node: ast.Return) -> Any:
        return self._simple(node)


class _Asks(ast.NodeTransformer):
    """One call of a statement: what it calls, what it gives, what comes back, awaited where it is."""

    def __init__(self, wanted: ast.Call, number: int | None) -> None:
        self._wanted, self._number = wanted, ast.Constant(number)

    def visit_Await(self, node: ast.Await) -> ast.AST:
        if node.value is not self._wanted:
            return self.generic_visit(node)
        self._told(self._wanted)
        return at(call(PROBE, "answered", self._number, node), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if node is not self._wanted:
            return self.generic_visit(node)
        self._told(node)
        return at(call(PROBE, "answered", self._number, node), node)

    def _told(self, node: ast.Call) -> None:
        given: list[Any] = [*node.args, *node.keywords]
        alone = ast.Constant(not given)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        again = [ast.Name(owner.id, ast.Load())] if isinstance(owner, ast.Name) else []
        node.func = at(call(PROBE, "called", self._number, alone, node.func, *again), node.func)
        for place, argument in enumerate(given):
            last = argument is given[-1]
            if isinstance(argument, ast.keyword):
                argument.value = self._given(argument.arg or "**", last, argument.value)
            elif isinstance(argument, ast.Starred):
                argument.value = self._given("*", last, argument.value)
            else:
                node.args[place] = self._given(str(place), last, argument)

    def _given(self, name: str, last: bool, value: ast.expr) -> ast.expr:
        return at(call(PROBE, "given", self._number, name, ast.Constant(last), value), value)


class _Ends(Here, ast.NodeTransformer):
    """`return x` and `yield x`; in a generator also the clauses that an exception thrown into it enters."""

    def __init__(self, owner: Owner, generator: bool) -> None:
        self._owner, self._generator = owner, generator

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None:
            node.value = at(call(self._owner, "ret", node.value), node.value)
        return node

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        self.generic_visit(node)
        value = node.value or at(ast.Constant(None), node)
        node.value = at(call(SPAN, "give", value), value)
        return at(call(SPAN, "resume", node), node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        self.generic_visit(node)
        node.value = at(call(SPAN, "suspend", node.value), node.value)
        return at(call(SPAN, "resume", node), node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        if self._generator:
            node.body.insert(0, _resumed(node))
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        self.generic_visit(node)
        if self._generator and node.finalbody:
            node.finalbody.insert(0, _resumed(node.finalbody[0]))
        return node

    def visit_TryStar(self, node: Any) -> ast.AST:
        return self.visit_Try(node)


def _plain_name(function: ast.expr) -> str:
    """How a call names what it calls, where that is no attribute: `tool`, or `TOOLS[]` for an entry of a table."""
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Subscript):
        owner = function.value
        return f"{owner.attr if isinstance(owner, ast.Attribute) else _plain_name(owner)}[]"
    return ""


def _is_generator(node: Function) -> bool:
    return any(isinstance(inner, _YIELDS) for entry in node.body for inner in _walk_here(entry))


def _spanned(node: Function, number: int, owner: Owner, played: bool) -> Function:
    heading = 1 if is_docstring(node.body[0]) else 0
    body = node.body[heading:]
    if not body:
        return node
    ends = _Ends(owner, _is_generator(node))
    arguments = node.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None]
    told = ast.Dict([ast.Constant(name) for name in names], [ast.Name(name, ast.Load()) for name in names])
    name = ast.Name(SPAN, ast.Store()) if owner == SPAN else None
    item = ast.withitem(call(PROBE, "span", number, told), name)
    inside = ends.block(body)
    if played:
        replied = ast.Return(call(owner, "ret", call(PROBE, "play", number)))
        inside.insert(0, at(ast.If(call(PROBE, "plays", number), [replied], []), body[0]))
    node.body = [*node.body[:heading], around(item, inside, body[0])]
    return node


def _watched(node: Function) -> Function:
    """A function without a span: an exception that leaves it, and the harness with it, is told of."""
    heading = 1 if is_docstring(node.body[0]) else 0
    body = node.body[heading:]
    if len(body) == 0 or not any(isinstance(inner, _MAY_RAISE) for entry in body for inner in _walk_here(entry)):
        return node
    kind = at(ast.Attribute(ast.Name(PROBE, ast.Load()), "Escapes", ast.Load()), body[0])
    told = [statement(call(PROBE, "escaping"), body[0]), at(ast.Raise(None, None), body[0])]
    watch = at(ast.Try(body, [at(ast.ExceptHandler(kind, None, told), body[0])], [], []), body[0])
    watch.end_lineno = body[-1].end_lineno
    node.body = [*node.body[:heading], watch]
    return node


def _resumed(where: ast.stmt | ast.excepthandler) -> ast.stmt:
    return statement(call(SPAN, "resume", at(ast.Constant(None), where)), where)


def _walk_here(node: ast.AST, closed: tuple[type[ast.AST], ...] = ()) -> Iterator[ast.AST]:
    """`node` and what is inside it, without what is in functions, classes and nodes that are `closed`."""
    yield node
    if not isinstance(node, (*_SCOPES, *closed)):
        for child in ast.iter_child_nodes(node):
            yield from _walk_here(child, closed)


def _looks_at_locals(node: Function) -> bool:
    for inner in (found for entry in node.body for found in _walk_here(entry)):
        if isinstance(inner, ast.Attribute) and inner.attr == "f_locals":
            return True
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name):
            given = len(inner.args) + len(inner.keywords)
            if given < {"locals": 1, "vars": 1, "dir": 1, "eval": 2, "exec": 2}.get(inner.func.id, 0):
                return True
    return False
