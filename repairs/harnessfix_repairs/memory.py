"""What earlier repairs teach: which were accepted, which rejected and why.

The product keeps the records; here is what one is, and what a new specification can learn from them.
"""

from collections.abc import Iterable

from harnessfix_ir.document import Document, JsonValue
from harnessfix_ir.findings import RepairSpec

from .patch import Patch
from .validation.documents import Outcome, Validation

SCHEMA = "harnessfix.remembered/1"


class Remembered(Document):
    """One repair that was tried.

    Args:
        schema_version: name and version of this format.
        patch, flaw, rule, operator, parameters: which repair.
        symbols: `path:qualname` of the places it was allowed to touch.
        hashes: content hashes of the places as they were, to know the same code again wherever it stands.
        outcome, reason: what became of it.
        evidence: what that rests on: runs and steps that show the flaw, and what validation counted.
        by: who said so: `validation` or `user`.
        when_ns: Unix time in nanoseconds.
        diff: what it did.
    """

    schema_version: str = SCHEMA
    patch: str
    flaw: str
    rule: str
    operator: str
    parameters: dict[str, JsonValue]
    symbols: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    outcome: Outcome
    reason: str = ""
    evidence: tuple[str, ...] = ()
    by: str = "validation"
    when_ns: int = 0
    diff: str = ""

    @property
    def applies_to(self) -> str:
        """Where it teaches something, in words."""
        places = ", ".join(self.symbols[:3]) + (", …" if len(self.symbols) > 3 else "")
        return f"{self.operator} for {self.rule} in {places or 'no place that is known'}, while its code is as it was"


class Advice(Document):
    """What memory says of a specification.

    Args:
        discard: whether the very same repair of the same code was rejected before.
        reasons: why, and what else was seen, the closest first.
        accepted, rejected: ids of the remembered patches that this rests on.
        parameters: parameters with which this operator was accepted on the same code or for the same rule.
        before: the record that `discard` rests on.
    """

    discard: bool = False
    reasons: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    parameters: dict[str, JsonValue] = {}
    before: Remembered | None = None


def remember(patch: Patch, validation: Validation, *, when_ns: int = 0) -> Remembered:
    """The record of a repair that was validated."""
    counted = [comparison.words for comparison in validation.comparisons]
    return _record(patch, validation.outcome, validation.reason, counted, "validation", when_ns)


def refused(patch: Patch, reason: str, *, when_ns: int = 0) -> Remembered:
    """The record of a repair that a person does not want, for what reason."""
    return _record(patch, Outcome.REJECTED_BY_USER, reason, [], "user", when_ns)


def _record(patch: Patch, outcome: Outcome, reason: str, counted: list[str], by: str, when_ns: int) -> Remembered:
    return Remembered(
        patch=patch.id,
        flaw=patch.flaw,
        rule=patch.rule,
        operator=patch.operator,
        parameters=patch.spec.parameters,
        symbols=patch.spec.allowed.symbols,
        hashes=_hashes(patch.spec),
        outcome=outcome,
        reason=reason,
        evidence=(*patch.contract.evidence[:20], *counted),
        by=by,
        when_ns=when_ns,
        diff=patch.diff,
    )


def consult(memory: Iterable[Remembered], spec: RepairSpec) -> Advice:
    """What earlier repairs say of this one.

    A repair is the same when operator, parameters and code are; it is discarded only when it was rejected for what it
    did, never because it was inconclusive. Repairs of the same rule by the same operator elsewhere are told of.
    """
    near = sorted(
        (one for one in memory if one.operator == spec.operator), key=lambda one: (-_closeness(one, spec), -one.when_ns)
    )
    near = [one for one in near if _closeness(one, spec) > 0]
    accepted = [one for one in near if one.outcome is Outcome.ACCEPTED]
    rejected = [one for one in near if one.outcome.value.startswith("rejected")]
    latest = next((one for one in near if _closeness(one, spec) == 3), None)
    reasons = [f"{one.patch} {one.outcome}: {one.reason}" for one in near]
    discard = latest is not None and latest in rejected
    return Advice(
        discard=discard,
        before=latest if discard else None,
        reasons=tuple(reasons[:10]),
        accepted=tuple(one.patch for one in accepted),
        rejected=tuple(one.patch for one in rejected),
        parameters=accepted[0].parameters if accepted else {},
    )


def _closeness(one: Remembered, spec: RepairSpec) -> int:
    """3: same code and parameters; 2: same code or flaw; 1: same rule; 0: nothing in common."""
    same_code = bool(set(one.hashes) & set(_hashes(spec)))
    if same_code and one.parameters == spec.parameters:
        return 3
    if same_code or one.flaw == spec.flaw:
        return 2
    return 1 if one.rule == spec.rule else 0


def _hashes(spec: RepairSpec) -> tuple[str, ...]:
    return tuple(anchor.content_hash for anchor in spec.anchors if anchor.content_hash)
