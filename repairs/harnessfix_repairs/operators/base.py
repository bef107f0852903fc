"""What an operator is.

An operator is a typed, tested edit: one class in one file. It never reads a trace; all it knows is the source and the
`RepairSpec`. It refuses, with a reason, rather than guess.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import RepairSpec
from harnessfix_ir.vocabulary import Safety


class Refusal(Exception):
    """The operator will not edit this place; the message says why, for the person who asked."""


@dataclass(frozen=True)
class EditExample:
    """An edit that the tests run and the documentation shows.

    Args:
        before, after: whole files; with `after` empty or the same as `before` the operator must refuse.
        path: decides the language.
        qualname, line, end_line: the anchor in `before` (lines counted from 1).
        parameters: of the specification.
        files: other files of the harness that the edit may read or change, path to text.
    """

    before: str
    after: str
    path: str = "agent.py"
    qualname: str = "<module>"
    line: int = 1
    end_line: int = 0
    parameters: Mapping[str, JsonValue] | None = None
    files: Mapping[str, str] | None = None

    @property
    def refused(self) -> bool:
        """Whether the operator must refuse this one."""
        return self.after in ("", self.before)


@dataclass(frozen=True)
class GuardExample:
    """What an edit forbids, tried out: calls that must pass and calls that must be stopped.

    Args:
        before: the module before the edit.
        passes, stops: Python expressions over the edited module's names, each true when the guard does right.
        setup: statements that give names which the module needs; run before it.
        qualname, line, end_line, parameters: as in `EditExample`.
    """

    before: str
    passes: Sequence[str]
    stops: Sequence[str]
    setup: str = ""
    qualname: str = "<module>"
    line: int = 1
    end_line: int = 0
    parameters: Mapping[str, JsonValue] | None = None


class Operator(ABC):
    """One sort of edit.

    Class attributes:
        name: kebab case, as the catalogue has it.
        summary: one line.
        safety: applicability; an edit that deletes a comment or changes behaviour beyond the flaw is unsafe.
        fix_safety: a paragraph: why it is safe or unsafe, and what to look at before accepting it.
        examples: edits; applying one twice must change nothing more.
        guards: of an edit that forbids something, calls that must pass and calls that must be stopped.
        adds: names of module-level functions that the edit may bring with it.
        changes_signatures: whether the edit may change the signature of a public function.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    safety: ClassVar[Safety] = Safety.UNSAFE
    fix_safety: ClassVar[str]
    examples: ClassVar[Sequence[EditExample]]
    guards: ClassVar[Sequence[GuardExample]] = ()
    adds: ClassVar[Sequence[str]] = ()
    changes_signatures: ClassVar[bool] = False

    def symbols(self, files: Mapping[str, str], anchor: Anchor, parameters: Mapping[str, JsonValue]) -> Sequence[str]:
        """Further symbols (`path:qualname` or `path:key`) that an edit at this anchor may touch; none unless said."""
        return ()

    @abstractmethod
    def edit(self, files: Mapping[str, str], anchor: Anchor, spec: RepairSpec) -> dict[str, str]:
        """Edit one place.

        Args:
            files: path to text of every file the specification allows.
            anchor: the place; `spec.anchors` lists all of them, the operator is called once for each.
            spec: parameters and scope.

        Returns:
            New texts of the files that changed, by path; empty when the place already is as it should be.

        Raises:
            Refusal: when the code is not of the form that this operator understands.
        """
