"""What validation says: gates passed, runs compared, and the outcome with its reason."""

from enum import StrEnum

from harnessfix_ir.document import Document

from .rates import PairedRates
from .runner import TaskResult

SCHEMA = "harnessfix.validation/1"


class Outcome(StrEnum):
    """What became of a patch. A rejection names its reason; `inconclusive` is an answer.

    `unproved` passed the checks of its text and source, and nothing was run; with `inconclusive` the runs do not tell.
    """

    ACCEPTED = "accepted"
    REJECTED_DOES_NOT_APPLY = "rejected-does-not-apply"
    REJECTED_DOES_NOT_PARSE = "rejected-does-not-parse"
    REJECTED_OUT_OF_SCOPE = "rejected-out-of-scope"
    REJECTED_NOT_IDEMPOTENT = "rejected-not-idempotent"
    REJECTED_OWN_CHECK = "rejected-own-check"
    REJECTED_TARGET_NOT_FIXED = "rejected-target-not-fixed"
    REJECTED_NEWLY_FAILING = "rejected-newly-failing"
    REJECTED_NEW_FLAW = "rejected-new-flaw"
    REJECTED_COST = "rejected-cost"
    REJECTED_BY_USER = "rejected-by-user"
    UNPROVED = "unproved"
    INCONCLUSIVE = "inconclusive"


class GateResult(Document):
    """One check: its name, whether it passed (None: not made), and what it saw."""

    name: str
    passed: bool | None
    detail: str = ""


class TaskRow(Document):
    """One task before and after, run by run."""

    task: str
    baseline: tuple[TaskResult, ...]
    patched: tuple[TaskResult, ...]


class Comparison(Document):
    """A rate before and after, with the 95 % interval of its fall and the p-value of the exact McNemar test.

    `low` and `high` are None when all repetitions agreed: there is then no chance to allow for.
    """

    name: str
    pairs: int
    before: int
    after: int
    low: float | None = None
    high: float | None = None
    p_value: float | None = None

    @classmethod
    def of(cls, name: str, rates: PairedRates, *, deterministic: bool) -> "Comparison":
        """A comparison from paired rates."""
        if deterministic:
            return cls(name=name, pairs=rates.pairs, before=rates.before, after=rates.after)
        return cls(
            name=name,
            pairs=rates.pairs,
            before=rates.before,
            after=rates.after,
            low=rates.low,
            high=rates.high,
            p_value=rates.p_value,
        )

    @property
    def words(self) -> str:
        """The comparison in one line."""
        plain = f"{self.name}: {self.before} of {self.pairs} before, {self.after} of {self.pairs} after"
        if self.low is None or self.high is None or self.p_value is None:
            return plain
        return f"{plain}; fall {self.low:+.2f} to {self.high:+.2f} (95 %), p = {self.p_value:.3g}"


class RegressionTest(Document):
    """A test for the harness's own suite.

    Args:
        name: of its file.
        text: of its file.
        answers: recorded model answers that it needs, as JSON for the file beside it; empty without.
        proved: whether it was seen to fail without the patch and to pass with it.
        reason: what was seen.
    """

    name: str
    text: str
    answers: str = ""
    proved: bool = False
    reason: str = ""


class Validation(Document):
    """The proof of a patch, or why there is none.

    Args:
        schema_version: name and version of this format.
        patch, flaw: which.
        outcome, reason: what became of it and why, in words.
        gates: the checks in order.
        rows: results by task.
        comparisons: the target flaw, and passing.
        deterministic: whether all repetitions of each task agreed, on both sides.
        noise: share of tasks whose baseline runs disagree with each other.
        seconds_ratio, cost_ratio: median over tasks of patched to baseline.
        newly_failing, new_flaws: tasks, and flaw ids.
        limits: what bounded the runs.
        notes: what to know besides.
        regression: a test for the harness's own suite, when one was asked for and the patch accepted.
    """

    schema_version: str = SCHEMA
    patch: str
    flaw: str
    outcome: Outcome
    reason: str
    gates: tuple[GateResult, ...] = ()
    rows: tuple[TaskRow, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    deterministic: bool = False
    noise: float = 0.0
    seconds_ratio: float | None = None
    cost_ratio: float | None = None
    newly_failing: tuple[str, ...] = ()
    new_flaws: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    regression: RegressionTest | None = None

    @property
    def accepted(self) -> bool:
        """Whether the patch was proved."""
        return self.outcome is Outcome.ACCEPTED
