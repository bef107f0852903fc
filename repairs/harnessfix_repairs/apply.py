"""Applying a patch to the harness, and taking it back.

All files change or none does. New contents are first written beside their files; then a journal says what is to be
moved into place; then they are moved. A call that finds a journal finishes, or takes back, what was interrupted.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from harnessfix_ir.errors import PatchError, StaleFileError
from harnessfix_ir.vocabulary import Safety

from .diff import apply_edits, parse, unified
from .journal import FOLDER, Journal, Move, locked
from .patch import Patch
from .paths import inside, is_forbidden

_ID = re.compile(r"[0-9a-f]{8,64}")


def apply(root: Path, patch: Patch) -> Path:
    """Apply a patch to the files it was made from.

    Args:
        root: the harness root; `.harnessfix/applied/` in it gets the reverse patch.
        patch: as `propose` made it.

    Returns:
        Path of the reverse patch.

    Raises:
        StaleFileError: when a file is not the one that the patch was made from; nothing is changed.
        PatchError: when the patch may not be applied, or is not consistent; nothing is changed.
    """
    if patch.safety is Safety.DISPLAY_ONLY:
        raise PatchError(f"patch {patch.id} is for display only", hint="Make the change by hand.")
    _checked_id(patch.id)
    with locked(root):
        recover(root)
        if (root / FOLDER / f"{patch.id}.json").exists():
            raise PatchError(f"patch {patch.id} is applied already", hint=f"Undo it with its id, {patch.id}.")
        before = {file.path: _read(root, file.path, file.before) for file in patch.files}
        after = _patched(patch, before, reverse=False)
        reverse = b"".join(unified(path, after[path], before[path]) for path in sorted(after))
        records = {f"{patch.id}.patch": reverse, f"{patch.id}.json": patch.model_dump_json(indent=1).encode()}
        Journal(root, patch.id, _moves(before, after), records, remove=()).run(after)
    return root / FOLDER / f"{patch.id}.patch"


def undo(root: Path, patch_id: str) -> Patch:
    """Take an applied patch back; the files get exactly the bytes they had.

    Returns:
        The patch that was taken back.

    Raises:
        StaleFileError: when a file changed since the patch was applied; nothing is changed.
        PatchError: when no such patch is applied here.
    """
    _checked_id(patch_id)
    with locked(root):
        recover(root)
        patch = load_applied(root, patch_id)
        after = {file.path: _read(root, file.path, file.after) for file in patch.files}
        before = _patched(patch, after, reverse=True)
        records = (f"{patch_id}.patch", f"{patch_id}.json")
        Journal(root, patch_id, _moves(after, before), {}, remove=records).run(before)
    return patch


def applied(root: Path) -> list[Patch]:
    """Patches that are applied in this root, the oldest first."""
    folder = root / FOLDER
    found = sorted(folder.glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    return [load_applied(root, path.stem) for path in found]


def recover(root: Path) -> str:
    """Finish or take back what an earlier call left half-done; says which, empty when there was nothing."""
    return Journal.recover(root)


def load_applied(root: Path, patch_id: str) -> Patch:
    """The record of an applied patch. Raises `PatchError` when there is none."""
    path = root / FOLDER / f"{_checked_id(patch_id)}.json"
    try:
        return Patch.model_validate_json(path.read_bytes())
    except OSError:
        raise PatchError(f"no patch {patch_id} is applied in {root}", hint="List the applied patches first.") from None
    except ValueError as error:
        raise PatchError(f"{path} is not the record of a patch", hint="Restore it or undo by hand.") from error


def _patched(patch: Patch, data: Mapping[str, bytes], *, reverse: bool) -> dict[str, bytes]:
    edits = parse(patch.diff_bytes)
    if set(edits) != {file.path for file in patch.files}:
        raise PatchError(f"patch {patch.id} and its diff name different files")
    out: dict[str, bytes] = {}
    for file in patch.files:
        new = apply_edits(file.path, data[file.path], edits[file.path], reverse=reverse)
        if _digest(new) != (file.before if reverse else file.after):
            raise PatchError(f"patch {patch.id} does not lead to the {file.path} that it promises")
        if not reverse and (file.path not in patch.spec.allowed.files or is_forbidden(file.path, patch.spec.forbidden)):
            raise PatchError(f"patch {patch.id} touches {file.path}, which it may not")
        out[file.path] = new
    return out


def _read(root: Path, path: str, digest: str) -> bytes:
    place = inside(root, path)
    data = place.read_bytes()
    if not place.stat().st_mode & 0o222:
        raise PatchError(f"{path} is read-only", hint="Make it writable first, if it may be changed.")
    if _digest(data) != digest:
        raise StaleFileError(f"{path} changed since the patch was made", hint="Repair again, or undo by hand.")
    return data


def _moves(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[Move]:
    return [Move(path, _digest(before[path]), _digest(after[path])) for path in sorted(after)]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _checked_id(patch_id: str) -> str:
    if not _ID.fullmatch(patch_id):
        raise PatchError(f"{patch_id!r} is not the id of a patch", hint="Ids are 16 hex digits.")
    return patch_id


__all__ = ["applied", "apply", "load_applied", "recover", "undo"]
