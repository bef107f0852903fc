"""One Python file under edit: where its nodes stand, what encloses them, and how they are replaced."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from io import StringIO
from typing import Any, TypeVar

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_repairs.operators.base import Refusal
from harnessfix_repairs.syntax import parsed

from .helpers import Helper, with_helpers, with_imports
from .rendering import code_beside
from .replacing import Change as Change  # what edits are typed with
from .replacing import replaced
from .tree import STATEMENTS, Sorts, Tree

N = TypeVar("N", bound=cst.CSTNode)
Definition = cst.FunctionDef | cst.ClassDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class PythonFile:
    """A parsed module.

    Args:
        path: for messages.
        text: the source. Raises `Refusal` when it does not parse.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        try:
            self.module = cst.parse_module(text)
        except (cst.ParserSyntaxError, RecursionError) as error:
            line = getattr(error, "raw_line", 0)
            raise Refusal(f"{path} does not parse (line {line})") from error
        self.tree = Tree(self.module, text)

    @cached_property
    def _definitions(self) -> Mapping[str, Sequence[Definition]]:
        found: dict[str, list[Definition]] = {}
        for node in self.tree.statements(self.module):
            if isinstance(node, Definition):
                found.setdefault(self.qualname(node), []).append(node)
        return found

    def lines(self, node: cst.CSTNode) -> tuple[int, int]:
        """First and last line of a node, counted from 1."""
        return self.tree.lines(node)

    def line(self, node: cst.CSTNode) -> int:
        """First line of a node."""
        return self.lines(node)[0]

    def code(self, node: cst.CSTNode) -> str:
        """The source of a node."""
        return self.module.code_for_node(node)

    def parents(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What encloses a node, innermost first."""
        return self.tree.parents(node)

    def enclosing(self, node: cst.CSTNode, sort: type[N] | tuple[type[N], ...]) -> N | None:
        """The innermost node of that sort around a node, looked for no further than the function it is in."""
        for above in self.parents(node):
            if isinstance(above, sort):
                return above  # pyright: ignore[reportReturnType]
            if isinstance(above, (cst.FunctionDef, cst.Lambda)) and sort is not cst.ClassDef:
                return None
        return None

    def statement(self, node: cst.CSTNode) -> cst.SimpleStatementLine | cst.BaseCompoundStatement:
        """The statement line or compound statement that a node belongs to, itself included."""
        found: cst.CSTNode | None = node
        while found is not None and not isinstance(found, (cst.SimpleStatementLine, cst.BaseCompoundStatement)):
            found = self.tree.parent(found)
        if found is None:
            raise Refusal(f"{self.path}: no statement around {self.code(node)[:40]!r}")
        return found

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """The innermost function around a node."""
        return self.enclosing(node, cst.FunctionDef)

    def klass(self, node: cst.CSTNode) -> cst.ClassDef | None:
        """The innermost class around a node."""
        return self.enclosing(node, cst.ClassDef)

    def qualname(self, node: cst.CSTNode) -> str:
        """Dotted name of a definition, or of the one around a node; empty at module level."""
        names = [one.name.value for one in (node, *self.parents(node)) if isinstance(one, Definition)]
        return ".".join(reversed(names))

    def definition(self, qualname: str, line: int) -> cst.CSTNode:
        """What a qualified name stands for: a definition, the assignment of an attribute, or the module.

        Of several definitions with one name the one that holds `line` is meant, else the nearest.
        """
        name = qualname.replace("<locals>.", "")
        if name in ("", "<module>"):
            return self.module
        if found := self._definitions.get(name):
            return found[0] if len(found) == 1 else min(found, key=lambda node: self._distance(node, line))
        outer, _, last = name.rpartition(".")
        if outer and outer not in self._definitions:
            raise Refusal(f"{self.path} has no {qualname}")
        scope = self.definition(outer, line)
        assigned: list[tuple[cst.CSTNode, cst.CSTNode]] = [
            *((node, node.target) for node in self.within(scope, cst.AnnAssign)),
            *((node, part.target) for node in self.within(scope, cst.Assign) for part in node.targets),
        ]
        for node, target in assigned:
            if isinstance(target, cst.Name) and target.value == last:
                return node
        raise Refusal(f"{self.path} has no {qualname}")

    def _distance(self, node: cst.CSTNode, line: int) -> int:
        start, end = self.lines(node)
        return 0 if start <= line <= end else min(abs(start - line), abs(end - line))

    def within(
        self, scope: cst.CSTNode, sort: type[N] | tuple[type[N], ...], holding: re.Pattern[str] | None = None
    ) -> list[N]:
        """Nodes of a sort in (and below) a node, in order of the text.

        Args:
            scope: the node.
            sort: of the nodes.
            holding: what the source of all that is meant matches; statements of the module without it are passed over.
        """
        sorts = sort if isinstance(sort, tuple) else (sort,)
        walk = self.tree.statements if all(issubclass(one, STATEMENTS) for one in sorts) else self.tree.below
        fits = _sorts(sorts)
        scopes = [scope] if holding is None or scope is not self.module else self._holding(holding)
        found = [node for one in scopes for node in walk(one) if fits[type(node)]]
        for node in found:  # so that what encloses their parts is known without a look at the whole module
            self.tree.children(node)
        return found  # type: ignore[return-value]

    def _holding(self, pattern: re.Pattern[str]) -> list[cst.CSTNode]:
        """Statements of the module in whose lines, or between them and the statement before, the pattern matches."""
        places = self.tree.unit_lines
        if not places:
            return [self.module]
        lines = StringIO(self.text, newline=None).read().split("\n")
        found: list[cst.CSTNode] = []
        done = 0
        for statement in self.module.body:
            last = places[statement][1]
            if pattern.search("\n".join(lines[done:last])):
                found.append(statement)
            done = last - 1  # the next one may begin on the same line
        return found

    def find(
        self, anchor: Anchor, sort: type[N] | tuple[type[N], ...], where: Callable[[N], bool] = lambda node: True
    ) -> list[N]:
        """Nodes of a sort at an anchor, in order of the text; empty when there are none.

        Those that stand on its lines; then those that reach over them; then, as lines move with earlier edits, the only
        one in the definition that the anchor names.
        """
        scope = self.definition(anchor.qualname, anchor.start_line)
        first, last = anchor.start_line, max(anchor.end_line, anchor.start_line)
        if scope is self.module:  # what stands on the lines is looked for before anything else is
            lines = self.tree.unit_lines
            touched = [unit for unit in self.module.body if unit in lines and self._reaches(lines[unit], first, last)]
            near = [node for unit in touched for node in self.within(unit, sort) if where(node)]
            if inside := self._between(near, first, last):
                return inside
        there = [node for node in self.within(scope, sort) if where(node)]
        if inside := self._between(there, first, last):
            return inside
        if touching := [node for node in there if self._reaches(self.lines(node), first, last)]:
            return touching
        return there if len(there) == 1 else []

    def _between(self, nodes: list[N], first: int, last: int) -> list[N]:
        return [node for node in nodes if first <= self.line(node) and self.lines(node)[1] <= last]

    @staticmethod
    def _reaches(lines: tuple[int, int], first: int, last: int) -> bool:
        return lines[0] <= last and lines[1] >= first

    @cached_property
    def imported(self) -> Mapping[str, str]:
        """Local name to dotted name of everything that the file imports, at any level."""
        names: dict[str, str] = {}
        for node in self.tree.statements(self.module):
            if isinstance(node, cst.Import):
                for alias in node.names:
                    full = self.code(alias.name)
                    if alias.asname is not None:
                        names[self.code(alias.asname.name)] = full
                    else:
                        names[full.split(".")[0]] = full.split(".")[0]
            elif isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
                module = "." * len(node.relative) + (self.code(node.module) if node.module else "")
                for alias in node.names:
                    local = self.code(alias.asname.name) if alias.asname else self.code(alias.name)
                    names[local] = f"{module}.{self.code(alias.name)}"
        return names

    def dotted(self, node: cst.CSTNode) -> str:
        """What a name or attribute chain leads to, through the file's imports; empty for anything else."""
        parts: list[str] = []
        while isinstance(node, cst.Attribute):
            parts.append(node.attr.value)
            node = node.value
        if not isinstance(node, cst.Name):
            return ""
        first = self.imported.get(node.value, node.value)
        return ".".join([first, *reversed(parts)])

    @cached_property
    def used_names(self) -> frozenset[str]:
        """Every identifier in the file."""
        return frozenset(node.value for node in self.within(self.module, cst.Name))

    @cached_property
    def bound_names(self) -> frozenset[str]:
        """Every name that anything but an import or a method's definition gives a meaning, in any scope."""
        try:
            return frozenset(_bound(parsed(self.text)))
        except (SyntaxError, ValueError, RecursionError):  # of another Python than this one: any name may be bound
            return self.used_names

    def fresh(self, scope: cst.CSTNode, *wanted: str) -> str:
        """The first of these names that nothing in `scope` uses. Raises `Refusal` when all are taken."""
        used = {name.value for name in self.within(scope, cst.Name)}
        for name in wanted:
            if name not in used:
                return name
        raise Refusal(f"{self.path} already uses the name {wanted[-1]}")

    def expression(self, source: str) -> cst.BaseExpression:
        """Parse an expression."""
        return cst.parse_expression(source, config=self.module.config_for_parsing)

    def statements(self, source: str) -> list[Any]:
        """Parse statements written with four blanks and line feeds; they come out in the file's own style."""
        styled = re.sub(r"(?m)^(?: {4})+", lambda m: self.module.default_indent * (len(m.group()) // 4), source)
        styled = styled.replace("\n", self.module.default_newline)
        return list(cst.parse_module(styled, config=self.module.config_for_parsing).body)

    def rewrite(
        self,
        changes: Mapping[cst.CSTNode, Change],
        *,
        imports: Sequence[str] = (),
        helpers: Sequence[Helper] = (),
    ) -> str:
        """The text with nodes replaced.

        Args:
            changes: node to a function from the node (its own inner changes made) to what shall stand there.
            imports: modules (`os`) or names (`pathlib:Path`) that must be imported.
            helpers: functions that must exist at module level; placed before the first changed top-level statement.
        """
        if not changes:
            return self.text
        tops = {self._top(node) for node in changes}
        first = next((index for index, node in enumerate(self.module.body) if node in tops), 0)
        changed = with_helpers(self, replaced(self.tree, changes), helpers, first)
        return code_beside(self.module, self.text, with_imports(changed, imports))

    def _top(self, node: cst.CSTNode) -> cst.CSTNode:
        return [node, *self.parents(node)][-2:][0]


@cache
def _sorts(sorts: tuple[type[cst.CSTNode], ...]) -> Sorts:
    return Sorts(*sorts)


def _bound(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
            yield node.name or ""
        elif isinstance(node, ast.MatchMapping):
            yield node.rest or ""
        if not isinstance(node, ast.ClassDef):
            inner = ast.iter_child_nodes(node)
            yield from (one.name for one in inner if isinstance(one, _DEFINITIONS))


@lru_cache(maxsize=2)
def python_file(path: str, text: str) -> PythonFile:
    """A parsed file; the last ones are kept, as several repairs of one file parse it again and again."""
    return PythonFile(path, text)


def chain(*changes: Change) -> Change:
    """Changes of one node, made one after the other."""

    def all_of(node: Any) -> Any:
        for change in changes:
            node = change(node)
        return node

    return all_of
