"""Labels: who said how a run ended, and whose word counts."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from harnessfix_ir.vocabulary import Outcome

from .documents import Label
from .models import Base, LabelRow, Run
from .plaintext import column

WEIGHT = {"user": 5, "evaluation": 4, "pytest": 3, "exception": 2, "exit": 0}
"""A person's word beats an evaluation's, that beats a test's, and an exit code counts least."""
OTHER = 1
NEW = insert(Base.metadata.tables["label"])


def add(connection: Connection, run_key: int, label: Label) -> None:
    """Add a label and let the run's outcome follow."""
    connection.execute(insert(LabelRow).values(run=run_key, **_columns(label)))
    settle(connection, run_key)


def insert_all(connection: Connection, run_key: int, labels: Sequence[Label]) -> None:
    """Insert labels of a run whose row says what they add up to already."""
    if labels:
        connection.execute(NEW, [{"run": run_key, **_columns(label)} for label in labels])


def of_run(connection: Connection, run_key: int) -> list[Label]:
    """All labels of a run, oldest first."""
    query = select(LabelRow).where(LabelRow.run == run_key).order_by(LabelRow.created_ns, LabelRow.key)
    return [_label(row) for row in connection.execute(query)]


def of_runs(connection: Connection, run_ids: Sequence[str]) -> Iterator[tuple[str, Label]]:
    """Run id and label of all of these runs, those of a run oldest first."""
    query = select(Run.id.label("run_id"), *LabelRow.__table__.columns).join(Run, Run.key == LabelRow.run)
    query = query.where(Run.id.in_([column(run_id) for run_id in run_ids]))
    for row in connection.execute(query.order_by(LabelRow.created_ns, LabelRow.key)):
        yield row.run_id, _label(row)


def settle(connection: Connection, run_key: int) -> None:
    """Write the outcome that the labels add up to into the run's row."""
    values = outcome_columns(of_run(connection, run_key))
    connection.execute(update(Run).where(Run.key == run_key).values(values))


def outcome_columns(labels: Sequence[Label]) -> dict[str, object]:
    """The columns of a run's row that its labels decide.

    Args:
        labels: in the order they were added.
    """
    outcome, by, score = effective(sorted(labels, key=lambda label: label.created_ns))
    return {"outcome": outcome.value, "outcome_by": by, "score": score}


def effective(labels: Sequence[Label]) -> tuple[Outcome, str, float | None]:
    """Outcome, who said so, and score: each from the weightiest kind of label that has one, the newest of its kind.

    Only a person may say `unknown` and be believed; from anybody else it is silence.

    Args:
        labels: oldest first.
    """
    said = [
        each for each in labels if each.outcome is not Outcome.UNKNOWN or (each.by == "user" and each.score is None)
    ]
    scored = [each for each in labels if each.score is not None]
    word, score = _weightiest(said), _weightiest(scored)
    return (word.outcome if word else Outcome.UNKNOWN), (word.by if word else ""), (score.score if score else None)


def _label(row: Row[Any]) -> Label:
    return Label(
        outcome=Outcome(row.outcome), by=row.said_by, score=row.score, reason=row.reason, created_ns=row.created_ns
    )


def _weightiest(labels: Sequence[Label]) -> Label | None:
    return max(reversed(labels), key=lambda each: WEIGHT.get(each.by, OTHER), default=None)


def _columns(label: Label) -> dict[str, object]:
    return {
        "outcome": label.outcome.value,
        "said_by": label.by,
        "score": label.score,
        "reason": label.reason,
        "created_ns": label.created_ns,
    }
