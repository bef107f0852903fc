"""Tool interface: arguments, names, results, errors."""

import ast
from collections.abc import Iterator

from harnessfix_ir.vocabulary import Layer
from planting.mutator import PythonMutator
from planting.source import Edit, Source

from .shapes import guards, names


class ToolError(PythonMutator):
    """What went wrong in a tool is kept from the model."""

    name = "tool-error-swallowed"
    layer = Layer.TOOL_INTERFACE
    causes = frozenset(("T102", "T103", "O101"))
    operators = frozenset(("surface-failure", "structured-error", "record-exception"))

    def find(self, source: Source) -> Iterator[Edit]:
        """The texts that a handler makes of its exception, where it raises nothing."""
        for name, function in source.functions():
            for handler in source.inside(function):
                if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
                    continue
                if any(isinstance(inner, ast.Raise) for inner in ast.walk(handler)):
                    continue
                for statement in handler.body:
                    value = getattr(statement, "value", None)
                    told = isinstance(statement, (ast.Return, ast.Assign)) and isinstance(value, ast.JoinedStr)
                    if told and names(value, handler.name):
                        yield source.replace(value, '""', name)


class ToolRaises(PythonMutator):
    """A tool that fails ends the run."""

    name = "tool-error-fatal"
    layer = Layer.LIFECYCLE
    causes = frozenset(("L108",))
    operators = frozenset(("contain-step-error",))
    ends_runs = True

    def find(self, source: Source) -> Iterator[Edit]:
        """`try: return tool(**arguments)` with one broad clause that answers.

        Where the same `try` also reads JSON, errors of that stay caught: they are another flaw.
        """
        for name, function in source.functions():
            for node in source.inside(function):
                if not isinstance(node, ast.Try) or len(node.handlers) != 1 or node.orelse or node.finalbody:
                    continue
                kind = node.handlers[0].type
                broad = kind is None or ast.unparse(kind) in ("Exception", "BaseException")
                spreads = any(
                    isinstance(inner, ast.Call) and any(keyword.arg is None for keyword in inner.keywords)
                    for statement in node.body
                    for inner in ast.walk(statement)
                )
                if not (broad and spreads) or any(isinstance(inner, ast.Raise) for inner in ast.walk(node.handlers[0])):
                    continue
                parses = any("json.loads(" in source.segment(statement) for statement in node.body)
                if parses and kind is not None:
                    yield source.replace(kind, "ValueError", name)
                elif not parses:
                    yield source.replace(node, source.dedented(node.body), name)


class Parse(PythonMutator):
    """JSON that a model wrote is read outside the `try`."""

    name = "parse-unguarded"
    layer = Layer.TOOL_INTERFACE
    causes = frozenset(("T101",))
    operators = frozenset(("return-parse-error",))
    ends_runs = True

    def find(self, source: Source) -> Iterator[Edit]:
        """`try` blocks that begin with `x = json.loads(…)`."""
        for name, function in source.functions():
            for node in source.inside(function):
                if not isinstance(node, ast.Try) or not isinstance(node.body[0], ast.Assign) or node.finalbody:
                    continue
                if "json.loads(" not in source.segment(node.body[0]):
                    continue
                if len(node.body) == 1:
                    yield source.replace(node, source.dedented([node.body[0], *node.orelse][:1]), name)
                else:
                    start = source.span(node)[0]
                    first, second = source.span(node.body[0]), source.span(node.body[1])
                    moved = source.dedented(node.body[:1]) + "\n" + " " * node.col_offset
                    text = moved + source.text[start : first[0]] + source.text[second[0] : source.span(node)[1]]
                    yield Edit(start, source.span(node)[1], text, name)


class Shape(PythonMutator):
    """Nobody looks whether what a model sent is an object."""

    name = "shape-unchecked"
    layer = Layer.TOOL_INTERFACE
    causes = frozenset(("T101", "T108", "V106"))
    operators = frozenset(("return-parse-error", "validate-result", "validate-final"))

    def find(self, source: Source) -> Iterator[Edit]:
        """`if not isinstance(x, dict)` and the like, where the branch leaves."""
        for name, function in source.functions():
            for guard in guards(source, function, r"^not isinstance\(.*\b(dict|Mapping)\b"):
                yield source.remove(guard, name)


class UnknownTool(PythonMutator):
    """A tool that does not exist is looked up all the same."""

    name = "unknown-tool-unguarded"
    layer = Layer.TOOL_INTERFACE
    causes = frozenset(("T105",))
    operators = frozenset(("return-parse-error",))
    ends_runs = True

    def find(self, source: Source) -> Iterator[Edit]:
        """Branches for a name that is not among the tools."""
        for name, function in source.functions():
            for guard in guards(
                source, function, r"(not in .*([Tt]ools?|offered|functions|registry))|(^\w*tool\w* is None$)"
            ):
                yield source.remove(guard, name)
