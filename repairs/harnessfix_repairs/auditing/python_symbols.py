"""The symbols of a Python file, each with the lines that are its own.

A function's or class's own lines are those of its definition without the definitions inside it. At module and class
level a simple assignment is a symbol of its own. `<imports>` holds import lines, `<module>` the rest.
"""

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from harnessfix_repairs.syntax import parsed

IMPORTS, MODULE = "<imports>", "<module>"
_Scope = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_Definition = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass
class Symbols:
    """Symbols of one version of a file.

    Args:
        own: symbol to its own lines, blank ones left out.
        signatures: function to its parameters, defaults, annotations and decorators as source.
    """

    own: dict[str, list[str]] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)


def read_symbols(text: str) -> Symbols:
    """The symbols of a source text. Raises `SyntaxError` when it does not parse."""
    tree = parsed(text)
    lines = _lines(text)
    owner = [MODULE] * (len(lines) + 1)
    found = Symbols()
    for name, node in _symbols(tree, ""):
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        last = node.end_lineno or first
        if name == IMPORTS and any(owner[n] not in (MODULE, IMPORTS) for n in range(first, last + 1)):
            continue
        owner[first : last + 1] = [name] * (last + 1 - first)
        found.own.setdefault(name, [])
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            returns = ast.unparse(node.returns) if node.returns else ""
            found.signatures[name] = f"{ast.unparse(node.args)} -> {returns}"
    for number, line in enumerate(lines, 1):
        if line.strip():
            found.own.setdefault(owner[number], []).append(line.rstrip("\r\n"))
    return found


def symbols_at(text: str, start: int, end: int) -> list[str]:
    """The innermost symbols that lines `start` to `end` (from 1) belong to; empty when the text does not parse."""
    try:
        tree = parsed(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    owner: dict[int, str] = {}
    for name, node in _symbols(tree, ""):
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        for line in range(max(first, start), min(node.end_lineno or first, end) + 1):
            owner[line] = name
    return sorted({owner.get(line, MODULE) for line in range(start, end + 1)})


def _symbols(scope: _Scope, prefix: str) -> Iterator[tuple[str, ast.stmt]]:
    """Symbols below a scope, outer ones first, so that inner ones take their lines from them."""
    counts: Counter[str] = Counter()
    pending: list[ast.AST] = list(reversed(scope.body))
    while pending:
        node = pending.pop()
        if isinstance(node, _Definition):
            name = f"{prefix}{node.name}"
            counts[name] += 1
            name = name if counts[name] == 1 else f"{name}#{counts[name]}"
            yield name, node
            yield from _symbols(node, f"{name}.")
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield IMPORTS, node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(scope, (ast.Module, ast.ClassDef)):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if names:
                yield f"{prefix}{names[0]}", node
        elif isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            pending.extend(reversed([child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)]))


def _lines(text: str) -> list[str]:
    return io.StringIO(text, newline=None).read().split("\n")


def lost_comments(before: str, after: str) -> Counter[str]:
    """Comments of a source that a later version of it no longer has, and how many times. Both have to parse.

    Only statements that are not in both are taken apart into tokens, as nothing here is slower.
    """
    old, new = Counter(_top_level(before)), Counter(_top_level(after))
    left, right = ("".join((one - other).elements()) for one, other in ((old, new), (new, old)))
    return _comments(left) - _comments(right)


def _top_level(text: str) -> Iterator[str]:
    """The lines of a source, cut where a statement of the module begins on a line of its own."""
    lines = _lines(text)
    done = end = 0
    for node in parsed(text).body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        if first > end:
            yield "".join(f"{line}\n" for line in lines[done : first - 1])
            done = first - 1
        end = node.end_lineno or first
    yield "".join(f"{line}\n" for line in lines[done:])


def _comments(text: str) -> Counter[str]:
    if "#" not in text:
        return Counter()
    try:
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        return Counter(token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT)
    except (tokenize.TokenError, IndentationError):
        return Counter()
