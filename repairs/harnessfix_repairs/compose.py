"""Several patches of one version of the harness, put in a row so that each applies after those before it.

Patches that change the same lines are in conflict; the first one is kept. An import, or a helper function, that several
patches bring is brought once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harnessfix_ir.errors import PatchError

from .audit import audit
from .diff import Edit, apply_edits, edits_between, parse
from .operators import all_operators
from .patch import Patch, rebased
from .relocate import relocated
from .textfile import read_text


@dataclass(frozen=True)
class Conflict:
    """A patch that cannot follow another: ids of both, and where."""

    patch: str
    other: str
    path: str
    line: int


@dataclass(frozen=True)
class Composition:
    """Patches in the order in which they apply, and those that were left out."""

    patches: tuple[Patch, ...]
    conflicts: tuple[Conflict, ...]


def compose(files: Mapping[str, bytes], patches: Sequence[Patch]) -> Composition:
    """Patches made from the same files, each based on the result of those before it.

    Args:
        files: path to bytes of every file that the patches touch, as the patches were made from them.
        patches: in order of preference. A patch whose id stays the same needed no change.
    """
    now = dict(files)
    done: list[tuple[str, dict[str, list[Edit]]]] = []
    kept: list[Patch] = []
    conflicts: list[Conflict] = []
    for patch in patches:
        edits = parse(patch.diff_bytes)
        clash = next((found for name, other in done if (found := _clash(patch.id, name, edits, other))), None)
        if clash is not None:
            conflicts.append(clash)
            continue
        after = {path: _after(path, now, files, edits[path]) for path in edits}
        changed = {path: data for path, data in after.items() if data != now[path]}
        based = rebased(_moved(patch, files, now), now, changed) if changed else None
        if based is not None and not _in_scope(based, now, changed):
            first = done[0][0] if done else patch.id
            conflicts.append(Conflict(patch.id, first, min(changed), 1))
            continue
        if based is not None:
            kept.append(based)
        now.update(changed)
        done.append((patch.id, edits))
    return Composition(tuple(kept), tuple(conflicts))


def _moved(patch: Patch, files: Mapping[str, bytes], now: Mapping[str, bytes]) -> Patch:
    """The patch with its anchors where they stand now."""
    anchors = []
    for anchor in patch.spec.anchors:
        if anchor.path in now and now[anchor.path] != files[anchor.path]:
            texts = (read_text(anchor.path, data[anchor.path]).text for data in (files, now))
            anchor = relocated(anchor, next(texts), next(texts))
        anchors.append(anchor)
    return patch.model_copy(update={"spec": patch.spec.model_copy(update={"anchors": tuple(anchors)})})


def _clash(
    patch: str, other: str, edits: Mapping[str, Sequence[Edit]], earlier: Mapping[str, Sequence[Edit]]
) -> Conflict | None:
    for path in edits.keys() & earlier.keys():
        for mine in edits[path]:
            for theirs in earlier[path]:
                if _touch(mine, theirs) and mine != theirs and not (_is_addition(mine) and _is_addition(theirs)):
                    return Conflict(patch, other, path, mine.start + 1)
    return None


def _touch(mine: Edit, theirs: Edit) -> bool:
    if mine.start == mine.end or theirs.start == theirs.end:
        return mine.start <= theirs.end and theirs.start <= mine.end
    return mine.start < theirs.end and theirs.start < mine.end


def _is_addition(edit: Edit) -> bool:
    """Whether an edit only adds imports or definitions at module level, whose order does not matter."""
    if edit.start != edit.end:
        return False
    return all(
        line[:1] in (b" ", b"\t", b"\r", b"\n") or line.startswith((b"import ", b"from ", b"def ", b"async def "))
        for line in edit.new
    )


def _after(path: str, now: Mapping[str, bytes], files: Mapping[str, bytes], edits: Sequence[Edit]) -> bytes:
    """The edits, made from the file as it was, applied to the file as it is now; what is there already is not added."""
    before = edits_between(files[path], now[path])
    moved = []
    for edit in edits:
        if edit in before:
            continue
        new = edit.new
        shift = sum(len(other.new) - len(other.old) for other in before if other.end <= edit.start and other != edit)
        if _is_addition(edit):
            for other in before:
                new = _without(new, other.new)
        if new or edit.old:
            moved.append(Edit(edit.start + shift, edit.end + shift, edit.old, new))
    return apply_edits(path, now[path], moved)


def _without(new: tuple[bytes, ...], there: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Added lines without the top-level blocks that were added by another."""
    have = {_key(block) for block in _blocks(there)}
    return tuple(line for block in _blocks(new) if _key(block) not in have for line in block)


def _key(block: tuple[bytes, ...]) -> bytes:
    return b"".join(block).strip()


def _blocks(lines: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    blocks: list[list[bytes]] = []
    for line in lines:
        if not blocks or (line.strip() and line[:1] not in (b" ", b"\t")):
            blocks.append([])
        blocks[-1].append(line)
    return [tuple(block) for block in blocks]


def _in_scope(patch: Patch, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> bool:
    operator = all_operators().get(patch.operator)
    try:
        old = {path: read_text(path, before[path]).text for path in after}
        new = {path: read_text(path, data).text for path, data in after.items()}
    except PatchError:
        return False
    return not audit(patch.spec, old, new, signatures=operator is not None and operator.changes_signatures)
