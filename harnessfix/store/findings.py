"""Diagnoses and flaws."""

import time
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, delete, func, insert, literal_column, select, update

from harnessfix_ir.errors import StoreError
from harnessfix_ir.findings import Diagnosis, FlawRecord

from . import runs
from .database import is_sqlite, upsert
from .models import DiagnosisRow, FlawRow, Run
from .plaintext import column, from_json, to_json

CHUNK = 500


def replace(
    connection: Connection,
    run_id: str | None,
    harness_key: str,
    diagnoses: Sequence[Diagnosis],
    rules: Collection[str] | None = None,
) -> None:
    """Put `diagnoses` in the place of what was found before: in the run, or statically in that harness.

    Args:
        rules: only what these rules found before is replaced; everything when None.
    """
    key = None if run_id is None else runs.key_of(connection, run_id)
    if key is None:
        old = delete(DiagnosisRow).where(DiagnosisRow.run.is_(None), DiagnosisRow.harness_key == column(harness_key))
    else:
        old = delete(DiagnosisRow).where(DiagnosisRow.run == key)
    if rules is not None:
        old = old.where(DiagnosisRow.rule.in_([column(code) for code in rules]))
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
        shown = {column(each.flaw) for each in diagnoses if each.blames and not each.joined}
        if rules is not None:
            held = select(DiagnosisRow.flaw).where(DiagnosisRow.run == key, _shown(connection), _blames(connection))
            shown = set(connection.execute(held).scalars())
        values = {"flaws": len(shown), "diagnosed_with": column(harness_key)}
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


def runs_with(connection: Connection, flaws: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Flaw, run id and outcome for every run that shows one of these flaws."""
    found = select(DiagnosisRow.flaw, Run.id, Run.outcome).join(Run, Run.key == DiagnosisRow.run).distinct()
    for start in range(0, len(flaws), CHUNK):
        wanted = [column(flaw) for flaw in flaws[start : start + CHUNK]]
        query = found.where(DiagnosisRow.flaw.in_(wanted), _shown(connection)).order_by(DiagnosisRow.flaw, Run.id)
        for row in connection.execute(query):
            yield row.flaw, row.id, row.outcome


def shown_in(connection: Connection, run_ids: Sequence[str], rules: Collection[str]) -> Iterator[tuple[str, str]]:
    """Run id and JSON of what these rules found in these runs and the runs show, in the order it was saved."""
    asked = set(rules)
    query = select(Run.id, DiagnosisRow.rule, DiagnosisRow.document).join(Run, Run.key == DiagnosisRow.run)
    query = query.where(Run.id.in_([column(run_id) for run_id in run_ids]), _shown(connection))
    for row in connection.execute(query.order_by(DiagnosisRow.key)):
        if row.rule in asked:
            yield row.id, row.document


def save_flaws(
    connection: Connection, flaws: Sequence[FlawRecord], *, replace_all: bool, rules: Collection[str] | None = None
) -> None:
    """Save flaws under their ids; with `replace_all` forget all others, or those of `rules`."""
    now = time.time_ns()
    if replace_all:
        kept = {column(each.flaw) for each in flaws}
        held = select(FlawRow.id)
        if rules is not None:
            held = held.where(FlawRow.rule.in_([column(code) for code in rules]))
        forget(connection, set(connection.execute(held).scalars()) - kept)
    for each in flaws:
        row: dict[str, object] = {
            "id": column(each.flaw),
            "rule": column(each.best.rule),
            "first_seen_ns": now,
            "updated_ns": now,
            "document": to_json(each),
        }
        upsert(connection, FlawRow.metadata.tables["flaw"], row, ["id"], keep=["first_seen_ns"])


def forget(connection: Connection, flaws: Collection[str]) -> None:
    """Delete these flaws."""
    for gone in flaws:
        connection.execute(delete(FlawRow).where(FlawRow.id == column(gone)))


def flaws(connection: Connection) -> list[FlawRecord]:
    """All flaws: most failed runs first, then most confident; `diagnoser.in_order` tells which to look at first."""
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


def _shown(connection: Connection) -> ColumnElement[bool]:
    """The condition that a diagnosis shows the flaw, and not only that the run went through the place."""
    sqlite = "coalesce(json_extract(diagnosis.document, '$.joined'), 0) = 0"
    postgresql = "coalesce(diagnosis.document::json ->> 'joined', 'false') = 'false'"
    return literal_column(sqlite if is_sqlite(connection) else postgresql)


def _blames(connection: Connection) -> ColumnElement[bool]:
    """The condition that a diagnosis names a flaw, and not only a place to look at."""
    sqlite = "coalesce(json_extract(diagnosis.document, '$.verdict'), '') <> 'unknown'"
    postgresql = "coalesce(diagnosis.document::json ->> 'verdict', '') <> 'unknown'"
    return literal_column(sqlite if is_sqlite(connection) else postgresql)
