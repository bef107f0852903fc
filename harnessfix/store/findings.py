"""Diagnoses and flaws."""

import time
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from harnessfix_ir.errors import StoreError
from harnessfix_ir.findings import Diagnosis, FlawRecord

from . import runs
from .database import upsert
from .models import DiagnosisRow, FlawRow, Run
from .plaintext import column, from_json, to_json


def replace(connection: Connection, run_id: str | None, harness_key: str, diagnoses: Sequence[Diagnosis]) -> None:
    """Put `diagnoses` in the place of what was found before: in the run, or statically in that harness."""
    key = None if run_id is None else runs.key_of(connection, run_id)
    if key is None:
        old = delete(DiagnosisRow).where(DiagnosisRow.run.is_(None), DiagnosisRow.harness_key == column(harness_key))
    else:
        old = delete(DiagnosisRow).where(DiagnosisRow.run == key)
    connection.execute(old)
    rows = [
        {
            "run": key,
            "harness_key": column(harness_key),
            "flaw": column(each.flaw),
            "rule": column(each.rule),
            "document": to_json(each),
        }
        for each in diagnoses
    ]
    if rows:
        connection.execute(insert(DiagnosisRow), rows)
    if key is not None:
        values = {
            "flaws": len({each.flaw for each in diagnoses if not each.joined}),
            "diagnosed_with": column(harness_key),
        }
        connection.execute(update(Run).where(Run.key == key).values(values))


def diagnoses(
    connection: Connection,
    *,
    run_id: str | None = None,
    static: bool = False,
    flaw: str | None = None,
    harness_key: str | None = None,
) -> list[Diagnosis]:
    """Findings that meet every condition given, in the order they were saved."""
    query = select(DiagnosisRow.document)
    if run_id is not None:
        query = query.where(DiagnosisRow.run == runs.key_of(connection, run_id))
    if static:
        query = query.where(DiagnosisRow.run.is_(None))
    if flaw is not None:
        query = query.where(DiagnosisRow.flaw == column(flaw))
    if harness_key is not None:
        query = query.where(DiagnosisRow.harness_key == column(harness_key))
    return [from_json(Diagnosis, row) for row in connection.execute(query.order_by(DiagnosisRow.key)).scalars()]


def diagnosed_with(connection: Connection, run_id: str) -> str | None:
    """Key of the harness that the run was last diagnosed with, None when it never was."""
    query = select(Run.diagnosed_with).where(Run.key == runs.key_of(connection, run_id))
    return connection.execute(query).scalar_one()


def save_flaws(connection: Connection, flaws: Sequence[FlawRecord], *, replace_all: bool) -> None:
    """Save flaws under their ids; with `replace_all` those not among them are forgotten."""
    now = time.time_ns()
    if replace_all:
        kept = {column(each.flaw) for each in flaws}
        for gone in set(connection.execute(select(FlawRow.id)).scalars()) - kept:
            connection.execute(delete(FlawRow).where(FlawRow.id == gone))
    for each in flaws:
        row: dict[str, object] = {
            "id": column(each.flaw),
            "rule": column(each.best.rule),
            "first_seen_ns": now,
            "updated_ns": now,
            "document": to_json(each),
        }
        upsert(connection, FlawRow.metadata.tables["flaw"], row, ["id"], keep=["first_seen_ns"])


def flaws(connection: Connection) -> list[FlawRecord]:
    """All flaws: most failed runs first, then most confident."""
    found = [from_json(FlawRecord, text) for text in connection.execute(select(FlawRow.document)).scalars()]
    return sorted(found, key=lambda each: (-each.support.failed, -each.best.confidence, each.best.rule, each.flaw))


def flaw(connection: Connection, asked: str) -> FlawRecord:
    """The flaw whose id begins with `asked`. Raises `StoreError` when it is none or more than one."""
    wanted = column(asked)
    query = select(FlawRow.id, FlawRow.document).where(runs.begins(FlawRow.id, wanted))
    found = connection.execute(query.order_by(FlawRow.id).limit(6)).all() if wanted else []
    exact = [row for row in found if row.id == wanted]
    if len(found) == 1 or exact:
        return from_json(FlawRecord, (exact or found)[0].document)
    if found:
        some = ", ".join(row.id for row in found[:5]) + (", …" if len(found) > 5 else "")
        raise StoreError(f"{asked!r} means more than one flaw: {some}", hint="Give more of the id.")
    if connection.execute(select(func.count()).select_from(FlawRow)).scalar_one() == 0:
        raise StoreError("the store holds no flaws", hint="`harnessfix check` looks for them.")
    raise StoreError(f"no flaw is called {asked!r}", hint="`harnessfix check` lists them.")
