"""The scope audit: what a patch did, held against what its specification allows.

It knows nothing of how the edit was made. Both versions of each file are taken apart into symbols or keys, and every
difference that the specification does not allow is named.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from harnessfix_ir.errors import ScopeError
from harnessfix_ir.findings import RepairSpec

from .auditing.config_keys import language_of, read_keys
from .auditing.python_symbols import IMPORTS, Symbols, lost_comments, read_symbols
from .diff import edits_between
from .operators.base import Refusal
from .paths import is_forbidden


@dataclass(frozen=True)
class Violation:
    """One thing that a patch did and may not.

    Args:
        path: the file.
        place: symbol or key, empty for the file as a whole.
        reason: what happened, in words.
    """

    path: str
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.place}: {self.reason}" if self.place else f"{self.path}: {self.reason}"


def audit(
    spec: RepairSpec, before: Mapping[str, str], after: Mapping[str, str], *, signatures: bool = False
) -> list[Violation]:
    """Everything in which `after` leaves the scope of `spec`; empty when it keeps to it.

    Args:
        spec: the specification.
        before, after: path to text of the files; one missing in `after` did not change.
        signatures: whether signatures of the allowed symbols may change.
    """
    found: list[Violation] = []
    lines = 0
    for path, new in after.items():
        old = before.get(path)
        if old == new:
            continue
        if old is None or path not in spec.allowed.files:
            found.append(Violation(path, "", "the file may not be touched"))
            continue
        if is_forbidden(path, spec.forbidden):
            found.append(Violation(path, "", "the file is forbidden"))
        edits = edits_between(old.encode("utf-8", "surrogatepass"), new.encode("utf-8", "surrogatepass"))
        lines += sum(len(edit.old) + len(edit.new) for edit in edits)
        if path.endswith((".py", ".pyi")):
            found += _python(spec, path, old, new, signatures)
        elif language_of(path):
            found += _config(spec, path, old, new)
    if lines > spec.allowed.max_lines:
        found.append(Violation(min(after), "", f"{lines} lines change, {spec.allowed.max_lines} may"))
    return found


def require_in_scope(
    spec: RepairSpec, before: Mapping[str, str], after: Mapping[str, str], *, signatures: bool = False
) -> None:
    """Raises `ScopeError` that names every violation."""
    found = audit(spec, before, after, signatures=signatures)
    if found:
        words = "; ".join(str(violation) for violation in found)
        raise ScopeError(words, hint="The edit is wider than the flaw; nothing was changed.")


def _python(spec: RepairSpec, path: str, old: str, new: str, signatures: bool) -> list[Violation]:
    try:
        left = read_symbols(old)
    except (SyntaxError, ValueError, RecursionError):
        return [Violation(path, "", "it did not parse before the edit")]
    try:
        right = read_symbols(new)
    except (SyntaxError, ValueError, RecursionError) as error:
        return [Violation(path, "", f"it no longer parses ({error})")]
    found = []
    for name in dict.fromkeys([*left.own, *right.own]):
        reason = _changed(left, right, name)
        if not reason:
            continue
        if name == IMPORTS:
            found += _imports(spec, path, left, right)
        elif not _allowed(spec, path, name):
            found.append(Violation(path, name, reason))
    for name, signature in left.signatures.items():
        now = right.signatures.get(name)
        if now is not None and now != signature and not signatures and not _is_private(name):
            found.append(Violation(path, name, "its signature changed"))
    return found + _comments(path, lost_comments(old, new))


def _is_private(name: str) -> bool:
    last = name.rsplit(".", 1)[-1]
    return last.startswith("_") and not last.endswith("__")


def _changed(left: Symbols, right: Symbols, name: str) -> str:
    if name not in right.own:
        return "it was removed"
    if name not in left.own:
        return "it was added"
    return "" if left.own[name] == right.own[name] else "it changed"


def _imports(spec: RepairSpec, path: str, left: Symbols, right: Symbols) -> list[Violation]:
    """Imports may be added, and names added to one; what was imported stays so."""
    if not spec.allowed.imports:
        return [Violation(path, IMPORTS, "imports changed")]
    lost = _imported(left) - _imported(right)
    return [Violation(path, IMPORTS, f"{name} is no longer imported") for name in sorted(lost)]


def _imported(symbols: Symbols) -> set[str]:
    names: set[str] = set()
    try:
        tree = ast.parse("\n".join(line.strip() for line in symbols.own.get(IMPORTS, ())))
    except SyntaxError:
        return set(symbols.own.get(IMPORTS, ()))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(f"{alias.name} as {alias.asname}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(f"{'.' * node.level}{node.module}:{a.name} as {a.asname}" for a in node.names)
    return names


def _allowed(spec: RepairSpec, path: str, name: str) -> bool:
    for symbol in spec.allowed.symbols:
        allowed_path, _, allowed = symbol.rpartition(":")
        if allowed_path == path and (name == allowed or name.startswith((f"{allowed}.", f"{allowed}#"))):
            return True
    return False


def _config(spec: RepairSpec, path: str, old: str, new: str) -> list[Violation]:
    try:
        left = read_keys(path, old)
        right = read_keys(path, new)
    except Refusal as refusal:
        return [Violation(path, "", str(refusal))]
    found = []
    for key in dict.fromkeys([*left.values, *right.values]):
        if left.values.get(key, left) != right.values.get(key, right) and not _allowed(spec, path, key):
            verb = "was removed" if key not in right.values else "was added" if key not in left.values else "changed"
            found.append(Violation(path, key, f"it {verb}"))
    common = set(left.order) & set(right.order)
    if [key for key in left.order if key in common] != [key for key in right.order if key in common]:
        found.append(Violation(path, "", "its keys stand in another order"))
    return found + _comments(path, left.comments - right.comments)


def _comments(path: str, lost: Mapping[str, int]) -> list[Violation]:
    return [Violation(path, "", f"the comment {comment[:60]!r} is lost") for comment in lost]
