"""The baseline: a file of flaws that are known and not told again, so that a check speaks of new ones alone.

Flaws are known by their ids, which hold no line numbers, and by the places that have the same flaw in their code: where
one more appears, the flaw is told again. The rest is for the person who reads the file.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.findings import FlawRecord

SCHEMA = "harnessfix.baseline/1"
FILE = "harnessfix-baseline.json"


@dataclass(frozen=True)
class Sifted:
    """Flaws that are not in a baseline, and how many are."""

    new: list[FlawRecord]
    known: int


Known = Mapping[str, frozenset[str]]
"""Flaw id to places that have the same flaw in their code, without their lines."""


def read_baseline(path: Path) -> Known:
    """The flaws of a baseline file. Raises `BadInputError` naming the file and what is wrong with it."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        hint = "`harnessfix check --write-baseline` makes one."
        raise BadInputError(f"{path}: {error.strerror}", hint=hint) from None
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{path}: not JSON: {error}", hint="Write it again with --write-baseline.") from None
    flaws = document.get("flaws") if isinstance(document, dict) else None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA or not isinstance(flaws, dict):
        raise BadInputError(f"{path}: not a {SCHEMA} document", hint="Write it again with --write-baseline.")
    return {flaw: _also(said) for flaw, said in flaws.items()}


def _also(said: object) -> frozenset[str]:
    places = said.get("also") if isinstance(said, dict) else None
    return frozenset(place for place in places if isinstance(place, str)) if isinstance(places, list) else frozenset()


def sift(flaws: Sequence[FlawRecord], known: Known) -> Sifted:
    """Keep what is new."""
    new = [flaw for flaw in flaws if flaw.flaw not in known or not _clones(flaw) <= known[flaw.flaw]]
    return Sifted(new, len(flaws) - len(new))


def write_baseline(path: Path, flaws: Iterable[FlawRecord]) -> None:
    """Write these flaws as the baseline, whole or not at all. Raises `BadInputError` when it cannot be written."""
    held = {
        flaw.flaw: {
            "rule": flaw.best.rule,
            "name": flaw.best.name,
            "place": _place(flaw.best.anchors[0]),
            "also": sorted(_clones(flaw)),
        }
        for flaw in sorted(flaws, key=lambda flaw: (flaw.best.anchors[0].path, flaw.best.rule, flaw.flaw))
    }
    text = json.dumps({"schema": SCHEMA, "flaws": held}, indent=2) + "\n"
    draft: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=path.name, delete=False
        ) as file:
            draft = Path(file.name)
            file.write(text)
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    except OSError as error:
        if draft is not None:
            with suppress(OSError):
                draft.unlink()
        raise BadInputError(f"{path}: {error.strerror}", hint="Name a file that can be written.") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _clones(flaw: FlawRecord) -> frozenset[str]:
    return frozenset(map(_place, flaw.clones))


def _place(anchor: Anchor) -> str:
    return f"{anchor.path}: {anchor.qualname}"
