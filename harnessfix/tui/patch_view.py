"""A patch as the flaw screen shows it, read out of the documents that the store holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from harnessfix_ir.document import JsonValue


@dataclass(frozen=True)
class PatchView:
    """A patch.

    Args:
        id, diff, safety: as in the patch.
        added, removed: numbers of lines.
        expected, falsifier: what it claims, and what would refute it.
        applied: whether it is in the harness now.
        verdict, reason: of its last validation; empty without one.
    """

    id: str
    diff: str
    safety: str = ""
    added: int = 0
    removed: int = 0
    expected: str = ""
    falsifier: str = ""
    applied: bool = False
    verdict: str = ""
    reason: str = ""


def patch_view(
    patch: Mapping[str, JsonValue], verdict: Mapping[str, JsonValue] | None = None, *, applied: bool = False
) -> PatchView:
    """Read a patch document, and the verdict on it if there is one; what is missing or odd is left empty."""
    contract = patch.get("contract")
    claim = contract if isinstance(contract, dict) else {}
    said = verdict or {}
    return PatchView(
        id=_word(patch, "id"),
        diff=_word(patch, "diff"),
        safety=_word(patch, "safety"),
        added=_number(patch, "added"),
        removed=_number(patch, "removed"),
        expected=_word(claim, "expected_effect"),
        falsifier=_word(claim, "falsifier"),
        applied=applied,
        verdict=_word(said, "outcome"),
        reason=_word(said, "reason"),
    )


def _word(document: Mapping[str, JsonValue], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _number(document: Mapping[str, JsonValue], name: str) -> int:
    value = document.get(name)
    return value if isinstance(value, int) else 0
