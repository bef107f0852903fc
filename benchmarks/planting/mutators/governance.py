"""Governance: what a run may do."""

from collections.abc import Iterator

from harnessfix_ir.vocabulary import Layer
from planting.mutator import PythonMutator
from planting.source import Edit, Source

from .shapes import calls, guards


class Containment(PythonMutator):
    """Paths may lead out of the workspace."""

    name = "path-unconfined"
    layer = Layer.GOVERNANCE
    causes = frozenset(("G104",))
    operators = frozenset(("confine-paths",))

    def find(self, source: Source) -> Iterator[Edit]:
        """Branches for a path outside a folder."""
        for name, function in source.functions():
            for guard in guards(source, function, r"is_relative_to|commonpath|relative_to"):
                yield source.remove(guard, name)


class Evaluation(PythonMutator):
    """Text of a model is evaluated."""

    name = "model-text-evaluated"
    layer = Layer.GOVERNANCE
    causes = frozenset(("G106",))
    operators = frozenset(("safe-evaluation",))

    def find(self, source: Source) -> Iterator[Edit]:
        """`json.loads` of what reads like the arguments of a call."""
        for name, function in source.functions():
            for call in calls(source, function, r"^(json\.loads|ast\.literal_eval)$"):
                if call.args and "argument" in source.segment(call.args[0]):
                    yield source.replace(call, f"eval({source.segment(call.args[0])})", name)


class Approval(PythonMutator):
    """Nobody is asked before something is done."""

    name = "approval-skipped"
    layer = Layer.GOVERNANCE
    causes = frozenset(("G101", "G102"))
    operators = frozenset(("require-approval", "route-through-gate"))

    def find(self, source: Source) -> Iterator[Edit]:
        """Branches for what was not approved."""
        for name, function in source.functions():
            for guard in guards(source, function, r"^not .*(approved?|allowed|confirm(ed)?|permitted)\b"):
                yield source.remove(guard, name)
