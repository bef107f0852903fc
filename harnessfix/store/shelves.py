"""The parts of the store's face that hold findings and repairs; `Store` is made of them."""

from collections.abc import Mapping, Sequence

from harnessfix_ir.document import Document, JsonValue
from harnessfix_ir.findings import Diagnosis, FlawRecord

from . import findings, repairs
from .database import Database
from .models import MemoryRow, PatchRow, VerdictRow


class FindingShelf:
    """Diagnoses and flaws."""

    _database: Database

    def replace_diagnoses(self, run_id: str | None, harness_key: str, diagnoses: Sequence[Diagnosis]) -> None:
        """Save what was found in a run, or with None what was found in the source alone.

        Everything found in that run before, or statically in the harness of that key, is replaced. No diagnoses means:
        looked, and found nothing (`RunRow.flaws` becomes 0).
        """
        with self._database.write() as connection:
            findings.replace(connection, run_id, harness_key, diagnoses)

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

    def save_flaws(self, flaws: Sequence[FlawRecord], *, replace_all: bool = False) -> None:
        """Save flaws under their ids; with `replace_all` the others are forgotten."""
        with self._database.write() as connection:
            findings.save_flaws(connection, flaws, replace_all=replace_all)

    def flaws(self) -> list[FlawRecord]:
        """All flaws: most failed runs first, then most confident."""
        with self._database.read() as connection:
            return findings.flaws(connection)

    def flaw(self, asked: str) -> FlawRecord:
        """The flaw whose id begins with `asked`. Raises `StoreError` when it is none or more than one."""
        with self._database.read() as connection:
            return findings.flaw(connection, asked)


class RepairShelf:
    """Patches, verdicts and memory."""

    _database: Database

    def save_patch(
        self,
        patch: Document | Mapping[str, JsonValue],
        *,
        id: str | None = None,
        flaw: str | None = None,
        operator: str | None = None,
        state: str | None = None,
    ) -> str:
        """Save a patch, replacing one of the same id; returns the id.

        What is not given here is taken from the document's fields of those names, or from its `spec`.
        """
        with self._database.write(durable=True) as connection:
            return repairs.save(connection, PatchRow, patch, id=id, flaw=flaw, operator=operator, state=state)

    def patches(
        self, *, flaw: str | None = None, operator: str | None = None, state: str | None = None
    ) -> list[repairs.Found]:
        """Patches as JSON objects with their `id`, oldest first."""
        with self._database.read() as connection:
            return repairs.found(connection, PatchRow, flaw=flaw, operator=operator, state=state)

    def patch(self, asked: str) -> repairs.Found:
        """The patch whose id begins with `asked`. Raises `StoreError` when it is none or more than one."""
        with self._database.read() as connection:
            return repairs.one(connection, PatchRow, asked)

    def save_verdict(
        self,
        verdict: Document | Mapping[str, JsonValue],
        *,
        id: str | None = None,
        flaw: str | None = None,
        operator: str | None = None,
        state: str | None = None,
    ) -> str:
        """Save what a validation said, as `save_patch` does; returns the id."""
        with self._database.write(durable=True) as connection:
            return repairs.save(connection, VerdictRow, verdict, id=id, flaw=flaw, operator=operator, state=state)

    def verdicts(
        self, *, flaw: str | None = None, operator: str | None = None, state: str | None = None
    ) -> list[repairs.Found]:
        """Verdicts as JSON objects with their `id`, oldest first."""
        with self._database.read() as connection:
            return repairs.found(connection, VerdictRow, flaw=flaw, operator=operator, state=state)

    def remember(
        self,
        repair: Document | Mapping[str, JsonValue],
        *,
        id: str | None = None,
        flaw: str | None = None,
        operator: str | None = None,
        state: str | None = None,
    ) -> str:
        """Remember an accepted or rejected repair with its reason, as `save_patch` does; returns the id."""
        with self._database.write(durable=True) as connection:
            return repairs.save(connection, MemoryRow, repair, id=id, flaw=flaw, operator=operator, state=state)

    def memory(
        self, *, flaw: str | None = None, operator: str | None = None, state: str | None = None
    ) -> list[repairs.Found]:
        """Remembered repairs as JSON objects with their `id`, oldest first."""
        with self._database.read() as connection:
            return repairs.found(connection, MemoryRow, flaw=flaw, operator=operator, state=state)

    def forget(self, ids: Sequence[str]) -> None:
        """Forget remembered repairs by their whole ids."""
        with self._database.write(durable=True) as connection:
            repairs.remove(connection, MemoryRow, ids)
