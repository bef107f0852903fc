"""One Python file under edit: where its nodes stand, what encloses them, and how they are replaced.

Only LibCST's position provider is asked for; parents and definitions come from one walk, which is several times
cheaper than the metadata providers for them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from harnessfix_ir.anchors import Anchor
from harnessfix_repairs.operators.base import Refusal

from .helpers import Helper, with_helpers, with_imports

N = TypeVar("N", bound=cst.CSTNode)
Change = Callable[[Any], Any]
Definition = cst.FunctionDef | cst.ClassDef


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
        self._parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self._definitions: dict[str, list[Definition]] = {}
        self._names: dict[cst.CSTNode, str] = {self.module: ""}
        self._order: list[cst.CSTNode] = []
        self._walk()

    def _walk(self) -> None:
        stack: list[cst.CSTNode] = [self.module]
        while stack:
            node = stack.pop()
            self._order.append(node)
            children = node.children
            for child in children:
                self._parents[child] = node
                if isinstance(child, Definition):
                    name = ".".join(filter(None, (self._scope_name(node), child.name.value)))
                    self._names[child] = name
                    self._definitions.setdefault(name, []).append(child)
            stack.extend(reversed(children))

    def _scope_name(self, node: cst.CSTNode) -> str:
        while node not in self._names:
            node = self._parents[node]
        return self._names[node]

    @cached_property
    def _positions(self) -> Mapping[cst.CSTNode, CodeRange]:
        # Nothing is shared between parsed trees, so the deep copy that the wrapper would make is not needed.
        return MetadataWrapper(self.module, unsafe_skip_copy=True).resolve(PositionProvider)

    def lines(self, node: cst.CSTNode) -> tuple[int, int]:
        """First and last line of a node, counted from 1."""
        place = self._positions[node]
        return place.start.line, place.end.line

    def line(self, node: cst.CSTNode) -> int:
        """First line of a node."""
        return self.lines(node)[0]

    def code(self, node: cst.CSTNode) -> str:
        """The source of a node."""
        return self.module.code_for_node(node)

    def parents(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What encloses a node, innermost first."""
        while (above := self._parents.get(node)) is not None:
            yield above
            node = above

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
            found = self._parents.get(found)
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
        return self._scope_name(node)

    def definition(self, qualname: str, line: int) -> cst.CSTNode:
        """What a qualified name stands for: a definition, the assignment of an attribute, or the module.

        Of several definitions with one name the one that holds `line` is meant, else the nearest.
        """
        name = qualname.replace("<locals>.", "")
        if name in ("", "<module>"):
            return self.module
        if found := self._definitions.get(name):
            return min(found, key=lambda node: self._distance(node, line))
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

    def within(self, scope: cst.CSTNode, sort: type[N] | tuple[type[N], ...]) -> list[N]:
        """Nodes of a sort in (and below) a node, in order of the text."""
        found = []
        stack = [scope]
        while stack:
            node = stack.pop()
            if isinstance(node, sort):
                found.append(node)
            stack.extend(reversed(node.children))
        return found

    def find(
        self, anchor: Anchor, sort: type[N] | tuple[type[N], ...], where: Callable[[N], bool] = lambda node: True
    ) -> list[N]:
        """Nodes of a sort at an anchor, in order of the text; empty when there are none.

        Those that stand on its lines; then those that reach over them; then, as lines move with earlier edits, the only
        one in the definition that the anchor names.
        """
        scope = self.definition(anchor.qualname, anchor.start_line)
        there = [node for node in self.within(scope, sort) if where(node)]
        first, last = anchor.start_line, max(anchor.end_line, anchor.start_line)
        spans = [(node, *self.lines(node)) for node in there]
        inside = [node for node, start, end in spans if first <= start and end <= last]
        if inside:
            return inside
        touching = [node for node, start, end in spans if start <= last and end >= first]
        if touching:
            return touching
        return there if len(there) == 1 else []

    @cached_property
    def imported(self) -> Mapping[str, str]:
        """Local name to dotted name of everything that the file imports, at any level."""
        names: dict[str, str] = {}
        for node in self._order:
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
        return frozenset(node.value for node in self._order if isinstance(node, cst.Name))

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
        tops = [index for index, node in enumerate(self.module.body) if self._holds(node, changes)]
        changed = self._changed(changes, tops)
        changed = with_helpers(self, changed, helpers, tops[0] if tops else 0)
        return with_imports(changed, imports).code

    def _changed(self, changes: Mapping[cst.CSTNode, Change], tops: Sequence[int]) -> cst.Module:
        """The module with the changes; of its statements only those that hold one are gone through."""
        rewriter = _Rewriter(changes)
        if self.module in changes or not tops:
            whole = self.module.visit(rewriter)
            assert isinstance(whole, cst.Module)
            return whole
        body: list[Any] = []
        for index, statement in enumerate(self.module.body):
            new = statement.visit(rewriter) if index in tops else statement
            if isinstance(new, cst.FlattenSentinel):
                body.extend(new)
            elif isinstance(new, cst.CSTNode):
                body.append(new)
        return self.module.with_changes(body=body)

    def _holds(self, top: cst.CSTNode, changes: Mapping[cst.CSTNode, Change]) -> bool:
        return any(node is top or top in self.parents(node) for node in changes)


@lru_cache(maxsize=2)
def python_file(path: str, text: str) -> PythonFile:
    """A parsed file; the last ones are kept, as several repairs of one file parse it again and again."""
    return PythonFile(path, text)


class _Rewriter(cst.CSTTransformer):
    def __init__(self, changes: Mapping[cst.CSTNode, Change]) -> None:
        super().__init__()
        self.changes = changes

    def on_leave(self, original_node: cst.CSTNode, updated_node: Any) -> Any:
        change = self.changes.get(original_node)
        return updated_node if change is None else change(updated_node)


def chain(*changes: Change) -> Change:
    """Changes of one node, made one after the other."""

    def all_of(node: Any) -> Any:
        for change in changes:
            node = change(node)
        return node

    return all_of
