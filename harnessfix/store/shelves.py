"""The parts of the store's face that hold findings and repairs; `Store` is made of them."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from harnessfix_ir.document import Document, JsonValue
from harnessfix_ir.findings import Diagnosis, FlawRecord
from harnessfix_ir.vocabulary import Outcome

from . import findings, repairs
from .database import Database


class FindingShelf:
    """Diagnoses and flaws."""

    _database: Database

    def replace_diagnoses(
        self,
        run_id: str | None,
        harness_key: str,
        diagnoses: Sequence[Diagnosis],
        rules: Collection[str] | None = None,
    ) -> None:
        """Save what was found in a run, or with None what was found in the source alone.

        Everything found in that run before, or statically in the harness of that key, is replaced; with `rules` only
        what these found. No diagnoses means: looked, and found nothing (`RunRow.flaws` becomes 0).
        """
        self._database.repeat(lambda connection: findings.replace(connection, run_id, harness_key, diagnoses, rules))

    def diagnoses(
        self,
        run_id: str | None = None,
        *,
        static: bool = False,
        flaw: str | None = None,
        harness_key: str | None = None,
    ) -> list[Diagnosis]:
        """Findings that meet every condition given.

        Args:
            run_id: in this run only.
            static: those of the source alone only.
            flaw: cases of this flaw only (its whole id).
            harness_key: found with this harness only.
        """
        with self._database.read() as connection:
            return findings.diagnoses(connection, run_id=run_id, static=static, flaw=flaw, harness_key=harness_key)

    def diagnosed_with(self, run_id: str) -> str | None:
        """The harness key of the run's last diagnosis, None when it never had one."""
        with self._database.read() as connection:
            return findings.diagnosed_with(connection, run_id)

    def save_flaws(
        self,
        flaws: Sequence[FlawRecord],
        *,
        replace_all: bool = False,
        rules: Collection[str] | None = None,
        gone: Collection[str] = (),
    ) -> None:
        """Save flaws under their ids.

        Args:
            flaws: to save.
            replace_all: forget all others.
            rules: but only those of these rules, when given.
            gone: ids of further ones to forget.
        """

        def save(connection: Connection) -> None:
            findings.save_flaws(connection, flaws, replace_all=replace_all, rules=rules)
            findings.forget(connection, gone)

        self._database.repeat(save)

    def runs_with(self, flaws: Sequence[str]) -> dict[str, dict[str, Outcome]]:
        """Flaw id to the runs that show it, as far as they were diagnosed, with the outcome of each."""
        out: dict[str, dict[str, Outcome]] = {flaw: {} for flaw in flaws}
        with self._database.read() as connection:
            for flaw, run_id, outcome in findings.runs_with(connection, flaws):
                out.setdefault(flaw, {})[run_id] = Outcome(outcome)
        return out

    def flaws(self) -> list[FlawRecord]:
        """All flaws: most failed runs first, then most confident."""
        with self._database.read() as connection:
            return findings.flaws(connection)

    def flaw(self, asked: str) -> FlawRecord:
        """The flaw whose id begins with `asked`. Raises `StoreError` when it is none or more than one."""
        with self._database.read() as connection:
            return findings.flaw(connection, asked)


class RepairShelf:
    """Documents of one sort: patches, verdicts, or what is remembered of repairs. Called, it lists them.

    Args:
        database: the store's.
        model: the table.
    """

    def __init__(self, database: Database, model: repairs.Model) -> None:
        self._database, self._model = database, model

    def __call__(
        self, *, flaw: str | None = None, operator: str | None = None, state: str | None = None
    ) -> list[repairs.Found]:
        """Those that meet every condition given, as JSON objects with their `id`, oldest first."""
        with self._database.read() as connection:
            return repairs.found(connection, self._model, flaw=flaw, operator=operator, state=state)

    def one(self, asked: str) -> repairs.Found:
        """The one whose id begins with `asked`. Raises `StoreError` when it is none or more than one."""
        with self._database.read() as connection:
            return repairs.one(connection, self._model, asked)

    def save(
        self,
        document: Document | Mapping[str, JsonValue],
        *,
        id: str | None = None,
        flaw: str | None = None,
        operator: str | None = None,
        state: str | None = None,
    ) -> str:
        """Save one, replacing one of the same id; returns the id. It is on the disk then.

        What is not given here is taken from the document's fields of those names, or from its `spec`.
        """
        with self._database.write(durable=True) as connection:
            return repairs.save(connection, self._model, document, id=id, flaw=flaw, operator=operator, state=state)

    def forget(self, ids: Sequence[str]) -> None:
        """Remove those of these whole ids."""
        with self._database.write(durable=True) as connection:
            repairs.remove(connection, self._model, ids)
