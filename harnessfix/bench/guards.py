"""What operators put in front of an action: how often it stops what must pass, and lets pass what must be stopped."""

from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec, Scope
from harnessfix_repairs.operators import GuardExample, Operator, Refusal, all_operators


@dataclass
class Guarded:
    """One guard, tried.

    Args:
        name: of its operator.
        passes, stops: how many calls were to pass, and to be stopped.
        over: calls that were to pass and did not.
        under: calls that were to be stopped and were not.
        error: why it could not be tried.
    """

    name: str
    passes: int = 0
    stops: int = 0
    over: list[str] = field(default_factory=list)
    under: list[str] = field(default_factory=list)
    error: str = ""


def measure() -> list[Guarded]:
    """Try the guards of all operators."""
    return [_try(operator, guard) for operator in all_operators().values() for guard in operator.guards]


def metrics(found: Sequence[Guarded]) -> dict[str, float]:
    """Share of calls that were blocked though they must pass, and that passed though they must be blocked."""
    passes, stops = sum(one.passes for one in found), sum(one.stops for one in found)
    return {
        "over_blocking": round(sum(len(one.over) for one in found) / passes, 4) if passes else 0.0,
        "under_blocking": round(sum(len(one.under) for one in found) / stops, 4) if stops else 0.0,
        "guards_measured": float(len(found)),
    }


def _try(operator: Operator, guard: GuardExample) -> Guarded:
    tried = Guarded(operator.name)
    try:
        source = _repaired(operator, guard)
    except Refusal as refusal:
        tried.error = str(refusal)
        return tried
    tried.passes, tried.stops = len(guard.passes), len(guard.stops)
    tried.over = [call for call in guard.passes if not _holds(source, guard, call)]
    tried.under = [call for call in guard.stops if not _holds(source, guard, call)]
    return tried


def _repaired(operator: Operator, guard: GuardExample) -> str:
    anchor = Anchor(
        path="agent.py", qualname=guard.qualname, start_line=guard.line, end_line=guard.end_line or guard.line
    )
    spec = RepairSpec(
        flaw="0" * 8,
        rule="X000",
        operator=operator.name,
        parameters=dict(guard.parameters or {}),
        anchors=(anchor,),
        allowed=Scope(files=("agent.py",), symbols=(f"agent.py:{guard.qualname}",)),
    )
    return operator.edit({"agent.py": guard.before}, anchor, spec)["agent.py"]


def _holds(source: str, guard: GuardExample, call: str) -> bool:
    """Whether an expression is true in the repaired module; only what an operator's own file holds is run here."""
    names: dict[str, object] = {"__name__": "agent"}
    said = StringIO()  # what the examples print and log is no part of the measurement
    with redirect_stdout(said), redirect_stderr(said):
        exec(compile(guard.setup, "setup", "exec"), names)  # noqa: S102
        exec(compile(source, "agent.py", "exec"), names)  # noqa: S102
        try:
            return bool(eval(call, names))  # noqa: S307
        except Exception:
            return False
