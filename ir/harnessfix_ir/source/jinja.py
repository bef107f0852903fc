"""Jinja templates, parsed (never rendered): which values they show, and which of those they cut."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import nodes

_CUTS = frozenset(
    ("truncate", "batch", "first", "last", "length", "count", "wordcount", "int", "round", "tail", "head")
)
_PLAIN = re.compile(r"\{\{-?\s*([A-Za-z_][\w.]*)")


@dataclass
class JinjaFacts:
    """Values that a template shows.

    Args:
        shown: dotted paths (`output.stdout`) in order of first use, without loop and `set` variables.
        bounded: those of them that are cut wherever they are shown.
        error: why the template does not parse, empty when it does.
    """

    shown: list[str] = field(default_factory=list)
    bounded: list[str] = field(default_factory=list)
    error: str = ""


@lru_cache(maxsize=512)
def read_jinja(text: str) -> JinjaFacts:
    """Facts of a template's text. Parsing only: nothing of the template is run."""
    import jinja2

    try:
        tree = jinja2.Environment(autoescape=False, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(text)
        return _read(tree)
    except (jinja2.TemplateSyntaxError, RecursionError) as error:
        names = list(dict.fromkeys(_PLAIN.findall(text)))
        return JinjaFacts(names, [], str(error) or type(error).__name__)


def _read(tree: "nodes.Template") -> JinjaFacts:
    shown: dict[str, bool] = {}
    local: set[str] = set()
    for path, cut in _shown(tree, local, frozenset()):
        if path.partition(".")[0] not in local:
            shown[path] = shown.get(path, True) and cut
    return JinjaFacts(list(shown), [path for path, cut in shown.items() if cut])


def _shown(node: "nodes.Node", local: set[str], small: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Every value that the template shows and whether it is cut there; `small` holds paths known to be short."""
    from jinja2 import nodes

    if isinstance(node, nodes.Output):
        for item in node.nodes:
            if not isinstance(item, nodes.TemplateData):
                yield from _values(item, small, cut=False)
    elif isinstance(node, nodes.If):
        yield from _branches(node, local, small)
    else:
        if isinstance(node, nodes.For):
            local.update(n.name for n in node.target.find_all(nodes.Name))
            if isinstance(node.target, nodes.Name):
                local.add(node.target.name)
            local.add("loop")
            yield from _values(node.iter, small, cut=False)
        elif isinstance(node, (nodes.Assign, nodes.AssignBlock)):
            local.update(n.name for n in [node.target, *node.target.find_all(nodes.Name)] if isinstance(n, nodes.Name))
            return
        elif isinstance(node, nodes.Macro):
            local.update(a.name for a in node.args)
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.Stmt):
                yield from _shown(child, local, small)


def _branches(node: "nodes.If", local: set[str], small: frozenset[str]) -> Iterator[tuple[str, bool]]:
    below, above = _length_test(node.test)
    for child in node.body:
        yield from _shown(child, local, small | below)
    for branch in node.elif_:
        yield from _shown(branch, local, small | above)
    for child in node.else_:
        yield from _shown(child, local, small | above)
    # A value that is only tested must be supplied too, but what a test looks at is never shown.
    for path, _ in _values(node.test, small, cut=True):
        yield path, True


def _length_test(test: "nodes.Node") -> tuple[frozenset[str], frozenset[str]]:
    """Paths that are short when a `x|length < N` test holds, and those that are when it does not."""
    from jinja2 import nodes

    if not isinstance(test, nodes.Compare) or len(test.ops) != 1:
        return frozenset(), frozenset()
    path, operator = "", test.ops[0].op
    if isinstance(test.expr, nodes.Filter) and test.expr.name in ("length", "count") and test.expr.node is not None:
        path = path_of(test.expr.node)
    if not path:
        return frozenset(), frozenset()
    if operator in ("lt", "lteq"):
        return frozenset((path,)), frozenset()
    if operator in ("gt", "gteq"):
        return frozenset(), frozenset((path,))
    return frozenset(), frozenset()


def path_of(node: "nodes.Node") -> str:
    """Dotted path of a name with attributes and constant keys, else empty."""
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        inner = path_of(node.node)
        return f"{inner}.{node.attr}" if inner else ""
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        inner = path_of(node.node)
        return f"{inner}.{node.arg.value}" if inner else ""
    return ""


def _values(node: "nodes.Node", small: frozenset[str], cut: bool) -> Iterator[tuple[str, bool]]:
    from jinja2 import nodes

    path = path_of(node)
    if path:
        yield path, cut or path in small
        return
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        yield from _values(node.node, small, cut=True)
        return
    if isinstance(node, nodes.Filter):
        cut = cut or node.name in _CUTS or "trunc" in node.name
    elif isinstance(node, (nodes.Compare, nodes.Test, nodes.Not)):
        cut = True
    elif isinstance(node, nodes.CondExpr):
        yield from _values(node.test, small, cut=True)
        yield from _values(node.expr1, small, cut)
        if node.expr2 is not None:
            yield from _values(node.expr2, small, cut)
        return
    for child in node.iter_child_nodes():
        yield from _values(child, small, cut)
