"""Patches, verdicts and memory: documents whose types belong to the repairs, found by a few columns."""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from sqlalchemy import Connection, delete, select

from harnessfix_ir.document import Document, JsonValue
from harnessfix_ir.errors import StoreError

from .database import upsert
from .models import Base, MemoryRow, PatchRow, VerdictRow
from .plaintext import column, to_json
from .runs import begins

Model: TypeAlias = type[PatchRow] | type[VerdictRow] | type[MemoryRow]
Found: TypeAlias = dict[str, JsonValue]


def save(
    connection: Connection,
    model: Model,
    document: Document | Mapping[str, JsonValue],
    *,
    id: str | None = None,
    flaw: str | None = None,
    operator: str | None = None,
    state: str | None = None,
) -> str:
    """Save a document under its id, replacing an earlier one with the same; returns the id.

    Columns not given are the document's fields of those names, or those of its `spec`; a missing id is made.
    """
    now = time.time_ns()
    text = to_json(document)
    fields = json.loads(text)

    def own(name: str, given: str | None) -> str:
        inner = fields.get("spec")
        value = given or fields.get(name) or (inner.get(name) if isinstance(inner, dict) else None)
        return column(value) if isinstance(value, str) else ""

    row: dict[str, object] = {
        "id": own("id", id) or uuid.uuid4().hex[:12],
        "flaw": own("flaw", flaw),
        "operator": own("operator", operator),
        "state": own("state", state),
        "created_ns": now,
        "updated_ns": now,
        "document": text,
    }
    upsert(connection, Base.metadata.tables[model.__tablename__], row, ["id"], keep=["created_ns"])
    return str(row["id"])


def found(
    connection: Connection,
    model: Model,
    *,
    flaw: str | None = None,
    operator: str | None = None,
    state: str | None = None,
) -> list[Found]:
    """Documents that meet every condition given, oldest first, each with `id`."""
    query = select(model.id, model.document).order_by(model.created_ns, model.id)
    for field, value in ((model.flaw, flaw), (model.operator, operator), (model.state, state)):
        if value is not None:
            query = query.where(field == column(value))
    return [{**json.loads(row.document), "id": row.id} for row in connection.execute(query)]


def one(connection: Connection, model: Model, asked: str) -> Found:
    """The document whose id begins with `asked`. Raises `StoreError` when it is none or more than one."""
    name = model.__tablename__
    wanted = column(asked)
    query = select(model.id, model.document).where(begins(model.id, wanted))
    rows = connection.execute(query.order_by(model.id).limit(6)).all() if wanted else []
    exact = [row for row in rows if row.id == wanted]
    if len(rows) == 1 or exact:
        row = (exact or rows)[0]
        return {**json.loads(row.document), "id": row.id}
    if rows:
        some = ", ".join(row.id for row in rows[:5]) + (", …" if len(rows) > 5 else "")
        raise StoreError(f"{asked!r} means more than one {name}: {some}", hint="Give more of the id.")
    raise StoreError(f"no {name} is called {asked!r}", hint="`harnessfix repair` proposes patches.")


def remove(connection: Connection, model: Model, ids: Sequence[str]) -> None:
    """Remove documents by their whole ids; those that are not there are no concern."""
    for name in ids:
        connection.execute(delete(model).where(model.id == column(name)))
