"""Observability: causes, records, accounts."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.vocabulary import Layer
from planting.mutator import PythonMutator
from planting.source import Edit, Source

from .shapes import calls, made_without, names


class Cause(PythonMutator):
    """The error that is shown hides the one that happened."""

    name = "cause-hidden"
    layer = Layer.OBSERVABILITY
    causes = frozenset(("O102",))
    ends_runs = True
    operators = frozenset(("preserve-cause",))

    def find(self, source: Source) -> Iterator[Edit]:
        """`raise X(…) from error`, its text naming nothing of the error either; retries that raise the last error."""
        for name, function in source.functions():
            for call in calls(source, function, r"Retrying$"):
                if any(keyword.arg == "reraise" for keyword in call.keywords):
                    yield made_without(source, call, "reraise", name)
            for handler in source.inside(function):
                if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
                    continue
                for node in ast.walk(handler):
                    if not isinstance(node, ast.Raise) or node.cause is None or not isinstance(node.exc, ast.Call):
                        continue
                    if ast.unparse(node.cause) != handler.name or len(node.exc.args) != 1:
                        continue
                    said = node.exc.args[0]
                    text = '"it did not work"' if names(said, handler.name) else source.segment(said)
                    yield source.replace(node, f"raise {source.segment(node.exc.func)}({text}) from None", name)


class Cost(PythonMutator):
    """What an answer cost is not counted."""

    name = "cost-uncounted"
    layer = Layer.OBSERVABILITY
    causes = frozenset(("O107", "L106"))
    operators = frozenset(("fix-accounting", "fix-limit"))

    def find(self, source: Source) -> Iterator[Edit]:
        """Sums of cost or usage, in a handler or anywhere else."""
        for name, function in source.functions():
            for node in source.inside(function):
                if isinstance(node, ast.AugAssign) and re.search(r"cost|tokens|usage", ast.unparse(node.target)):
                    yield source.remove(node, name)
