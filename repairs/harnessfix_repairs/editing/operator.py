"""Bases of operators that edit one sort of file."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import PurePosixPath

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.operators.base import Operator, Refusal

from .python import PythonFile, python_file


def source_of(files: Mapping[str, str], anchor: Anchor) -> str:
    """The text that the anchor stands in. Raises `Refusal` when it is not among the files."""
    if anchor.path not in files:
        raise Refusal(f"{anchor.path} is not among the files that may be edited")
    return files[anchor.path]


def suffix_of(anchor: Anchor) -> str:
    """The anchor's file name extension, in lower case."""
    return PurePosixPath(anchor.path).suffix.lower()


class PythonOperator(Operator):
    """An operator for Python source only."""

    def edit(self, files: Mapping[str, str], anchor: Anchor, spec: RepairSpec) -> dict[str, str]:
        """Edit one place in Python source; see `Operator.edit`."""
        before = source_of(files, anchor)
        if suffix_of(anchor) not in (".py", ".pyi"):
            raise Refusal(f"{anchor.path} is not Python")
        after = self.edit_python(python_file(anchor.path, before), anchor, spec)
        return {} if after == before else {anchor.path: after}

    @abstractmethod
    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """The text after the edit; `file.text` when the place already is as it should be."""
