"""What was made of each run, and the parts of a job that several machines share."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables `examination` and `work`."""
    op.create_table(
        "examination",
        sa.Column("run", KEY, autoincrement=False, nullable=False),
        sa.Column("made_from", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run", name="pk_examination"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_examination_run", ondelete="CASCADE"),
    )
    op.create_table(
        "work",
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("result", sa.LargeBinary()),
        sa.Column("changed_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("part", name="pk_work"),
    )
    op.create_index("ix_work_job_state", "work", ["job", "state"])
    if op.get_bind().dialect.name != "sqlite":
        # Both hold zstd frames.
        op.execute("ALTER TABLE examination ALTER COLUMN document SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE work ALTER COLUMN result SET STORAGE EXTERNAL")
