"""Execution: bounds, children, decoding, exit codes, cleanup."""

import ast
from collections.abc import Iterator

from harnessfix_ir.vocabulary import Layer
from planting.mutator import PythonMutator
from planting.source import Edit, Source

from .shapes import calls, keyword_removed


class Timeout(PythonMutator):
    """A call that waits for something outside loses its bound."""

    name = "timeout-removed"
    layer = Layer.EXECUTION
    causes = frozenset(("E101",))
    operators = frozenset(("bound-execution",))

    def find(self, source: Source) -> Iterator[Edit]:
        """Calls of subprocesses and clients with `timeout=`."""
        for name, function in source.functions():
            for call in calls(source, function, r"(run|communicate|urlopen|open|wait|check_output|post|request)$"):
                if any(keyword.arg == "timeout" for keyword in call.keywords):
                    yield source.replace(call, keyword_removed(source, call, "timeout"), name)


class Group(PythonMutator):
    """Only the shell is killed when time is up, not what it started."""

    name = "children-left-alive"
    layer = Layer.EXECUTION
    causes = frozenset(("E102",))
    operators = frozenset(("kill-process-group",))

    def find(self, source: Source) -> Iterator[Edit]:
        """Calls of `os.killpg`."""
        for name, function in source.functions():
            for call in calls(source, function, r"^os\.killpg$"):
                pid = call.args[0]
                while isinstance(pid, ast.Call) and pid.args:
                    pid = pid.args[0]
                if isinstance(pid, ast.Attribute) and pid.attr == "pid":
                    yield source.replace(call, f"{source.segment(pid.value)}.kill()", name)


class Decoding(PythonMutator):
    """Bytes that are no valid text end the run."""

    name = "strict-decoding"
    layer = Layer.EXECUTION
    causes = frozenset(("E106",))
    operators = frozenset(("tolerant-decoding",))

    def find(self, source: Source) -> Iterator[Edit]:
        """Calls with `errors=` of a tolerant kind."""
        for name, function in source.functions():
            for call in calls(source, function, r"(decode|open|read_text|run|Popen|check_output)$"):
                for keyword in call.keywords:
                    if keyword.arg == "errors" and ast.unparse(keyword.value) in ("'replace'", "'backslashreplace'"):
                        yield source.replace(call, keyword_removed(source, call, "errors"), name)


class ExitCode(PythonMutator):
    """The model is not told how its command ended."""

    name = "exit-code-hidden"
    layer = Layer.EXECUTION
    causes = frozenset(("E107",))
    told_to_model = True
    operators = frozenset(("surface-failure",))

    def find(self, source: Source) -> Iterator[Edit]:
        """Texts and records that show a return code."""
        for name, function in source.functions():
            for node in source.inside(function):
                if isinstance(node, ast.JoinedStr) and any(
                    isinstance(part, ast.FormattedValue)
                    and ast.unparse(part.value).endswith(("returncode", "exit_code"))
                    for part in node.values
                ):
                    yield source.replace(node, '""', name)
                for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
                    shows = isinstance(value, ast.Attribute) and value.attr in ("returncode", "exit_code")
                    if shows and getattr(key, "value", None) in ("returncode", "exit_code"):
                        yield source.replace(value, "0", name)


class Cleanup(PythonMutator):
    """What was acquired is released only when all went well."""

    name = "cleanup-on-success-only"
    layer = Layer.EXECUTION
    causes = frozenset(("E109", "L107"))
    operators = frozenset(("ensure-cleanup", "order-hooks"))

    def find(self, source: Source) -> Iterator[Edit]:
        """`try … finally` without handlers."""
        for name, function in source.functions():
            for node in source.inside(function):
                if isinstance(node, ast.Try) and node.finalbody and not node.handlers:
                    body = source.dedented(node.body) + "\n" + source.dedented(node.finalbody)
                    yield source.replace(node, body, name)
