"""Small functions and imports that an edit brings with it."""

import sys
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
    # Only the head of the file is gone through: what stands behind its imports has no say in where they go.
    size = _head(module)
    rest = module.body[size:]
    module = module.with_changes(body=module.body[:size])
    for wanted in imports:
        context = CodemodContext()
        source, _, name = wanted.partition(":")
        AddImportsVisitor.add_needed_import(context, source, name or None)
        changed = AddImportsVisitor(context).transform_module(module)
        if changed.code != module.code:
            module = _names_in_order(module, _in_order(module, changed, source), source)
    return module.with_changes(body=[*module.body, *rest])


def _head(module: cst.Module) -> int:
    """How many statements of a module reach past its last import, and past the first one that follows."""
    last = 0
    for number, statement in enumerate(module.body):
        inner = statement.body.body if isinstance(statement, (cst.If, cst.Try)) else [statement]
        if any(_is_import(one) for one in inner):
            last = number + 1
    return max(last, 1) + 1


def _is_import(statement: cst.CSTNode) -> bool:
    """Whether a statement is an import."""
    small = statement.body if isinstance(statement, cst.SimpleStatementLine) else ()
    return any(isinstance(one, (cst.Import, cst.ImportFrom)) for one in small)


def _in_order(before: cst.Module, after: cst.Module, source: str) -> cst.Module:
    """`after` with its new standard-library import among those that the file has, in order, as isort would place it."""
    if source.partition(".")[0] not in sys.stdlib_module_names or len(after.body) != len(before.body) + 1:
        return after
    old = [cst.Module([statement]).code.strip() for statement in before.body]
    new = [cst.Module([statement]).code.strip() for statement in after.body]
    place = next(n for n in range(len(new)) if n >= len(old) or new[n] != old[n])
    key = _import_key(after.body[place])
    target = None
    for number, statement in enumerate(before.body):
        known = _import_key(statement)
        if known is None or known[1].partition(".")[0] not in sys.stdlib_module_names or key is None:
            if target is not None:
                break
            continue
        if known > key:
            target = number
            break
        target = number + 1
    if target is None or place == target:
        return after
    moved = after.body[place].with_changes(leading_lines=())
    body = [*before.body[:target], moved, *before.body[target:]]
    if target < len(before.body) and _import_key(before.body[target]) is not None:
        follower = before.body[target]
        leading = getattr(follower, "leading_lines", ())
        if leading and not any(line.comment for line in leading):
            moved = moved.with_changes(leading_lines=leading)
            body[target : target + 2] = [moved, follower.with_changes(leading_lines=())]
    return before.with_changes(body=body)


def _names_in_order(before: cst.Module, after: cst.Module, source: str) -> cst.Module:
    """`after` with the names of `from source import …` sorted, where they were sorted and stand on one line."""
    code = cst.Module([]).code_for_node

    def names(module: cst.Module) -> dict[int, list[cst.ImportAlias]]:
        return {
            number: list(small.names)
            for number, line in enumerate(module.body)
            if isinstance(line, cst.SimpleStatementLine)
            for small in line.body
            if isinstance(small, cst.ImportFrom) and small.module is not None and code(small.module) == source
            if not isinstance(small.names, cst.ImportStar) and small.lpar is None and len(line.body) == 1
        }

    old = [code(alias.name) for alias in next(iter(names(before).values()), [])]
    found = names(after)
    if len(found) != 1 or old != sorted(old) or not old:
        return after
    number, aliases = found.popitem()
    ordered = sorted(aliases, key=lambda alias: code(alias.name))
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    fixed = [alias.with_changes(comma=comma) for alias in ordered[:-1]]
    fixed.append(ordered[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT))
    line = after.body[number]
    assert isinstance(line, cst.SimpleStatementLine)
    line = line.with_changes(body=[line.body[0].with_changes(names=fixed)])
    return after.with_changes(body=[*after.body[:number], line, *after.body[number + 1 :]])


def _import_key(statement: cst.CSTNode) -> tuple[bool, str] | None:
    """Order of an import statement: plain ones first, then by module; None for anything else."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return None
    small = statement.body[0]
    code = cst.Module([]).code_for_node
    if isinstance(small, cst.Import):
        return False, code(small.names[0].name)
    if isinstance(small, cst.ImportFrom) and small.module is not None and not small.relative:
        module = code(small.module)
        return None if module == "__future__" else (True, module)
    return None


def _present(file: "PythonFile", helper: Helper) -> bool:
    if helper.name not in file.text or helper.name not in file.used_names:
        return False
    try:
        found = file.definition(helper.name, 1)
    except Refusal:
        found = file.module
    (wanted,) = file.statements(helper.source)
    if isinstance(found, cst.FunctionDef) and file.code(found).strip() == file.code(wanted).strip():
        return True
    raise Refusal(f"{file.path} already uses the name {helper.name}")
