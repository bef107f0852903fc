"""Small functions and imports that an edit brings with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor

from harnessfix_repairs.operators.base import Refusal

if TYPE_CHECKING:
    from .python import PythonFile


@dataclass(frozen=True)
class Helper:
    """A module-level function that an edit needs.

    Args:
        name: of the function.
        source: the whole definition, four blanks to a level, no line of it inside a multi-line string.
        imports: as for `PythonFile.rewrite`.
    """

    name: str
    source: str
    imports: tuple[str, ...] = ()


def with_helpers(file: "PythonFile", module: cst.Module, helpers: Sequence[Helper], index: int) -> cst.Module:
    """The module with the helpers it lacks, placed before its statement number `index`."""
    missing = [helper for helper in helpers if not _present(file, helper)]
    if missing:
        gap = [cst.EmptyLine(indent=False)] * 2
        added: list[cst.CSTNode] = []
        for helper in missing:
            (definition,) = file.statements(helper.source)
            added.append(definition.with_changes(leading_lines=gap if module.body[:index] or added else []))
        body = list(module.body)
        follower = body[index]
        leading = list(getattr(follower, "leading_lines", ()))
        blank = next((n for n, line in enumerate(leading) if line.comment is not None), len(leading))
        follower = follower.with_changes(leading_lines=[*gap[: max(0, 2 - blank)], *leading])
        module = module.with_changes(body=[*body[:index], *added, follower, *body[index + 1 :]])
    return with_imports(module, [name for helper in missing for name in helper.imports])


def with_imports(module: cst.Module, imports: Sequence[str]) -> cst.Module:
    """The module with these imported: `os` for a module, `pathlib:Path` for a name in one."""
    if not imports:
        return module
    context = CodemodContext()
    for wanted in imports:
        source, _, name = wanted.partition(":")
        AddImportsVisitor.add_needed_import(context, source, name or None)
    return AddImportsVisitor(context).transform_module(module)


def _present(file: "PythonFile", helper: Helper) -> bool:
    if helper.name not in file.used_names:
        return False
    try:
        found = file.definition(helper.name, 1)
    except Refusal:
        found = file.module
    (wanted,) = file.statements(helper.source)
    if isinstance(found, cst.FunctionDef) and file.code(found).strip() == file.code(wanted).strip():
        return True
    raise Refusal(f"{file.path} already uses the name {helper.name}")
