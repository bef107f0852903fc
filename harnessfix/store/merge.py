"""Copying one store's rows into another's, run by run."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from harnessfix_ir.errors import StoreError
from harnessfix_ir.vocabulary import Outcome, Status, StepKind

from . import blobs, labels, search
from .database import bulk_insert, insert_new, upsert
from .documents import Merged, foreign_name
from .models import Base

TABLES = Base.metadata.tables
RUN, BLOB, EARLIER, LABEL = (TABLES[name] for name in ("run", "blob", "earlier_blob", "label"))
DIAGNOSIS, FLAW = TABLES["diagnosis"], TABLES["flaw"]
REPAIRS = tuple(TABLES[name] for name in ("patch", "verdict", "memory"))
WORDS: Mapping[tuple[str, str], set[str]] = {
    ("run", "outcome"): {each.value for each in Outcome},
    ("label", "outcome"): {each.value for each in Outcome},
    ("step", "kind"): {each.value for each in StepKind},
    ("step", "status"): {each.value for each in Status},
}
AGAIN = "Nothing of it was taken. Export it again from where it came."

Columns = dict[str, Any]


def merge(source: Connection, target: Connection, *, trusted: bool, own: bool = True) -> Merged:
    """Copy everything but the cache.

    Args:
        source: read only; target: inside one writing transaction.
        trusted: the source is our own store; if not, its blocks are opened and its rows checked for type.
        own: its runs were recorded on this machine; those of others do not say what is read and run here.

    Raises:
        StoreError: the source is damaged, or no honest store.
    """
    copier = _Copier(source, target, trusted, own)
    for run in copier.rows(RUN, RUN.c.key):
        copier.run(run)
    copier.words()
    copier.static_diagnoses()
    copier.flaws()
    for table in REPAIRS:
        for row in copier.rows(table, table.c.created_ns):
            copier.newer(table, row)
    return Merged(added=tuple(copier.added), updated=tuple(copier.updated), known=copier.known)


class _Copier:
    def __init__(self, source: Connection, target: Connection, trusted: bool, own: bool) -> None:
        self.source, self.target, self.trusted, self.own = source, target, trusted, own
        self.copied: dict[int, tuple[int, int | None]] = {}  # key there to key here and room in the word index
        self.added: list[str] = []
        self.updated: list[str] = []
        self.known = 0

    def rows(self, table: Table, order: Any, *conditions: Any) -> Iterator[Columns]:
        found = self.source.execute(select(table).where(*conditions).order_by(order))
        for row in found.mappings():
            columns = dict(row)
            if not self.trusted:
                _check(table, columns)
            if not self.own and "filename" in columns:
                columns["filename"] = foreign_name(columns["filename"])
            yield columns

    def run(self, run: Columns) -> None:
        there = run.pop("key")
        if not self.own:
            run["document"] = json.dumps({**json.loads(run["document"]), "harness": []})
        held = self.target.execute(select(RUN).where(RUN.c.id == run["id"])).mappings().first()
        self.block(run["blob"])
        if held is None:
            here = self.insert_run(there, run)
            self.added.append(run["id"])
        elif held["blob"] == run["blob"]:
            here = held["key"]
            self.known += 1
            if held["diagnosed_with"] is None:
                self.diagnoses_of(there, here, run)
        elif held["added_ns"] >= run["added_ns"]:
            here = held["key"]
            self.known += 1
            self.earlier(here, [run])
        else:
            here = self.supersede(dict(held), there, run)
            self.updated.append(run["id"])
        self.earlier(here, self.rows(EARLIER, EARLIER.c.key, EARLIER.c.run == there))
        self.labels(here, self.rows(LABEL, LABEL.c.key, LABEL.c.run == there))
        labels.settle(self.target, here)

    def insert_run(self, there: int, run: Columns) -> int:
        room = search.reserve(self.target, run["steps"])
        inserted = self.target.execute(insert(RUN).values({**run, "words_from": room})).inserted_primary_key
        assert inserted is not None
        here: int = inserted[0]
        self.copied[there] = here, room
        for name in ("step", "message"):
            table = TABLES[name]
            columns = [column.name for column in table.columns]
            found = self.rows(table, table.c.run, table.c.run == there)
            rows = [(here, *list(row.values())[1:]) for row in found]
            if name == "step" and len(rows) != run["steps"]:
                raise StoreError(f"the file does not hold the {run['steps']} steps of a run", hint=AGAIN)
            bulk_insert(self.target, name, columns, rows)
        self.diagnoses_of(there, here, run)
        return here

    def supersede(self, held: Columns, there: int, run: Columns) -> int:
        kept = [dict(row) for row in self.target.execute(select(LABEL).where(LABEL.c.run == held["key"])).mappings()]
        blocks = [
            dict(row) for row in self.target.execute(select(EARLIER).where(EARLIER.c.run == held["key"])).mappings()
        ]
        self.target.execute(RUN.delete().where(RUN.c.key == held["key"]))
        here = self.insert_run(there, run)
        self.earlier(here, [*blocks, held])
        self.labels(here, kept)
        return here

    def diagnoses_of(self, there: int, here: int, run: Columns) -> None:
        self.diagnoses(here, self.rows(DIAGNOSIS, DIAGNOSIS.c.key, DIAGNOSIS.c.run == there))
        done = {"flaws": run["flaws"], "diagnosed_with": run["diagnosed_with"]}
        self.target.execute(RUN.update().where(RUN.c.key == here).values(done))

    def diagnoses(self, here: int | None, found: Iterable[Columns]) -> None:
        rows = [{**row, "run": here} for row in found]
        for row in rows:
            del row["key"]
        if rows:
            self.target.execute(insert(DIAGNOSIS), rows)

    def static_diagnoses(self) -> None:
        held = select(DIAGNOSIS.c.harness_key).where(DIAGNOSIS.c.run.is_(None)).distinct()
        known = set(self.target.execute(held).scalars())
        found = self.rows(DIAGNOSIS, DIAGNOSIS.c.key, DIAGNOSIS.c.run.is_(None))
        self.diagnoses(None, (row for row in found if row["harness_key"] not in known))

    def labels(self, here: int, found: Iterable[Columns]) -> None:
        names = ("outcome", "said_by", "score", "reason", "created_ns")
        held = self.target.execute(select(*(LABEL.c[name] for name in names)).where(LABEL.c.run == here))
        known = {tuple(row) for row in held}
        for row in found:
            label = tuple(row[name] for name in names)
            if label not in known:
                known.add(label)
                self.target.execute(insert(LABEL).values(run=here, **dict(zip(names, label))))

    def earlier(self, here: int, found: Iterable[Columns]) -> None:
        names = ("blob", "format", "filename", "added_ns")
        known = set(self.target.execute(select(EARLIER.c.blob).where(EARLIER.c.run == here)).scalars())
        current = self.target.execute(select(RUN.c.blob).where(RUN.c.key == here)).scalar_one()
        for row in found:
            if row["blob"] not in known and row["blob"] != current:
                known.add(row["blob"])
                self.block(row["blob"])
                self.target.execute(insert(EARLIER).values(run=here, **{name: row[name] for name in names}))

    def block(self, digest: bytes) -> None:
        if self.target.execute(select(BLOB.c.size).where(BLOB.c.digest == digest)).first() is not None:
            return
        if not self.trusted:
            blobs.get(self.source, digest)  # opens it, and compares its digest
        row = self.source.execute(select(BLOB).where(BLOB.c.digest == digest)).mappings().one()
        insert_new(self.target, BLOB, dict(row), ["digest"])

    def words(self) -> None:
        for there, rows in groupby(search.all_words(self.source), key=lambda row: row[0]):
            if there in self.copied:
                here, room = self.copied[there]
                search.index(self.target, ((here, seq, words) for _, seq, words in rows), room)

    def flaws(self) -> None:
        for row in self.rows(FLAW, FLAW.c.id):
            held = self.target.execute(select(FLAW.c.first_seen_ns).where(FLAW.c.id == row["id"])).scalar()
            self.newer(FLAW, row)
            if held is not None and row["first_seen_ns"] < held:
                first = {"first_seen_ns": row["first_seen_ns"]}
                self.target.execute(FLAW.update().where(FLAW.c.id == row["id"]).values(first))

    def newer(self, table: Table, row: Columns) -> None:
        held = self.target.execute(select(table.c.updated_ns).where(table.c.id == row["id"])).scalar()
        if held is None or held < row["updated_ns"]:
            upsert(self.target, table, row, ["id"], keep=["first_seen_ns"])


def _is_object(document: str) -> bool:
    try:
        return isinstance(json.loads(document), dict)
    except (ValueError, RecursionError):
        return False


def _check(table: Table, row: Columns) -> None:
    """SQLite lets any value into any column; a file that somebody made may hold anything."""
    for column in table.columns:
        value = row[column.name]
        allowed = WORDS.get((table.name, column.name))
        expected = (int, float) if column.type.python_type is float else column.type.python_type
        sound = column.nullable if value is None else isinstance(value, expected)
        if column.name == "document" and sound:
            sound = isinstance(value, str) and _is_object(value)
        if not sound or (allowed is not None and value not in allowed):
            raise StoreError(
                f"the file's table {table.name} holds a {column.name} that no harnessfix wrote",
                hint=AGAIN,
            )
