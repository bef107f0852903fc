"""Tool interface: arguments, names, results, errors."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.vocabulary import Layer
from planting.mutator import PythonMutator
from planting.source import Edit, Source

from .shapes import answering, broad, guards, inside, names

RUNS_TOOL = re.compile(r"(^|[._])(tool|call_tool|execute|run_tool|invoke|run_command|execute_tool_call)$")
VALIDATES = re.compile(r"(json\.loads|validate_json|validate_python|model_validate|literal_eval)$")
RESULT = re.compile(r"result|output|observation|content", re.IGNORECASE)
TOLD = re.compile(
    r"""['"]role['"]: ['"]tool['"]|(Tool|Function)(Execution)?(Result|Return|Response|Output)?Message\(|ToolReturn"""
)
INVALID = re.compile(r"JSONDecodeError|ValueError|ValidationError")


class ToolError(PythonMutator):
    """What went wrong in a tool is kept from the model."""

    name = "tool-error-swallowed"
    layer = Layer.TOOL_INTERFACE
    causes = frozenset(("T102", "T103", "O101"))
    told_to_model = True
    operators = frozenset(("surface-failure", "structured-error", "record-exception"))

    def find(self, source: Source) -> Iterator[Edit]:
        """The texts that a handler makes of its exception, where it raises nothing, and its own text handed on."""
        for name, function in source.functions():
            for _, handler in answering(source, function):
                if handler.name is None:
                    continue
                for statement in handler.body:
                    value = getattr(statement, "value", None)
                    told = isinstance(statement, (ast.Return, ast.Assign)) and isinstance(value, ast.JoinedStr)
                    if told and names(value, handler.name):
                        yield source.replace(value, '""', name)
                    elif isinstance(statement, (ast.Return, ast.Assign)):
                        for call in inside([statement], ast.Call):
                            if ast.unparse(call) in (f"str({handler.name})", f"repr({handler.name})"):
                                yield source.replace(call, '""', name)


class ToolRaises(PythonMutator):
    """A tool that fails ends the run."""

    name = "tool-error-fatal"
    layer = Layer.LIFECYCLE
    causes = frozenset(("L108",))
    operators = frozenset(("contain-step-error",))
    ends_runs = True

    def find(self, source: Source) -> Iterator[Edit]:
        """`try: return tool(**arguments)` with one broad clause that answers.

        Where the same `try` also reads JSON, errors of that stay caught: they are another flaw. Broad clauses around a
        call whose name says that it runs a tool, too.
        """
        for name, function in source.functions():
            for node in source.inside(function):
                if not isinstance(node, ast.Try) or len(node.handlers) != 1 or node.orelse or node.finalbody:
                    continue
                kind = node.handlers[0].type
                spreads = any(
                    isinstance(inner, ast.Call) and any(keyword.arg is None for keyword in inner.keywords)
                    for statement in node.body
                    for inner in ast.walk(statement)
                )
                if not (broad(kind) and spreads) or any(
                    isinstance(inner, ast.Raise) for inner in ast.walk(node.handlers[0])
                ):
                    continue
                parses = any("json.loads(" in source.segment(statement) for statement in node.body)
                if parses and kind is not None:
                    yield source.replace(kind, "ValueError", name)
                elif not parses:
                    yield source.replace(node, source.dedented(node.body), name)
            for tried, handler in answering(source, function):
                ran = (ast.unparse(call.func) for call in inside(tried.body, ast.Call))
                if broad(handler.type) and any(RUNS_TOOL.search(called) for called in ran):
                    yield source.replace_all(handler.body, "raise", name)


class Parse(PythonMutator):
    """JSON that a model wrote is read outside the `try`."""

    name = "parse-unguarded"
    layer = Layer.TOOL_INTERFACE
    causes = frozenset(("T101",))
    operators = frozenset(("return-parse-error",))
    ends_runs = True

    def find(self, source: Source) -> Iterator[Edit]:
        """`try` blocks that begin with `x = json.loads(…)`; clauses for what cannot be read or is not valid, which
        answer."""
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
            for tried, handler in answering(source, function):
                reads = (ast.unparse(call.func) for call in inside(tried.body, ast.Call))
                caught = ast.unparse(handler.type) if handler.type is not None else ""
                if INVALID.search(caught) and any(VALIDATES.search(called) for called in reads):
                    yield source.replace_all(handler.body, "raise", name)


class Shape(PythonMutator):
    """Nobody looks whether what a model sent is an object."""

    name = "shape-unchecked"
    layer = Layer.TOOL_INTERFACE
    causes = frozenset(("T101", "T108", "T122", "V106"))
    operators = frozenset(("return-parse-error", "validate-result", "validate-final"))

    def find(self, source: Source) -> Iterator[Edit]:
        """`if not isinstance(x, dict)` and the like, where the branch leaves."""
        for name, function in source.functions():
            for guard in guards(source, function, r"^not isinstance\(.*\b(dict|Mapping)\b"):
                yield source.remove(guard, name)


class CallId(PythonMutator):
    """A result does not say which call it answers."""

    name = "call-id-lost"
    layer = Layer.TOOL_INTERFACE
    causes = frozenset(("T106",))
    operators = frozenset(("pair-results",))

    def find(self, source: Source) -> Iterator[Edit]:
        """Ids of calls that are handed on, in records and as arguments that speak of a result.

        Not those of the call itself, which a result would still match.
        """
        for name, function in source.functions():
            for node in source.inside(function):
                if isinstance(node, ast.Dict):
                    pairs = [
                        (getattr(key, "value", None), value) for key, value in zip(node.keys, node.values, strict=True)
                    ]
                elif isinstance(node, ast.Call):
                    pairs = [(keyword.arg, keyword.value) for keyword in node.keywords]
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                    pairs = [(getattr(node.targets[0].slice, "value", None), node.value)]
                else:
                    continue
                for key, value in pairs:
                    given = isinstance(value, (ast.Name, ast.Attribute, ast.Subscript))
                    answers = RESULT.search(source.segment(node))
                    if key in ("call_id", "tool_call_id") and given and answers:
                        yield source.replace(value, '"call"', name)


class Unanswered(PythonMutator):
    """The result of a tool is in no request."""

    name = "result-dropped"
    layer = Layer.TOOL_INTERFACE
    causes = frozenset(("T106", "C103"))
    operators = frozenset(("pair-results", "preserve-evidence"))
    told_to_model = True

    def find(self, source: Source) -> Iterator[Edit]:
        """What puts a message with results into a history."""
        for name, function in source.functions():
            for node in source.inside(function):
                kept = node.value if isinstance(node, ast.Expr) else None
                kept = kept.value if isinstance(kept, ast.Await) else kept
                if not isinstance(kept, ast.Call) or len(kept.args) != 1:
                    continue
                puts = re.search(r"(append|add_messages?|add_message)$", ast.unparse(kept.func))
                if puts and TOLD.search(source.segment(kept.args[0])):
                    yield source.remove(node, name)


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
