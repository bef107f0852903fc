"""Verification: what is handed in."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.vocabulary import Layer
from planting.mutator import PythonMutator
from planting.source import Edit, Source

from .shapes import guards


class Empty(PythonMutator):
    """An empty result is accepted."""

    name = "empty-accepted"
    layer = Layer.VERIFICATION
    causes = frozenset(("V105",))
    operators = frozenset(("validate-final",))

    def find(self, source: Source) -> Iterator[Edit]:
        """In what ends a run: branches for an empty text that refuse it."""
        for name, function in source.functions():
            if re.search(r"submit|finish|final|complete", name, re.I):
                for guard in guards(source, function, r"^not \w+(\.strip\(\))?$"):
                    if isinstance(guard.body[-1], ast.Raise):
                        yield source.remove(guard, name)


class Bytes(PythonMutator):
    """What is handed in is not byte for byte what was made."""

    name = "submission-stripped"
    layer = Layer.VERIFICATION
    causes = frozenset(("V104",))
    operators = frozenset(("preserve-payload",))

    def find(self, source: Source) -> Iterator[Edit]:
        """Assignments to a submission."""
        for name, function in source.functions():
            for node in source.inside(function):
                if not isinstance(node, ast.Assign) or not re.search(r"submission$", ast.unparse(node.targets[0])):
                    continue
                if isinstance(node.value, (ast.Name, ast.Call)):
                    yield source.replace(node.value, f"{source.segment(node.value)}.strip()", name)
