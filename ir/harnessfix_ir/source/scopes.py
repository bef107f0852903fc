"""One Python file, parsed once and sorted by scope: what every role works from."""

import ast
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

from .nodes import children, walk

N = TypeVar("N", bound=ast.AST)
_FILLS = ("append", "extend", "insert", "update")
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_SCOPED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_NONE: list[ast.AST] = []  # shared by all that have no node of a kind; nobody changes what is found


class Scope:
    """A module, class or function with the nodes that lie directly in it (lambdas and comprehensions included).

    Attributes:
        node: the tree it stands for.
        qualname: dotted name inside the file, without `<locals>`; `<module>` for the module.
        name: the last part of it.
        is_function, is_class: whether it is a function or method, or the body of a class.
        parent: the scope around it, None for the module.
        imports: local name to dotted name, for imports written here.
    """

    __slots__ = (
        "_bindings",
        "_flows",
        "_params",
        "_replaced",
        "_stored",
        "_texts",
        "callees",
        "children",
        "imports",
        "is_class",
        "is_function",
        "name",
        "node",
        "nodes",
        "parent",
        "qualname",
    )

    def __init__(self, node: ast.Module | ast.ClassDef | FunctionNode, qualname: str, parent: "Scope | None") -> None:
        self.node = node
        self.qualname = qualname
        self.name = qualname.rpartition(".")[2]
        self.is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        self.is_class = isinstance(node, ast.ClassDef)
        self.parent = parent
        self.nodes: dict[type[ast.AST], list[ast.AST]] = {}
        self.children: list[Scope] = []
        self.imports: dict[str, str] = {}
        self.callees: dict[ast.Call, str] = {}
        self._bindings: dict[str, list[ast.expr]] | None = None
        self._flows: dict[str, set[str]] | None = None
        self._params: list[str] | None = None
        self._stored: set[str] | None = None
        self._replaced: set[str] | None = None
        self._texts: tuple[list[int], list[str]] | None = None

    @property
    def function(self) -> FunctionNode:
        """The function's tree. Only for function scopes."""
        assert isinstance(self.node, (ast.FunctionDef, ast.AsyncFunctionDef))
        return self.node

    @property
    def owner(self) -> "Scope | None":
        """The class whose method this is, or None."""
        return self.parent if self.parent is not None and self.parent.is_class and self.is_function else None

    @property
    def methods(self) -> list["Scope"]:
        """Functions defined directly in the scope: of a class its methods."""
        return [child for child in self.children if child.is_function]

    def method(self, name: str) -> "Scope | None":
        """The first of those functions that is called so."""
        return next((child for child in self.methods if child.name == name), None)

    def of(self, kind: type[N]) -> list[N]:
        """Nodes of exactly this type directly in the scope, in order of source."""
        return self.nodes.get(kind, _NONE)  # type: ignore[return-value]

    @property
    def tries(self) -> Iterator[ast.Try | ast.TryStar]:
        """`try` statements directly in the scope."""
        yield from self.of(ast.Try)
        yield from self.of(ast.TryStar)

    @property
    def loops(self) -> Iterator[ast.While | ast.For | ast.AsyncFor]:
        """Loop statements directly in the scope."""
        yield from self.of(ast.While)
        yield from self.of(ast.For)
        yield from self.of(ast.AsyncFor)

    @property
    def bindings(self) -> dict[str, list[ast.expr]]:
        """Plain names assigned here, with their values in order of source."""
        if self._bindings is None:
            found: dict[str, list[ast.expr]] = {}
            for node in sorted(self.assignments, key=lambda n: n.lineno):
                for target in targets_of(node):
                    if isinstance(target, ast.Name) and node.value is not None:
                        found.setdefault(target.id, []).append(node.value)
            self._bindings = found
        return self._bindings

    @property
    def stored(self) -> set[str]:
        """Plain names that get a value here, in whatever way."""
        if self._stored is None:
            self._stored = {node.id for node in self.of(ast.Name) if isinstance(node.ctx, ast.Store)}
        return self._stored

    @property
    def replaced(self) -> set[str]:
        """Of a class the attributes that its methods put something into: `self.x = …`."""
        if self._replaced is None:
            self._replaced = {
                node.attr
                for child in self.children
                for node in child.deep(ast.Attribute)
                if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id == "self"
            }
        return self._replaced

    @property
    def flows(self) -> dict[str, set[str]]:
        """From each name to the names that are made from it here, by assignment or by `append`-like calls."""
        if self._flows is None:
            self._flows = self.flows_by(walk)
        return self._flows

    def flows_by(self, parts: Callable[[ast.expr], Iterable[ast.AST]]) -> dict[str, set[str]]:
        """The same where only some parts of a value count: `parts` gives them."""
        found: dict[str, set[str]] = {}
        for targets, value in self._moves():
            names = {n.id for t in targets for n in walk(t) if isinstance(n, ast.Name)}
            for node in parts(value):
                if isinstance(node, ast.Name):
                    found.setdefault(node.id, set()).update(names)
        return found

    def _moves(self) -> Iterator[tuple[list[ast.expr], ast.expr]]:
        """What is put where: by assignment, by `+=` and `:=`, and by `append`-like calls."""
        for node in self.assignments:
            if node.value is not None:
                yield targets_of(node), node.value
        for grown in self.of(ast.AugAssign):
            yield [grown.target], grown.value
        for named in self.of(ast.NamedExpr):
            yield [named.target], named.value
        for call in self.of(ast.Call):
            func = call.func
            if isinstance(func, ast.Attribute) and func.attr in _FILLS and isinstance(func.value, ast.Name):
                for value in call.args:
                    yield [func.value], value

    def texts_near(self, line: int, reach: int) -> list[str]:
        """String literals at most `reach` lines away from a line."""
        if self._texts is None:
            pairs = sorted((node.lineno, node.value) for node in self.of(ast.Constant) if isinstance(node.value, str))
            self._texts = [at for at, _ in pairs], [text for _, text in pairs]
        lines, texts = self._texts
        return texts[bisect_left(lines, line - reach) : bisect_right(lines, line + reach)]

    @property
    def for_loops(self) -> Iterator[ast.For | ast.AsyncFor]:
        """`for` statements directly in the scope."""
        yield from self.of(ast.For)
        yield from self.of(ast.AsyncFor)

    @property
    def assignments(self) -> Iterator[ast.Assign | ast.AnnAssign]:
        """Assignments directly in the scope."""
        yield from self.of(ast.Assign)
        yield from self.of(ast.AnnAssign)

    @property
    def tests(self) -> Iterator[ast.expr]:
        """Conditions of `if`, `while`, `assert` and conditional expressions directly in the scope."""
        for branch in self.of(ast.If):
            yield branch.test
        for choice in self.of(ast.IfExp):
            yield choice.test
        for loop in self.of(ast.While):
            yield loop.test
        for check in self.of(ast.Assert):
            yield check.test

    def deep(self, kind: type[N]) -> Iterator[N]:
        """Nodes of exactly this type here and in nested functions."""
        yield from self.of(kind)
        for child in self.children:
            yield from child.deep(kind)

    def resolve(self, name: str) -> str:
        """Dotted name behind a plain name: through the imports of this scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.imports:
                return scope.imports[name]
            scope = scope.parent
        return name

    @property
    def params(self) -> list[str]:
        """Names of all parameters in order; empty for other scopes than functions."""
        if self._params is None:
            self._params = [argument.arg for argument in all_arguments(self.function.args)] if self.is_function else []
        return self._params


def targets_of(assignment: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    """What an assignment gives a value."""
    return assignment.targets if isinstance(assignment, ast.Assign) else [assignment.target]


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Every parameter of a function, star parameters included, in order."""
    found = [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg:
        found.append(arguments.vararg)
    found.extend(arguments.kwonlyargs)
    if arguments.kwarg:
        found.append(arguments.kwarg)
    return found


class FileContext:
    """A parsed file.

    Args:
        path: path in the model.
        module: dotted module name, for relative imports.
        text: source with `\\n` newlines.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: when `text` cannot be parsed.
    """

    def __init__(self, path: str, module: str, text: str) -> None:
        self.path = path
        self.module = module
        self.text = text
        self.lines = text.split("\n")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.tree = ast.parse(text, filename=path)
        self.parents: dict[ast.AST, ast.AST] = {}
        self.root = Scope(self.tree, "<module>", None)
        self.scopes: list[Scope] = [self.root]
        self._all: dict[type[ast.AST], list[tuple[Scope, ast.AST]]] = {}
        self._sort()
        self._read_imports()

    @cached_property
    def attributes_of(self) -> set[str]:
        """`self.x` for every `self.x.y` in the file whose `y` is no method of a dictionary: `self.x` is an object."""
        return {
            f"self.{node.value.attr}"
            for _, node in self.all(ast.Attribute)
            if isinstance(node.value, ast.Attribute)
            and isinstance(node.value.value, ast.Name)
            and node.value.value.id == "self"
            and not hasattr(dict, node.attr)
        }

    @cached_property
    def functions(self) -> Sequence[Scope]:
        """Function scopes in order of source."""
        return [scope for scope in self.scopes if scope.is_function]

    @cached_property
    def classes(self) -> Sequence[Scope]:
        """Class scopes in order of source."""
        return [scope for scope in self.scopes if scope.is_class]

    @cached_property
    def modules(self) -> set[str]:
        """Names that `import x` and `import x as y` give to modules, anywhere in the file."""
        aliases = (alias for _, node in self.all(ast.Import) for alias in node.names)
        return {alias.asname or alias.name.partition(".")[0] for alias in aliases}

    @cached_property
    def defined(self) -> set[str]:
        """Names of the functions and classes that stand in no other."""
        return {scope.name for scope in self.root.children}

    def all(self, kind: type[N]) -> Sequence[tuple[Scope, N]]:
        """Nodes of exactly this type with the scope that each lies in."""
        found = self._all.get(kind)
        if found is None:
            found = self._all[kind] = [(scope, node) for scope in self.scopes for node in scope.of(kind)]
        return found  # type: ignore[return-value]

    def close(self) -> None:
        """Break the cycles between scopes, so that the tree is freed at once."""
        for scope in self.scopes:
            scope.children.clear()
            scope.nodes.clear()
            scope.callees.clear()
            scope._bindings = None
            scope.parent = None
        self.scopes.clear()
        self._all.clear()

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Nodes around `node`, innermost first, up to and without the function, class or module that holds it."""
        around = self.parents.get(node)
        while around is not None and not isinstance(around, (*_SCOPED, ast.Module)):
            yield around
            around = self.parents.get(around)

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The statement that `node` is part of."""
        around: ast.AST | None = node
        while around is not None and not isinstance(around, ast.stmt):
            around = self.parents.get(around)
        return around

    def segment(self, node: ast.expr | ast.stmt, limit: int = 200) -> str:
        """Source of a node on one line, cut to `limit` characters."""
        start, end = node.lineno, node.end_lineno or node.lineno
        if start == end:
            line = self.lines[start - 1]
            text = line[node.col_offset : node.end_col_offset] if line.isascii() else _by_bytes(line, node)
        else:
            lines = self.lines[start - 1 : end]
            first = lines[0].encode()[node.col_offset :].decode("utf-8", "replace")
            last = lines[-1].encode()[: node.end_col_offset].decode("utf-8", "replace")
            text = " ".join(part.strip() for part in (first, *lines[1:-1], last))
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def _sort(self) -> None:
        """One walk: parents of all nodes, nodes by scope and type, in order of source."""
        parents = self.parents
        stack: list[tuple[Any, Scope]] = [(self.tree, self.root)]
        while stack:
            node, scope = stack.pop()
            kind = node.__class__
            below = children(node)
            if below:
                around: ast.AST = node
                parents.update(dict.fromkeys(below, around))
            if kind in _SCOPED:
                inner = self._open(node, scope)
                own = {id(statement) for statement in node.body}
                stack += [(child, inner if id(child) in own else scope) for child in reversed(below)]
                continue
            if kind is not ast.Module:
                bucket = scope.nodes.get(kind)
                if bucket is None:
                    scope.nodes[kind] = [node]
                else:
                    bucket.append(node)
            stack += [(child, scope) for child in reversed(below)]

    def _open(self, node: ast.ClassDef | FunctionNode, around: Scope) -> Scope:
        qualname = node.name if around.parent is None else f"{around.qualname}.{node.name}"
        inner = Scope(node, qualname, around)
        around.nodes.setdefault(node.__class__, []).append(node)
        around.children.append(inner)
        self.scopes.append(inner)
        return inner

    def _read_imports(self) -> None:
        for scope, plain in self.all(ast.Import):
            for alias in plain.names:
                scope.imports[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        is_package = self.path.endswith("__init__.py")
        for scope, node in self.all(ast.ImportFrom):
            source = absolute_module(node.module or "", node.level, self.module, is_package)
            for alias in node.names:
                scope.imports[alias.asname or alias.name] = f"{source}.{alias.name}" if source else alias.name


def absolute_module(name: str, level: int, module: str, is_package: bool) -> str:
    """The module that `from ..name import` means inside `module`."""
    if level == 0:
        return name
    parts = module.split(".")
    if not is_package:
        parts = parts[:-1]
    parts = parts[: len(parts) - (level - 1)] if level > 1 else parts
    return ".".join([*parts, *([name] if name else [])])


def _by_bytes(line: str, node: ast.expr | ast.stmt) -> str:
    return line.encode()[node.col_offset : node.end_col_offset].decode("utf-8", "replace")
