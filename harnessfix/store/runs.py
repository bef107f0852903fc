"""Listing, finding and opening runs."""

import difflib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, TextClause, and_, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, aliased

from harnessfix_ir.errors import StoreError
from harnessfix_ir.prefix import common_start
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.vocabulary import Outcome, Status, StepKind

from . import blobs, search
from .database import is_sqlite
from .documents import Brief, EarlierBlock, RunRow, StepHit, StepRow
from .models import DiagnosisRow, EarlierBlob, Message, Run, Step
from .plaintext import column, from_json

SHORTEST = 8
NO_RUNS = "`harnessfix record -- python agent.py` records one, `harnessfix import FILE` reads one."


def listed(
    connection: Connection,
    *,
    outcome: Outcome | None = None,
    task: str | None = None,
    flaw: str | None = None,
    tool: str | None = None,
    words: str | None = None,
    limit: int | None = None,
    newest_first: bool = True,
) -> list[RunRow]:
    """Rows of the runs that meet every condition given; `Store.runs` says what they mean."""
    query = _rows()
    if outcome is not None:
        query = query.where(Run.outcome == outcome.value)
    if task is not None:
        query = query.where(Run.task == column(task))
    if flaw is not None:
        diagnosed = (DiagnosisRow.run == Run.key, begins(DiagnosisRow.flaw, flaw))
        query = query.where(select(DiagnosisRow.key).where(*diagnosed).exists())
    if tool is not None:
        query = query.where(_called(connection, tool))
    asked = None if words is None else search.query_of(words)
    order = (Run.ordered_ns.desc(), Run.key.desc()) if newest_first else (Run.ordered_ns, Run.key)
    query = query.order_by(*order)
    if asked is not None and search.is_common(connection, asked):
        candidates = connection.execute(query.with_only_columns(Run.key, Run.words_from, Run.steps))
        keys = search.holding(
            connection, asked, ((row.key, row.words_from or 0, row.steps) for row in candidates), limit
        )
        return _rows_of(connection, keys)
    if asked is not None:
        query = query.where(search.holds(connection, asked))
    return [_row(row) for row in connection.execute(query.limit(limit))]


def briefs(connection: Connection) -> list[Brief]:
    """All runs, newest first; small, since there may be very many."""
    query = select(Run.id, Run.outcome, Run.task, Run.name).order_by(Run.ordered_ns.desc(), Run.key.desc())
    return [Brief(row.id, row.outcome, row.task, row.task or row.name) for row in connection.execute(query)]


def resolve(connection: Connection, asked: str) -> str:
    """The id of the run that `asked` means.

    Args:
        asked: an id or its unambiguous beginning, a name that one run has, or `latest`.

    Raises:
        StoreError: there is none, or more than one; the message names the nearest.
    """
    if asked == "latest":
        newest = connection.execute(select(Run.id).order_by(Run.ordered_ns.desc(), Run.key.desc()).limit(1)).scalar()
        if newest is None:
            raise StoreError("the store holds no runs", hint=NO_RUNS)
        return newest
    wanted = column(asked)
    for condition in (Run.id == wanted, begins(Run.id, wanted), Run.name == wanted):
        if not wanted:
            break
        found = list(
            connection.execute(select(Run.id).where(condition).order_by(Run.ordered_ns.desc()).limit(6)).scalars()
        )
        if len(found) == 1:
            return found[0]
        if found:
            some = ", ".join(_shown(run_id) for run_id in found[:5]) + (", …" if len(found) > 5 else "")
            raise StoreError(f"{asked!r} means more than one run: {some}", hint="Give more of the id.")
    raise unknown(connection, asked)


def count(connection: Connection) -> int:
    """How many runs there are."""
    return connection.execute(select(func.count()).select_from(Run)).scalar_one()


def row(connection: Connection, run_id: str) -> RunRow:
    """The line of one run. Raises `StoreError`."""
    return _row(connection.execute(_rows().where(Run.key == key_of(connection, run_id))).one())


def key_of(connection: Connection, run_id: str) -> int:
    """The key of the run with exactly that id. Raises `StoreError`."""
    key = connection.execute(select(Run.key).where(Run.id == column(run_id))).scalar()
    if key is None:
        raise unknown(connection, run_id)
    return key


def is_known(connection: Connection, run_id: str) -> bool:
    """Whether there is a run with exactly that id."""
    return connection.execute(select(Run.key).where(Run.id == column(run_id))).first() is not None


def info(connection: Connection, run_id: str) -> RunInfo:
    """The run as a whole, with its id in this store and the outcome that its labels say."""
    query = select(Run.id, Run.outcome, Run.outcome_by, Run.document).where(Run.key == key_of(connection, run_id))
    row = connection.execute(query).one()
    changed = {"id": row.id, "outcome": Outcome(row.outcome), "outcome_by": row.outcome_by}
    return from_json(RunInfo, row.document).model_copy(update=changed)


def block(connection: Connection, run_id: str) -> tuple[bytes, str, str]:
    """The original bytes of a run, their format and file name."""
    query = select(Run.blob, Run.format, Run.filename).where(Run.key == key_of(connection, run_id))
    row = connection.execute(query).one()
    return blobs.get(connection, row.blob), row.format, row.filename


def block_digest(connection: Connection, run_id: str) -> str:
    """SHA-256 of a run's bytes, as hex digits."""
    return connection.execute(select(Run.blob).where(Run.key == key_of(connection, run_id))).scalar_one().hex()


def earlier_blocks(connection: Connection, run_id: str) -> list[EarlierBlock]:
    """What earlier imports gave for that run, oldest first."""
    query = select(EarlierBlob).where(EarlierBlob.run == key_of(connection, run_id)).order_by(EarlierBlob.key)
    return [
        EarlierBlock(data=blobs.get(connection, r.blob), format=r.format, filename=r.filename, added_ns=r.added_ns)
        for r in connection.execute(query).all()
    ]


def steps(connection: Connection, run_id: str) -> list[StepRow]:
    """A run's outline, in order of start."""
    found = connection.execute(select(Step).where(Step.run == key_of(connection, run_id)).order_by(Step.seq)).all()
    ids = {row.seq: row.id or f"s{row.seq}" for row in found}
    return [
        StepRow(
            id=ids[row.seq],
            parent=ids.get(row.parent),
            kind=StepKind(row.kind),
            name=row.name,
            status=Status(row.status),
            error=row.error,
            started_ns=row.started_ns,
            ended_ns=row.ended_ns,
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
        )
        for row in found
    ]


def found_steps(connection: Connection, words: str, limit: int | None) -> list[StepHit]:
    """Steps that brought in all of these words, last added first."""
    pairs = search.hits(connection, search.query_of(words), limit)
    return _hits(connection, pairs)


def steps_with_message(connection: Connection, digest: str, limit: int | None) -> list[StepHit]:
    """The first step of each run that held the text with that digest."""
    try:
        address = bytes.fromhex(digest)
    except ValueError:
        return []
    query = select(Message.run, Message.seq).where(Message.digest == address).order_by(Message.run.desc()).limit(limit)
    return _hits(connection, [(row.run, row.seq) for row in connection.execute(query)])


def begins(field: InstrumentedAttribute[str], asked: str) -> ColumnElement[bool]:
    """The condition that `field` begins with `asked`, in a form that an index answers."""
    wanted = column(asked)
    return and_(field >= wanted, field <= wanted + "\U0010ffff")


def _hits(connection: Connection, pairs: Sequence[tuple[int, int]]) -> list[StepHit]:
    out: list[StepHit] = []
    query = select(Run.id.label("run_id"), Step.id, Step.seq, Step.kind, Step.name, Step.status).join(
        Run, Run.key == Step.run
    )
    for run, seq in pairs:
        # A word of a run that was pruned may still be in the index; its step is not.
        row = connection.execute(query.where(Step.run == run, Step.seq == seq)).first()
        if row is not None:
            step = row.id or f"s{row.seq}"
            kind, status = StepKind(row.kind), Status(row.status)
            out.append(StepHit(run=row.run_id, step=step, kind=kind, name=row.name, status=status))
    return out


def _called(connection: Connection, tool: str) -> TextClause:
    # The kind is spelled out as in the partial index, or no planner could know that the index applies; SQLite, which
    # keeps no statistics here, has to be told besides.
    hint = "INDEXED BY ix_step_tool " if is_sqlite(connection) else ""
    calls = f"SELECT 1 FROM step {hint}WHERE step.run = run.key AND step.kind = 'tool_call' AND step.name = :tool"
    return text(f"EXISTS ({calls})").bindparams(tool=column(tool))


def _rows_of(connection: Connection, keys: Sequence[int]) -> list[RunRow]:
    """The lines of runs by key, in the order of the keys."""
    rows: dict[int, RunRow] = {}
    for chunk in range(0, len(keys), 500):
        query = _rows().add_columns(Run.key).where(Run.key.in_(keys[chunk : chunk + 500]))
        rows |= {row.key: _row(row) for row in connection.execute(query)}
    return [rows[key] for key in keys]


def _rows() -> Select[*tuple[Any, ...]]:
    before, after = aliased(Run), aliased(Run)
    return select(
        Run.id,
        Run.name,
        Run.task,
        Run.outcome,
        Run.outcome_by,
        Run.score,
        Run.started_ns,
        Run.ended_ns,
        Run.steps,
        Run.errors,
        Run.flaws,
        Run.incomplete,
        Run.format,
        Run.filename,
        select(func.max(before.id)).where(before.id < Run.id).scalar_subquery().label("before"),
        select(func.min(after.id)).where(after.id > Run.id).scalar_subquery().label("after"),
    )


def _row(row: Row[Any]) -> RunRow:
    started, ended = row.started_ns, row.ended_ns
    shared = max(common_start(row.id, row.before or ""), common_start(row.id, row.after or ""))
    return RunRow(
        id=row.id,
        short_id=row.id[: max(SHORTEST, shared + 1)],
        name=row.name,
        task=row.task,
        outcome=Outcome(row.outcome),
        outcome_by=row.outcome_by,
        score=row.score,
        started_ns=row.started_ns,
        seconds=None if started is None or ended is None else (ended - started) / 1e9,
        steps=row.steps,
        errors=row.errors,
        flaws=row.flaws,
        incomplete=row.incomplete,
        format=row.format,
        filename=row.filename,
    )


def unknown(connection: Connection, asked: str) -> StoreError:
    """The error that no run has that name; it says which are near."""
    recent = connection.execute(select(Run.id, Run.name).order_by(Run.ordered_ns.desc()).limit(1000)).all()
    if not recent:
        return StoreError("the store holds no runs", hint=NO_RUNS)
    names = list(dict.fromkeys([*(row.id for row in recent), *(row.name for row in recent if row.name)]))
    near = difflib.get_close_matches(asked, names, n=3) or [name for name in names if asked and asked in name][:3]
    hint = f"Near it: {', '.join(_shown(name) for name in near)}." if near else "`harnessfix runs` lists them."
    return StoreError(f"no run is called {asked!r}", hint=hint)


def _shown(name: str) -> str:
    return name if name.isprintable() and len(name) <= 80 else repr(name[:80])
