"""What was made of each run, kept beside the run: one row, for the content it was last made from."""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import zstandard
from sqlalchemy import Connection, Row, Select, select

from harnessfix_ir.findings import Diagnosis

from . import findings
from .database import upsert
from .documents import RunFacts
from .models import ExaminationRow, Run
from .plaintext import column
from .runs import unknown

PAGE = 500


def page(connection: Connection, after: int) -> tuple[list[RunFacts], int | None]:
    """The next runs after the key `after`, in the order they were added, and the key to go on from, if there is one."""
    rows = connection.execute(_facts().where(Run.key > after).order_by(Run.key).limit(PAGE)).all()
    return [_fact(row) for row in rows], (rows[-1].key if len(rows) == PAGE else None)


def of_runs(connection: Connection, run_ids: Sequence[str], missing_ok: bool) -> list[RunFacts]:
    """Facts of these runs, in their order. Raises `StoreError` when there is no such run, unless `missing_ok`."""
    wanted = [column(run_id) for run_id in run_ids]
    found = {row.id: _fact(row) for row in connection.execute(_facts().where(Run.id.in_(wanted)))}
    for asked, run_id in zip(run_ids, wanted):
        if run_id not in found and not missing_ok:
            raise unknown(connection, asked)
    return [found[run_id] for run_id in wanted if run_id in found]


def kept(connection: Connection, run_ids: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
    """Run id, what it was made from, and the document, for those of these runs that have one."""
    query = select(Run.id, ExaminationRow.made_from, ExaminationRow.document).join(Run, Run.key == ExaminationRow.run)
    for row in connection.execute(query.where(Run.id.in_([column(run_id) for run_id in run_ids]))):
        try:
            yield row.id, row.made_from, zstandard.ZstdDecompressor().decompress(row.document)
        except zstandard.ZstdError:
            continue  # it can be made again


def keep(
    connection: Connection,
    run: RunFacts,
    made_from: str,
    frame: bytes,
    current: str,
    diagnoses: Sequence[Diagnosis],
    rules: Collection[str] | None = None,
) -> bool:
    """Write what was made of one run, with its diagnoses; False when the run has other bytes by now, or is gone."""
    held = connection.execute(select(Run.key, Run.blob).where(Run.id == column(run.id)).with_for_update()).first()
    if held is None or held.blob.hex() != run.blob:
        return False
    row: dict[str, object] = {"run": held.key, "made_from": made_from, "document": frame}
    upsert(connection, ExaminationRow.metadata.tables["examination"], row, ["run"])
    findings.replace(connection, run.id, current, diagnoses, rules)
    return True


def _facts() -> Select[*tuple[Any, ...]]:
    columns = (Run.key, Run.id, Run.blob, Run.format, Run.filename, Run.outcome, Run.outcome_by, Run.diagnosed_with)
    return select(*columns, Run.document)


def _fact(row: Row[Any]) -> RunFacts:
    return RunFacts(
        id=row.id,
        blob=row.blob.hex(),
        format=row.format,
        filename=row.filename,
        outcome=row.outcome,
        outcome_by=row.outcome_by,
        harness=tuple(json.loads(row.document).get("harness", ())),
        diagnosed_with=row.diagnosed_with or "",
    )
