"""The tables. Types are those that SQLite and PostgreSQL both have; documents are JSON in text columns.

The truth of a run is its block (the original bytes, one zstd frame addressed by the SHA-256 of the bytes); `run`,
`step`, `message` and the word index are facts about it that can be made again from the block.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

KEY = BigInteger().with_variant(Integer(), "sqlite")
IDENT = String().with_variant(String(collation="C"), "postgresql")
TOOL_CALLS = text("kind = 'tool_call'")


class Base(DeclarativeBase):
    """Base of the models that both engines have."""

    metadata = MetaData(naming_convention=NAMES)


class Info(Base):
    """Facts about the store itself.

    `writer`: the harnessfix version that made or last upgraded it; `words`: the next free rowid of SQLite's word index.
    """

    __tablename__ = "info"
    key: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class Blob(Base):
    """Original bytes, compressed. Several runs may have come out of the same bytes."""

    __tablename__ = "blob"
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class Run(Base):
    """One run. `ordered_ns` is its start, or the time it was added when the start is unknown.

    On SQLite the words of step n have the rowid `words_from + n` in the index: close numbers keep the index small.
    """

    __tablename__ = "run"
    key: Mapped[int] = mapped_column(KEY, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(IDENT, unique=True)
    name: Mapped[str] = mapped_column(IDENT)
    task: Mapped[str] = mapped_column(IDENT)
    outcome: Mapped[str] = mapped_column(String)
    outcome_by: Mapped[str] = mapped_column(String)
    score: Mapped[float | None] = mapped_column(Double)
    started_ns: Mapped[int | None] = mapped_column(BigInteger)
    ended_ns: Mapped[int | None] = mapped_column(BigInteger)
    ordered_ns: Mapped[int] = mapped_column(BigInteger)
    added_ns: Mapped[int] = mapped_column(BigInteger)
    steps: Mapped[int]
    errors: Mapped[int]
    incomplete: Mapped[int]
    flaws: Mapped[int | None]
    diagnosed_with: Mapped[str | None] = mapped_column(String)
    words_from: Mapped[int | None] = mapped_column(BigInteger)
    blob: Mapped[bytes] = mapped_column(ForeignKey("blob.digest"))
    format: Mapped[str] = mapped_column(String)
    filename: Mapped[str] = mapped_column(String)
    document: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index(None, "ordered_ns", "key"),
        Index(None, "outcome", "ordered_ns", "key"),
        Index(None, "task", "ordered_ns", "key"),
        Index(None, "name"),
        Index(None, "blob"),
        Index(None, "words_from"),
        {"sqlite_autoincrement": True},
    )


class EarlierBlob(Base):
    """Bytes that a later import of the same run id superseded."""

    __tablename__ = "earlier_blob"
    key: Mapped[int] = mapped_column(KEY, primary_key=True, autoincrement=True)
    run: Mapped[int] = mapped_column(KEY, ForeignKey("run.key", ondelete="CASCADE"))
    blob: Mapped[bytes] = mapped_column(ForeignKey("blob.digest"))
    format: Mapped[str] = mapped_column(String)
    filename: Mapped[str] = mapped_column(String)
    added_ns: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "run"), Index(None, "blob"))


class Step(Base):
    """A step's outline. `seq` counts from 1; `id` is kept only where it is not `s<seq>`."""

    __tablename__ = "step"
    run: Mapped[int] = mapped_column(KEY, ForeignKey("run.key", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    parent: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String)
    name: Mapped[str] = mapped_column(IDENT)
    status: Mapped[str] = mapped_column(String)
    error: Mapped[str | None] = mapped_column(String)
    started_ns: Mapped[int | None] = mapped_column(BigInteger)
    ended_ns: Mapped[int | None] = mapped_column(BigInteger)
    input_tokens: Mapped[int | None] = mapped_column(BigInteger)
    output_tokens: Mapped[int | None] = mapped_column(BigInteger)
    id: Mapped[str | None] = mapped_column(String)
    __table_args__ = (
        Index("ix_step_tool", "name", "run", sqlite_where=TOOL_CALLS, postgresql_where=TOOL_CALLS),
        {"sqlite_with_rowid": False},
    )


class Message(Base):
    """The step in which a run first held a text; the text itself lies in the run's block."""

    __tablename__ = "message"
    run: Mapped[int] = mapped_column(KEY, ForeignKey("run.key", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    seq: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "digest"), {"sqlite_with_rowid": False})


class LabelRow(Base):
    """One word on how a run ended."""

    __tablename__ = "label"
    key: Mapped[int] = mapped_column(KEY, primary_key=True, autoincrement=True)
    run: Mapped[int] = mapped_column(KEY, ForeignKey("run.key", ondelete="CASCADE"), index=True)
    outcome: Mapped[str] = mapped_column(String)
    said_by: Mapped[str] = mapped_column(String)
    score: Mapped[float | None] = mapped_column(Double)
    reason: Mapped[str] = mapped_column(Text)
    created_ns: Mapped[int] = mapped_column(BigInteger)


class DiagnosisRow(Base):
    """One finding; `run` is NULL for a static one."""

    __tablename__ = "diagnosis"
    key: Mapped[int] = mapped_column(KEY, primary_key=True, autoincrement=True)
    run: Mapped[int | None] = mapped_column(KEY, ForeignKey("run.key", ondelete="CASCADE"))
    harness_key: Mapped[str] = mapped_column(String)
    flaw: Mapped[str] = mapped_column(IDENT)
    rule: Mapped[str] = mapped_column(String)
    document: Mapped[str] = mapped_column(Text)
    __table_args__ = (Index(None, "run"), Index(None, "flaw", "run"), Index(None, "harness_key"))


class FlawRow(Base):
    """One flaw over all runs; `first_seen_ns` survives every later diagnosis."""

    __tablename__ = "flaw"
    id: Mapped[str] = mapped_column(IDENT, primary_key=True)
    rule: Mapped[str] = mapped_column(String)
    first_seen_ns: Mapped[int] = mapped_column(BigInteger)
    updated_ns: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[str] = mapped_column(Text)


class RepairColumns:
    """What patches, verdicts and memories are looked up by; everything else is in the document."""

    id: Mapped[str] = mapped_column(IDENT, primary_key=True)
    flaw: Mapped[str] = mapped_column(String, index=True)
    operator: Mapped[str] = mapped_column(String, index=True)
    state: Mapped[str] = mapped_column(String, index=True)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    updated_ns: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[str] = mapped_column(Text)


class PatchRow(RepairColumns, Base):
    """A proposed patch."""

    __tablename__ = "patch"


class VerdictRow(RepairColumns, Base):
    """What a validation said about a patch."""

    __tablename__ = "verdict"


class MemoryRow(RepairColumns, Base):
    """An accepted or rejected repair, with the reason."""

    __tablename__ = "memory"


class CacheRow(Base):
    """Something that can be computed again, under the digest of what it was computed from."""

    __tablename__ = "cache"
    kind: Mapped[str] = mapped_column(String, primary_key=True)
    key: Mapped[str] = mapped_column(String, primary_key=True)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index(None, "created_ns", "size"),)


class ExaminationRow(Base):
    """What was last made of a run: what each rule said, and the digest of everything that was made from."""

    __tablename__ = "examination"
    run: Mapped[int] = mapped_column(
        KEY, ForeignKey("run.key", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    made_from: Mapped[str] = mapped_column(String)
    document: Mapped[bytes] = mapped_column(LargeBinary)


class WorkRow(Base):
    """One part of a job that several machines share: `todo`, or `done` with its result.

    `part` is the digest of everything the result depends on, so a part means the same in every attempt at the job.
    """

    __tablename__ = "work"
    part: Mapped[str] = mapped_column(String, primary_key=True)
    job: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    result: Mapped[bytes | None] = mapped_column(LargeBinary)
    changed_ns: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "job", "state"),)


POSTGRESQL = MetaData(naming_convention=NAMES)
"""The word index as PostgreSQL has it; on SQLite it is the FTS5 table `words`, which no model can describe."""

WORDS = Table(
    "words",
    POSTGRESQL,
    Column("run", BigInteger, ForeignKey(Run.key, ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("words", TSVECTOR, nullable=False),
    Index("ix_words_words", "words", postgresql_using="gin"),
)
