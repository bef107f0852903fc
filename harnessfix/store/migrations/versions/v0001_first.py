"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IDENT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
TOOL_CALLS = sa.text("kind = 'tool_call'")


def upgrade() -> None:
    """Make every table."""
    _blocks_and_runs()
    _steps()
    _findings()
    _repairs()
    op.create_table(
        "cache",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_cache"),
    )
    op.create_index("ix_cache_created_ns_size", "cache", ["created_ns", "size"])
    if op.get_bind().dialect.name == "sqlite":
        _words_sqlite()
    else:
        _words_postgresql()
        # The blocks are zstd frames already.
        op.execute("ALTER TABLE blob ALTER COLUMN data SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE cache ALTER COLUMN value SET STORAGE EXTERNAL")


def _blocks_and_runs() -> None:
    op.create_table(
        "info",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_info"),
    )
    op.create_table(
        "blob",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_blob"),
    )
    op.create_table(
        "run",
        sa.Column("key", KEY, autoincrement=True, nullable=False),
        sa.Column("id", IDENT, nullable=False),
        sa.Column("name", IDENT, nullable=False),
        sa.Column("task", IDENT, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("outcome_by", sa.String(), nullable=False),
        sa.Column("score", sa.Double()),
        sa.Column("started_ns", sa.BigInteger()),
        sa.Column("ended_ns", sa.BigInteger()),
        sa.Column("ordered_ns", sa.BigInteger(), nullable=False),
        sa.Column("added_ns", sa.BigInteger(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("incomplete", sa.Integer(), nullable=False),
        sa.Column("flaws", sa.Integer()),
        sa.Column("diagnosed_with", sa.String()),
        sa.Column("words_from", sa.BigInteger()),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_run"),
        sa.UniqueConstraint("id", name="uq_run_id"),
        sa.ForeignKeyConstraint(["blob"], ["blob.digest"], name="fk_run_blob"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_ordered_ns_key", "run", ["ordered_ns", "key"])
    op.create_index("ix_run_outcome_ordered_ns_key", "run", ["outcome", "ordered_ns", "key"])
    op.create_index("ix_run_task_ordered_ns_key", "run", ["task", "ordered_ns", "key"])
    op.create_index("ix_run_name", "run", ["name"])
    op.create_index("ix_run_blob", "run", ["blob"])
    op.create_index("ix_run_words_from", "run", ["words_from"])
    op.create_table(
        "earlier_blob",
        sa.Column("key", KEY, autoincrement=True, nullable=False),
        sa.Column("run", KEY, nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("added_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_earlier_blob"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_earlier_blob_run", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["blob"], ["blob.digest"], name="fk_earlier_blob_blob"),
    )
    op.create_index("ix_earlier_blob_run", "earlier_blob", ["run"])
    op.create_index("ix_earlier_blob_blob", "earlier_blob", ["blob"])
    op.create_table(
        "label",
        sa.Column("key", KEY, autoincrement=True, nullable=False),
        sa.Column("run", KEY, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("said_by", sa.String(), nullable=False),
        sa.Column("score", sa.Double()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_label"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_label_run", ondelete="CASCADE"),
    )
    op.create_index("ix_label_run", "label", ["run"])


def _steps() -> None:
    op.create_table(
        "step",
        sa.Column("run", KEY, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent", sa.Integer()),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", IDENT, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("error", sa.String()),
        sa.Column("started_ns", sa.BigInteger()),
        sa.Column("ended_ns", sa.BigInteger()),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("id", sa.String()),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_step"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_step_run", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_step_tool", "step", ["name", "run"], sqlite_where=TOOL_CALLS, postgresql_where=TOOL_CALLS)
    op.create_table(
        "message",
        sa.Column("run", KEY, nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", "digest", name="pk_message"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_message_run", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_message_digest", "message", ["digest"])


def _findings() -> None:
    op.create_table(
        "diagnosis",
        sa.Column("key", KEY, autoincrement=True, nullable=False),
        sa.Column("run", KEY),
        sa.Column("harness_key", sa.String(), nullable=False),
        sa.Column("flaw", IDENT, nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_diagnosis"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_diagnosis_run", ondelete="CASCADE"),
    )
    op.create_index("ix_diagnosis_run", "diagnosis", ["run"])
    op.create_index("ix_diagnosis_flaw_run", "diagnosis", ["flaw", "run"])
    op.create_index("ix_diagnosis_harness_key", "diagnosis", ["harness_key"])
    op.create_table(
        "flaw",
        sa.Column("id", IDENT, nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("first_seen_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_flaw"),
    )


def _repairs() -> None:
    for table in ("patch", "verdict", "memory"):
        op.create_table(
            table,
            sa.Column("id", IDENT, nullable=False),
            sa.Column("flaw", sa.String(), nullable=False),
            sa.Column("operator", sa.String(), nullable=False),
            sa.Column("state", sa.String(), nullable=False),
            sa.Column("created_ns", sa.BigInteger(), nullable=False),
            sa.Column("updated_ns", sa.BigInteger(), nullable=False),
            sa.Column("document", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        )
        for column in ("flaw", "operator", "state"):
            op.create_index(f"ix_{table}_{column}", table, [column])


def _words_sqlite() -> None:
    # Words are split and folded by harnessfix, one step per row; the `ascii` tokenizer leaves them as they are.
    # Positions are not kept (detail=none), nor is the text (content=''): the index is a seventh of the text.
    op.execute("CREATE VIRTUAL TABLE words USING fts5(text, content='', detail='none', columnsize=0, tokenize='ascii')")


def _words_postgresql() -> None:
    op.create_table(
        "words",
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", "part", name="pk_words"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_words_run", ondelete="CASCADE"),
    )
    op.create_index("ix_words_words", "words", ["words"], postgresql_using="gin")
