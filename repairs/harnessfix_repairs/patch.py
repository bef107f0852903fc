"""Patches: what one is, and how one is made from a flaw.

A patch is a git diff with everything that is needed to judge it, to apply it to the very bytes it was made from, and to
take it back. Nothing here writes to the harness.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from harnessfix_ir.document import Document
from harnessfix_ir.findings import FlawRecord, RepairSpec
from harnessfix_ir.vocabulary import Safety

from .diff import edits_between, unified
from .paths import FORBIDDEN

if TYPE_CHECKING:
    from harnessfix_ir.findings import Diagnosis

SCHEMA = "harnessfix.patch/1"


class FileChange(Document):
    """One file of a patch: SHA-256 of its bytes before and after, and lines added and removed."""

    path: str
    before: str
    after: str
    added: int
    removed: int


class Contract(Document):
    """What a patch claims, so that it can be refuted.

    Args:
        failure_mode: the one way to fail that it removes.
        evidence: run and step ids, and places in the source, that show the flaw.
        expected_effect: what will be different.
        falsifier: what would show that the claim is wrong.
    """

    failure_mode: str
    evidence: tuple[str, ...] = ()
    expected_effect: str
    falsifier: str


class Patch(Document):
    """A proposed change of the harness.

    Args:
        schema_version: name and version of this format.
        id: 16 hex digits, the same for the same flaw and diff.
        flaw, rule, operator: what it repairs, and with what.
        spec: what it is held to.
        diff: as `git apply` takes it. Where the files are not UTF-8 this is for people, and `diff_base64` is exact.
        files: what it changes, by path.
        safety: applicability.
        contract: its claim.
        added, removed: lines, in all files.
        left: places with the same flaw that were left as they are, each with the reason.
    """

    schema_version: str = SCHEMA
    id: str
    flaw: str
    rule: str
    operator: str
    spec: RepairSpec
    diff: str
    diff_base64: str = ""
    files: tuple[FileChange, ...]
    safety: Safety
    contract: Contract
    added: int
    removed: int
    left: tuple[str, ...] = ()

    @property
    def diff_bytes(self) -> bytes:
        """The diff, byte for byte."""
        return base64.b64decode(self.diff_base64) if self.diff_base64 else self.diff.encode()


class Unrepaired(Document):
    """Why there is no patch for a flaw.

    Args:
        flaw, rule, operator: which.
        status: `skipped` (no operator, or it refused), `blocked` (the place may not be touched), `out-of-scope` (the
            edit would have left its scope), `rejected-before` (memory knows this repair of this code as a bad one) or
            `failed` (the operator has a bug).
        reason: for people, with the place.
    """

    flaw: str
    rule: str
    operator: str | None = None
    status: str
    reason: str
    details: tuple[str, ...] = Field(default=())


def propose(
    root: Path,
    flaw: FlawRecord,
    *,
    hashes: Mapping[str, str] | None = None,
    forbidden: Iterable[str] = FORBIDDEN,
) -> Patch | Unrepaired:
    """Make a patch for a flaw, if its operator understands the code.

    The anchors of the flaw's best diagnosis are tried in order until one is edited; its clones are edited with it.

    Args:
        root: folder that the anchors' paths are relative to.
        flaw: what to repair.
        hashes: path to SHA-256 of the files as the diagnosis read them (`HarnessModel.files`); without it the anchors'
            own content hashes are compared.
        forbidden: glob patterns of paths that may never be touched.

    Raises:
        StaleFileError: when a file changed since the diagnosis; names it.
    """
    from .proposing import Proposal

    return Proposal(Path(root), flaw, hashes, tuple(forbidden)).make()


def patch_of(
    flaw: "FlawRecord | Diagnosis",
    spec: RepairSpec,
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    *,
    left: Iterable[str] = (),
) -> Patch:
    """The patch that turns `before` into `after`; both give bytes by path."""
    best = flaw.best if isinstance(flaw, FlawRecord) else flaw
    runs = flaw.runs if isinstance(flaw, FlawRecord) else ()
    files, diff = _changes(before, after)
    text, encoded = _as_text(diff)
    return Patch(
        id=_id(flaw.flaw, diff),
        flaw=flaw.flaw,
        rule=best.rule,
        operator=spec.operator,
        spec=spec,
        diff=text,
        diff_base64=encoded,
        files=files,
        safety=spec.safety,
        contract=_contract(best, runs),
        added=sum(file.added for file in files),
        removed=sum(file.removed for file in files),
        left=tuple(left),
    )


def rebased(patch: Patch, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Patch:
    """The same repair as a patch from other bytes: its diff and its hashes are those of `before` and `after`."""
    hashes = {path: hashlib.sha256(before[path]).hexdigest() for path in patch.spec.file_hashes if path in before}
    spec = patch.spec.model_copy(update={"file_hashes": {**patch.spec.file_hashes, **hashes}})
    files, diff = _changes(before, after)
    text, encoded = _as_text(diff)
    return patch.model_copy(
        update={
            "id": _id(patch.flaw, diff),
            "spec": spec,
            "diff": text,
            "diff_base64": encoded,
            "files": files,
            "added": sum(file.added for file in files),
            "removed": sum(file.removed for file in files),
        }
    )


def _changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[tuple[FileChange, ...], bytes]:
    files: list[FileChange] = []
    parts: list[bytes] = []
    for path in sorted(after):
        edits = edits_between(before[path], after[path])
        if edits:
            removed, added = sum(len(edit.old) for edit in edits), sum(len(edit.new) for edit in edits)
            old, new = (hashlib.sha256(data[path]).hexdigest() for data in (before, after))
            files.append(FileChange(path=path, before=old, after=new, added=added, removed=removed))
            parts.append(unified(path, before[path], after[path]))
    return tuple(files), b"".join(parts)


def _id(flaw: str, diff: bytes) -> str:
    return hashlib.sha256(flaw.encode() + b"\0" + diff).hexdigest()[:16]


def _as_text(diff: bytes) -> tuple[str, str]:
    try:
        return diff.decode(), ""
    except UnicodeDecodeError:
        return diff.decode(errors="replace"), base64.b64encode(diff).decode()


def _contract(best: "Diagnosis", runs: Iterable[str]) -> Contract:
    place = f"{best.anchors[0].place} ({best.anchors[0].qualname})"
    steps = [f"{best.run}:{step}" for step in best.path] if best.run else []
    quoted = [where for where, _ in best.quotes] if best.run is None else []
    return Contract(
        failure_mode=f"{best.rule} {best.name} at {place}: {best.message}",
        evidence=tuple(dict.fromkeys([*steps, *quoted, *runs, best.anchors[0].place])),
        expected_effect=f"{best.rule} is no longer found at {place}; runs that passed still pass.",
        falsifier=f"{best.rule} is found at {place} again, another rule speaks that did not, or a passing run fails.",
    )
