"""Recordings as rows. All that takes time is done before the transaction begins."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from sqlalchemy import Connection, bindparam, delete, insert, select

from harnessfix_ir.recording import Recording
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.texts import digest as text_digest
from harnessfix_ir.vocabulary import Outcome, Status

from . import blobs, labels, search
from .database import bulk_insert
from .documents import Label
from .evaluations import labels_in
from .models import Base, EarlierBlob, Run
from .plaintext import column, ident, to_json
from .words import most_of, words_of

STEP_COLUMNS = (
    *("run", "seq", "parent", "kind", "name", "status", "error"),
    *("started_ns", "ended_ns", "input_tokens", "output_tokens", "id"),
)
MESSAGE_COLUMNS = ("run", "digest", "seq", "size")
MOST = 2**63 - 1
RUN = Base.metadata.tables["run"]
# Made once, and of tables and not of models: making a statement takes longer than a small insert.
HELD = (
    select(RUN.c.key, RUN.c.blob, RUN.c.format, RUN.c.filename, RUN.c.added_ns)
    .where(RUN.c.id == bindparam("id"))
    .with_for_update()
)
NEW = insert(RUN)


@dataclass(frozen=True)
class Rows:
    """One recording, ready to be inserted under whatever key its run gets; rows lack that key in front."""

    run: dict[str, object]
    labels: list[Label]
    steps: list[tuple[object, ...]]
    messages: list[tuple[object, ...]]
    words: list[tuple[int, list[str]]]


def with_own_ids(recordings: Iterable[Recording]) -> Iterable[tuple[str, Recording]]:
    """Recordings with the ids they have in the store: the second of one id in the same bytes becomes `id~2`."""
    seen: dict[str, int] = {}
    for recording in recordings:
        run_id = ident(recording.run.id)
        seen[run_id] = seen.get(run_id, 0) + 1
        yield (run_id if seen[run_id] == 1 else f"{run_id}~{seen[run_id]}"), recording


def prepare(run_id: str, recording: Recording, format_name: str, filename: str) -> Rows:
    """Everything about a recording that goes into rows."""
    info = recording.run
    now = time.time_ns()
    run: dict[str, object] = {
        "id": run_id,
        "name": column(info.name),
        "task": column(info.task),
        "started_ns": _fits(info.started_ns),
        "ended_ns": _fits(info.ended_ns),
        "ordered_ns": _fits(info.started_ns) or now,
        "added_ns": now,
        "steps": len(recording.steps),
        "errors": sum(step.status is Status.ERROR for step in recording.steps),
        "incomplete": len(recording.incomplete),
        "format": column(format_name),
        "filename": column(filename, 1000),
        "document": to_json(info),
    }
    said = [
        Label.model_copy(each, update={"reason": column(each.reason, 10_000)}) for each in labels_in(recording, now)
    ]
    score = info.score if info.score is not None and isfinite(info.score) else None
    if info.outcome is not Outcome.UNKNOWN or score is not None:
        by = column(info.outcome_by) or "file"
        said.append(Label(outcome=info.outcome, by=by, score=score, created_ns=now))
    numbers = {step.id: seq for seq, step in enumerate(recording.steps, 1)}
    steps = [_step_row(seq, step, numbers) for seq, step in enumerate(recording.steps, 1)]
    messages, words = _texts(recording)
    return Rows(run, said, steps, messages, words)


def write(connection: Connection, block: blobs.Block, prepared: Sequence[Rows], *, supersedes: bool = False) -> None:
    """Insert a block and the runs that came out of it; what is there already stays as it is.

    Args:
        connection: in a transaction.
        block: the bytes.
        prepared: the runs.
        supersedes: the block holds all that was held of these runs; their earlier bytes go.
    """
    blobs.put(connection, block)
    for rows in prepared:
        _write_run(connection, block.digest, rows, supersedes)


def _write_run(connection: Connection, digest: bytes, rows: Rows, supersedes: bool) -> None:
    held = connection.execute(HELD, {"id": rows.run["id"]}).first()
    if held is not None and held.blob == digest:
        return
    said: list[Label] = []
    kept_blobs: list[dict[str, object]] = []
    if held is not None:
        # Other bytes for a run we know: the newer recording counts, and nothing that people or files said is lost.
        said = labels.of_run(connection, held.key)
        kept_blobs = _earlier(connection, held.key)
        if not supersedes:
            kept_blobs.append({name: getattr(held, name) for name in ("blob", "format", "filename", "added_ns")})
        connection.execute(delete(Run).where(Run.key == held.key))
        if supersedes:
            blobs.drop_if_unused(connection, held.blob)
    known = {_said(label) for label in said}
    said += (label for label in rows.labels if _said(label) not in known)
    room = search.reserve(connection, len(rows.steps))
    values = {**rows.run, **labels.outcome_columns(said), "blob": digest, "words_from": room}
    key = connection.execute(NEW, values).inserted_primary_key
    assert key is not None
    run_key: int = key[0]
    bulk_insert(connection, "step", STEP_COLUMNS, [(run_key, *row) for row in rows.steps])
    bulk_insert(connection, "message", MESSAGE_COLUMNS, [(run_key, *row) for row in rows.messages])
    search.index(connection, [(run_key, seq, words) for seq, words in rows.words], room)
    if kept_blobs:
        connection.execute(insert(EarlierBlob), [{**each, "run": run_key} for each in kept_blobs])
    labels.insert_all(connection, run_key, said)


def _said(label: Label) -> tuple[object, ...]:
    return label.outcome, label.by, label.score, label.created_ns


def _earlier(connection: Connection, run_key: int) -> list[dict[str, object]]:
    query = select(EarlierBlob.__table__).where(EarlierBlob.run == run_key).order_by(EarlierBlob.key)
    found = connection.execute(query).mappings()
    return [{name: value for name, value in row.items() if name not in ("key", "run")} for row in found]


def _step_row(seq: int, step: TraceStep, numbers: dict[str, int]) -> tuple[object, ...]:
    usage = step.usage
    return (
        seq,
        numbers.get(step.parent) if step.parent is not None else None,
        step.kind.value,
        column(step.name),
        step.status.value,
        column(step.error.type) if step.error else None,
        _fits(step.started_ns),
        _fits(step.ended_ns),
        _fits(usage.input_tokens) if usage else None,
        _fits(usage.output_tokens) if usage else None,
        None if step.id == f"s{seq}" else column(step.id),
    )


def _texts(recording: Recording) -> tuple[list[tuple[object, ...]], list[tuple[int, list[str]]]]:
    """Where each distinct text was first held, and the words that each step brought in."""
    seen: set[str] = set()
    messages: dict[bytes, tuple[object, ...]] = {}
    words: list[tuple[int, list[str]]] = []
    for seq, step in enumerate(recording.steps, 1):
        new = [step.name]
        if step.error is not None:
            new += (step.error.type, step.error.message)
        for part in (*step.input, *step.output):
            if part.text in seen:
                continue
            seen.add(part.text)
            held = recording.texts.get(part.text)
            if held is None:
                continue
            address = _address(part.text, held)
            messages.setdefault(address, (address, seq, len(held)))
            new.append(held)
        words.append((seq, most_of(words_of(*new))))
    return list(messages.values()), words


def _address(key: str, held: str) -> bytes:
    try:
        address = bytes.fromhex(key)
    except ValueError:
        address = b""
    return address if len(address) == 16 else bytes.fromhex(text_digest(held))


def _fits(number: int | None) -> int | None:
    """`number` if a column can hold it; clocks and counters of traces may say anything."""
    return number if number is not None and -MOST <= number <= MOST else None
