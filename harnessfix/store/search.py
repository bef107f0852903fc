"""The word index: FTS5 on SQLite, a tsvector column on PostgreSQL, the same words in both."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, func, literal_column, select, text

from harnessfix_ir.errors import StoreError

from .database import is_sqlite
from .models import WORDS, Run
from .words import words_of

PART_BYTES = 500_000  # a tsvector holds at most a mebibyte
MANY = 20_000
"""Up to so many hits, runs are looked up in the list of them; a commoner word is looked for run by run."""
SAMPLE = 1000
"""Steps whose words tell whether a word is common on PostgreSQL."""
SMALLEST_CHUNK, LARGEST_CHUNK = 64, 1024
WIDEST_GAP = 2_000

Words = tuple[int, int, list[str]]
"""Run key, step number, distinct words."""

OWNED = (
    "run.words_from = (SELECT max(words_from) FROM run WHERE words_from < {0}) AND {0} <= run.words_from + run.steps"
)
"""Words of runs that were deleted stay in SQLite's index until it is purged; they belong to no step of any run."""
HITS = (
    "SELECT run.key, words.rowid - run.words_from AS seq FROM words "
    f"JOIN run ON {OWNED.format('words.rowid')} WHERE words MATCH "
)
ROWS = (
    "SELECT run.key AS run, doc - run.words_from AS seq, joined "
    "FROM (SELECT doc, group_concat(term, ' ') AS joined FROM temp.vocabulary GROUP BY doc) "
    f"JOIN run ON {OWNED.format('doc')}"
)


def reserve(connection: Connection, steps: int) -> int | None:
    """Room for so many steps in SQLite's index, never given out before; None on PostgreSQL, which has no rowids."""
    if not is_sqlite(connection):
        return None
    taken = "INSERT INTO info (key, value) VALUES ('words', ?) ON CONFLICT (key) DO UPDATE SET value = value + ?"
    connection.exec_driver_sql(taken, (str(steps), steps))
    end = connection.exec_driver_sql("SELECT value FROM info WHERE key = 'words'").scalar_one()
    return int(end) - steps


def index(connection: Connection, rows: Iterable[Words], words_from: int | None) -> None:
    """Add the words of one run's steps.

    Args:
        words_from: the room reserved for that run.
    """
    usable = [row for row in rows if row[2]]
    if not usable:
        return
    if words_from is not None:
        flat = [(words_from + seq, " ".join(words)) for _, seq, words in usable]
        connection.exec_driver_sql("INSERT INTO words (rowid, text) VALUES (?, ?)", flat)
    else:
        parts = [(run, seq, part, chunk) for run, seq, words in usable for part, chunk in enumerate(_chunks(words))]
        connection.exec_driver_sql(
            "INSERT INTO words (run, seq, part, words) VALUES (%s, %s, %s, array_to_tsvector(%s))", parts
        )


def query_of(asked: str) -> list[str]:
    """The words asked for. Raises `StoreError` when there is none to look for."""
    words = sorted(words_of(asked))
    if not words:
        raise StoreError("there is no word to search for", hint="Search for words of letters or digits.")
    return words


def hits(connection: Connection, words: list[str], limit: int | None) -> list[tuple[int, int]]:
    """(run key, step number) of the steps that hold all `words`, last added first."""
    if is_sqlite(connection):
        sql = f"{HITS} ? ORDER BY words.rowid DESC LIMIT ?"
        found = connection.exec_driver_sql(sql, (_match(words), -1 if limit is None else limit))
        return [(run, seq) for run, seq in found]
    matches = _found(connection, words)
    query = select(matches.c.run, matches.c.seq).distinct()
    query = query.order_by(matches.c.run.desc(), matches.c.seq.desc()).limit(limit)
    return [(row.run, row.seq) for row in connection.execute(query)]


def is_common(connection: Connection, words: list[str]) -> bool:
    """Whether so many steps hold all `words` that SQLite had better go through the runs than through the steps."""
    if not is_sqlite(connection):
        return False
    count = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
    return int(connection.exec_driver_sql(count, (_match(words), MANY + 1)).scalar_one()) > MANY


def holds(connection: Connection, words: list[str]) -> ColumnElement[bool]:
    """A condition on `run`: one of its steps holds all `words`."""
    if not is_sqlite(connection):
        return Run.key.in_(select(_found(connection, words).c.run))
    listed = text(f"SELECT key FROM ({HITS} :asked)")
    return Run.key.in_(listed.bindparams(asked=_match(words)).columns(literal_column("key")))


def _found(connection: Connection, words: list[str]) -> FromClause:
    """The rows of PostgreSQL's index that hold all `words`.

    Whoever wants the first few of them in some order gets a plan that goes through everything in that order, which is
    right for words that are in every twentieth step and reads the whole table for rare ones. So the rare ones are
    looked up in the index first, by a part of the query that no planner takes apart.
    """
    newest = select(WORDS.c.words).order_by(WORDS.c.run.desc(), WORDS.c.seq.desc(), WORDS.c.part.desc())
    sample = newest.limit(SAMPLE).subquery()
    common = connection.execute(select(func.count()).select_from(sample).where(_tsmatch(words, sample.c.words)))
    query = select(WORDS.c.run, WORDS.c.seq).where(_tsmatch(words, WORDS.c.words))
    if common.scalar_one() > SAMPLE // 20:
        return query.subquery()
    return query.cte("found").prefix_with("MATERIALIZED")


Candidate = tuple[int, int, int]
"""Run key, where its words begin in SQLite's index, number of steps."""


def holding(connection: Connection, words: list[str], runs: Iterable[Candidate], limit: int | None) -> list[int]:
    """Keys of the runs, in their order, one of whose steps holds all `words`; reads no further than `limit` of them."""
    found: list[int] = []
    pending = iter(runs)
    size = SMALLEST_CHUNK
    while chunk := list(islice(pending, size)):
        inside = _inside(connection, _match(words), sorted(chunk, key=itemgetter(1)))
        found += [run[0] for run in chunk if run[0] in inside]
        if limit is not None and len(found) >= limit:
            return found[:limit]
        size = min(2 * size, LARGEST_CHUNK)
    return found


def _inside(connection: Connection, match: str, runs: list[Candidate]) -> set[int]:
    """Which of the runs, ordered by where their words begin, hold a match: one query for each stretch of the index."""
    inside: set[int] = set()
    first = 0
    for last, (_, start, steps) in enumerate(runs):
        if last + 1 < len(runs) and runs[last + 1][1] - start - steps <= WIDEST_GAP:
            continue
        stretch = (match, runs[first][1] + 1, start + steps)
        sql = "SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid"
        for (rowid,) in connection.exec_driver_sql(sql, stretch):
            while runs[first][1] + runs[first][2] < rowid:
                first += 1
            if rowid > runs[first][1]:
                inside.add(runs[first][0])
        first = last + 1
    return inside


def all_words(connection: Connection) -> Iterator[Words]:
    """Every row of the index, run by run."""
    if is_sqlite(connection):
        _vocabulary(connection)
        for run, seq, joined in connection.exec_driver_sql(ROWS):
            yield run, seq, joined.split(" ")
    else:
        query = select(WORDS.c.run, WORDS.c.seq, func.tsvector_to_array(WORDS.c.words).label("list"))
        found = connection.execute(query.order_by(WORDS.c.run, WORDS.c.seq, WORDS.c.part))
        for (run, seq), parts in groupby(found, key=lambda row: (row.run, row.seq)):
            yield run, seq, [word for part in parts for word in part.list]


def purge(connection: Connection) -> None:
    """Make SQLite's index anew without the words of deleted runs; PostgreSQL deletes them with the run."""
    if not is_sqlite(connection) or reserve(connection, 0) == _steps(connection):
        return
    _vocabulary(connection)
    for statement in (
        f"CREATE TEMP TABLE kept AS {ROWS}",
        "INSERT INTO words (words) VALUES ('delete-all')",
        "UPDATE run SET words_from = dense.start FROM "
        "(SELECT key, sum(steps) OVER (ORDER BY key) - steps AS start FROM run) AS dense WHERE run.key = dense.key",
        "INSERT INTO words (rowid, text) SELECT run.words_from + seq, joined "
        "FROM temp.kept JOIN run ON run.key = kept.run ORDER BY run.words_from + seq",
        "INSERT INTO words (words) VALUES ('optimize')",
        "DROP TABLE temp.kept",
    ):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("UPDATE info SET value = ? WHERE key = 'words'", (str(_steps(connection)),))


def _steps(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.sum(Run.steps), 0))).scalar_one())


def _vocabulary(connection: Connection) -> None:
    """The index keeps no text, but a table made from it says which words each row had."""
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, words, instance)"
    )


def _match(words: list[str]) -> str:
    return " AND ".join(f'"{word}"' for word in words)


def _tsmatch(words: list[str], held: ColumnElement[Any]) -> ColumnElement[bool]:
    quoted = " & ".join(f"'{word}'" for word in words)
    return held.op("@@")(text("CAST(:asked AS tsquery)").bindparams(asked=quoted))


def _chunks(words: list[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for word in words:
        size += len(word.encode()) + 8
        if size > PART_BYTES and chunk:
            yield chunk
            chunk, size = [], len(word.encode()) + 8
        chunk.append(word)
    yield chunk
