"""Small harnesses with a flaw, and the flaw as the diagnoser would hand it over."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import Diagnosis, FlawRecord
from harnessfix_ir.vocabulary import Evidence, Layer, Severity
from harnessfix_repairs.patch import Patch, propose

MakeFlaw = Callable[..., FlawRecord]


def make_flaw(
    *anchors: Anchor,
    operator: str | None,
    flaw: str = "1234abcd",
    rule: str = "O102",
    parameters: dict[str, JsonValue] | None = None,
    clones: tuple[Anchor, ...] = (),
    runs: tuple[str, ...] = (),
) -> FlawRecord:
    """A flaw with one diagnosis at these anchors."""
    best = Diagnosis(
        flaw=flaw,
        rule=rule,
        name="some-flaw",
        layer=Layer.OBSERVABILITY,
        severity=Severity.WARNING,
        run=runs[0] if runs else None,
        path=("s1", "s2") if runs else (),
        anchors=anchors,
        message="it went wrong",
        confidence=0.9,
        evidence=Evidence.OBSERVED,
        operator=operator,
        parameters=parameters or {},
    )
    return FlawRecord(flaw=flaw, best=best, runs=runs, clones=clones)


@pytest.fixture
def flaw_at() -> MakeFlaw:
    """Makes a flaw record."""
    return make_flaw


@pytest.fixture
def patch_at() -> Callable[..., Patch]:
    """Makes a patch for a flaw at one place; fails when there is none."""

    def make(root: Path, path: str, qualname: str, lines: tuple[int, int], operator: str, **more: object) -> Patch:
        anchor = Anchor(path=path, qualname=qualname, start_line=lines[0], end_line=lines[1])
        patch = propose(root, make_flaw(anchor, operator=operator, **more))  # type: ignore[arg-type]
        assert isinstance(patch, Patch), patch
        return patch

    return make
