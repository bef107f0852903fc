"""The word index: FTS5 on SQLite, a tsvector column on PostgreSQL, the same words in both."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, TextClause, func, literal_column, select, text

from harnessfix_ir.errors import StoreError

from .database import is_sqlite
from .models import WORDS, Run
from .words import words_of

SEQ_BITS = 24
LAST_SEQ = (1 << SEQ_BITS) - 1
PART_BYTES = 500_000  # a tsvector holds at most a mebibyte
MANY = 20_000
"""Up to so many hits, runs are looked up in the list of them; a commoner word is asked for run by run."""

Words = tuple[int, int, list[str]]
"""Run key, step number, distinct words."""


def index(connection: Connection, rows: Iterable[Words]) -> None:
    """Add the words of steps. Steps beyond the sixteen-millionth of a run are not searchable."""
    usable = [row for row in rows if row[1] <= LAST_SEQ and row[2]]
    if not usable:
        return
    if is_sqlite(connection):
        flat = [((run << SEQ_BITS) | seq, " ".join(words)) for run, seq, words in usable]
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
        sql = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?"
        found = connection.exec_driver_sql(sql, (_match(words), -1 if limit is None else limit))
        return [(row[0] >> SEQ_BITS, row[0] & LAST_SEQ) for row in found]
    query = select(WORDS.c.run, WORDS.c.seq).where(_tsmatch(words)).distinct()
    query = query.order_by(WORDS.c.run.desc(), WORDS.c.seq.desc()).limit(limit)
    return [(row.run, row.seq) for row in connection.execute(query)]


def holds(connection: Connection, words: list[str]) -> ColumnElement[bool] | TextClause:
    """A condition on `run`: one of its steps holds all `words`."""
    if not is_sqlite(connection):
        return Run.key.in_(select(WORDS.c.run).where(_tsmatch(words)))
    if len(hits(connection, words, MANY + 1)) <= MANY:
        listed = text(f"SELECT rowid >> {SEQ_BITS} AS run FROM words WHERE words MATCH :asked")
        return Run.key.in_(listed.bindparams(asked=_match(words)).columns(literal_column("run")))
    inside = text(
        "EXISTS (SELECT 1 FROM words WHERE words MATCH :asked "
        f"AND rowid BETWEEN (run.key << {SEQ_BITS}) AND (run.key << {SEQ_BITS}) + {LAST_SEQ})"
    )
    return inside.bindparams(asked=_match(words))


def all_words(connection: Connection) -> Iterator[Words]:
    """Every row of the index, words of deleted runs included."""
    if is_sqlite(connection):
        # The index keeps no text; its own vocabulary says which words each row had.
        _vocabulary(connection)
        found = connection.exec_driver_sql("SELECT doc, group_concat(term, ' ') FROM temp.vocabulary GROUP BY doc")
        for rowid, joined in found:
            yield rowid >> SEQ_BITS, rowid & LAST_SEQ, joined.split(" ")
    else:
        query = select(WORDS.c.run, WORDS.c.seq, func.tsvector_to_array(WORDS.c.words).label("list"))
        found = connection.execute(query.order_by(WORDS.c.run, WORDS.c.seq, WORDS.c.part))
        for (run, seq), parts in groupby(found, key=lambda row: (row.run, row.seq)):
            yield run, seq, [word for part in parts for word in part.list]


def purge(connection: Connection) -> None:
    """Make SQLite's index anew without the words of deleted runs (PostgreSQL deletes them with the run)."""
    _vocabulary(connection)
    run = f"doc >> {SEQ_BITS}"
    gone = f"SELECT 1 FROM temp.vocabulary WHERE {run} NOT IN (SELECT key FROM run) LIMIT 1"
    if connection.exec_driver_sql(gone).first() is None:
        return
    connection.exec_driver_sql(
        "CREATE TEMP TABLE kept AS SELECT doc, group_concat(term, ' ') AS words FROM temp.vocabulary "
        f"WHERE {run} IN (SELECT key FROM run) GROUP BY doc"
    )
    connection.exec_driver_sql("INSERT INTO words (words) VALUES ('delete-all')")
    connection.exec_driver_sql("INSERT INTO words (rowid, text) SELECT doc, words FROM temp.kept")
    connection.exec_driver_sql("DROP TABLE temp.kept")


def _vocabulary(connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, words, instance)"
    )


def _match(words: list[str]) -> str:
    return " AND ".join(f'"{word}"' for word in words)


def _tsmatch(words: list[str]) -> ColumnElement[bool]:
    quoted = " & ".join(f"'{word}'" for word in words)
    return WORDS.c.words.op("@@")(text("CAST(:asked AS tsquery)").bindparams(asked=quoted))


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
