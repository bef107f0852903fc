"""What the store costs: bytes, inserting and asking.

    python -m benchmarks.store [SPANS [URL]]

prints three ratios and, at so many spans (60 000 by default), what each query took: on SQLite, and on the PostgreSQL
server of the URL (or of HARNESSFIX_TEST_DATABASE_URL), whose database has to be empty.

`bytes_ratio_to_otlp`: bytes of the store's file to those of the OTLP/JSON it was given, for runs of 60 steps in which
every model call resends the whole conversation. `insert_ratio_to_bound`: rate of `Store.add` to that of the bare `zstd`
and `sqlite3.executemany` for the same bytes and rows, in transactions of the same size. `slowest_query_ms`: the slowest
of the queries, median of several; `slowest_query_ms_postgresql` the same there, and `slowest_query_ratio` what it is to
the other.
"""

import json
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import zstandard

from harnessfix.store import Store
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import Evidence, Layer, Outcome, Severity, Status, StepKind

STEPS = 60
TOOLS = ("read_file", "write_file", "bash", "search", "submit")
TABLES = ("run", "step", "message", "blob")


class Words:
    """Text whose words are as unevenly frequent as those of prose (Zipf), many of them long identifiers."""

    def __init__(self, seed: int, vocabulary: int = 30_000) -> None:
        self.random = random.Random(seed)
        letters = "abcdefghijklmnopqrstuvwxyz"
        made = ["".join(self.random.choices(letters, k=self.random.randint(2, 12))) for _ in range(vocabulary)]
        self.words = made
        self.weights = [1 / rank for rank in range(1, vocabulary + 1)]

    def text(self, count: int) -> str:
        """So many words, in lines."""
        chosen = self.random.choices(self.words, self.weights, k=count)
        return "\n".join(" ".join(chosen[start : start + 12]) for start in range(0, count, 12))


def run_of(run_id: str, words: Words, started: int) -> tuple[bytes, Recording]:
    """A run of 60 steps, model and tool calls in turn, as OTLP/JSON bytes and as the reader would hand it on."""
    pool, steps, spans = TextPool(), [], []
    history = [Part(role="system", text=pool.put(words.text(400))), Part(role="user", text=pool.put(words.text(80)))]
    for number in range(1, STEPS + 1):
        model = number % 2 == 1
        tool = words.random.choices(TOOLS, (50, 20, 20, 9, 1))[0]
        result = Part(role="assistant" if model else "tool", text=pool.put(words.text(60 if model else 180)))
        failed = not model and words.random.random() < 0.1
        step = TraceStep(
            id=f"s{number}",
            kind=StepKind.MODEL_CALL if model else StepKind.TOOL_CALL,
            name="chat" if model else tool,
            started_ns=started + number * 10**9,
            ended_ns=started + number * 10**9 + 5 * 10**8,
            input=tuple(history) if model else (),
            output=(result,),
            status=Status.ERROR if failed else Status.OK,
            error=ErrorInfo(type="OSError", message=words.text(6)) if failed else None,
            source=Source(format="otlp-json"),
        )
        history.append(result)
        steps.append(step)
        spans.append(_span(run_id, step, pool.texts))
    info = RunInfo(
        id=run_id,
        name=f"task {started % 997}",
        task=f"t{started % 40}",
        started_ns=started,
        ended_ns=started + STEPS * 10**9,
        outcome=Outcome.FAILED if started % 3 else Outcome.PASSED,
        outcome_by="exit",
    )
    data = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    return data, Recording(run=info, steps=tuple(steps), texts=pool.texts)


def _span(run_id: str, step: TraceStep, texts: dict[str, str]) -> dict[str, object]:
    def messages(parts: tuple[Part, ...]) -> str:
        return json.dumps([{"role": p.role, "parts": [{"type": "text", "content": texts[p.text]}]} for p in parts])

    said = {
        "gen_ai.operation.name": "chat" if step.kind is StepKind.MODEL_CALL else "execute_tool",
        "gen_ai.request.model": "some-model-1",
        "gen_ai.tool.name": step.name,
        "gen_ai.input.messages": messages(step.input),
        "gen_ai.output.messages": messages(step.output),
    }
    return {
        "traceId": run_id,
        "spanId": f"{abs(hash((run_id, step.id))):016x}"[:16],
        "name": step.name,
        "startTimeUnixNano": str(step.started_ns),
        "endTimeUnixNano": str(step.ended_ns),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in said.items()],
        "status": {"code": 2 if step.status is Status.ERROR else 1},
    }


def sizes_and_rates(folder: Path, runs: int = 60) -> dict[str, float]:
    """Bytes of the store to bytes given, and the rate of `add` to that of the bare libraries."""
    words = Words(7)
    made = [run_of(f"{number:032x}", words, 10**18 + number) for number in range(runs)]
    path = folder / "sizes.db"
    with Store.open(path) as store:
        empty = path.stat().st_size
        for data, recording in made:
            _add(store, data, recording)
        store.vacuum()
        stored = path.stat().st_size - empty
    ours, bound = _rates(folder, made, _rows_of(path))
    given = sum(len(data) for data, _ in made)
    print(f"OTLP/JSON {given / runs / 1024:.0f} KiB a run, stored {stored / runs / 1024:.1f} KiB")
    print(f"add {runs * STEPS / ours:.0f} spans/s, bound {runs * STEPS / bound:.0f} spans/s")
    return {"bytes_ratio_to_otlp": stored / given, "insert_ratio_to_bound": bound / ours}


def _add(store: Store, data: bytes, recording: Recording) -> None:
    store.add(data, format="otlp-json", filename="run.jsonl", recordings=[recording])


Rows = dict[str, list[tuple[object, ...]]]
"""Rows of one run, by table, as `executemany` takes them; the block is in it without its frame."""


def _rows_of(path: Path) -> list[Rows]:
    """Everything that a store holds of each run, in the order of their keys."""
    with closing(sqlite3.connect(path)) as source:
        source.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, words, instance)")
        heads = source.execute("SELECT key, words_from, blob FROM run ORDER BY key").fetchall()
        found: list[Rows] = []
        for key, _, blob in heads:
            rows = {
                table: source.execute(f"SELECT * FROM {table} WHERE run = ?", (key,)).fetchall()
                for table in ("step", "message", "label")
            }
            rows["run"] = source.execute("SELECT * FROM run WHERE key = ?", (key,)).fetchall()
            rows["blob"] = source.execute("SELECT digest, size FROM blob WHERE digest = ?", (blob,)).fetchall()
            found.append({**rows, "words": []})
        starts = [start for _, start, _ in heads]
        for row in source.execute("SELECT doc, group_concat(term, ' ') FROM temp.vocabulary GROUP BY doc"):
            found[bisect_left(starts, row[0]) - 1]["words"].append(row)
        return found


def _rates(folder: Path, made: list[tuple[bytes, Recording]], rows: list[Rows]) -> tuple[float, float]:
    """Seconds that `add` takes for runs, and seconds that bare zstd and sqlite3 take for the same bytes and rows.

    Both have a transaction for each run, with the same durability, in turns, so that a busy machine slows down both.
    """
    Store.open(folder / "bound.db").close()
    ours: list[float] = []
    bound: list[float] = []
    with (
        Store.open(folder / "ours.db") as store,
        closing(sqlite3.connect(folder / "bound.db", isolation_level=None)) as raw,
    ):
        raw.execute("PRAGMA synchronous=normal")
        for (data, recording), of_run in zip(made, rows):
            ours.append(_seconds(partial(_add, store, data, recording)))
            bound.append(_seconds(partial(_insert, raw, data, of_run)))
    return sum(ours), sum(bound)


def _insert(raw: sqlite3.Connection, data: bytes, rows: Rows) -> None:
    raw.execute("BEGIN IMMEDIATE")
    frame = zstandard.ZstdCompressor(level=3).compress(data)
    raw.execute("INSERT INTO blob VALUES (?, ?, ?)", (*rows["blob"][0], frame))
    for table in ("run", "step", "message", "label"):
        raw.executemany(f"INSERT INTO {table} VALUES ({_marks(rows[table][0])})", rows[table])
    raw.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", rows["words"])
    raw.execute("COMMIT")


def _marks(row: tuple[object, ...]) -> str:
    return ", ".join("?" * len(row))


def queries(store: Store, ids: list[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """What people and faces ask, each by name."""
    middle = ids[len(ids) // 2]
    yield "50 newest runs", lambda: store.runs(limit=50)
    yield "50 oldest runs", lambda: store.runs(limit=50, newest_first=False)
    yield "failed runs", lambda: store.runs(outcome=Outcome.FAILED, limit=50)
    yield "runs without outcome (none)", lambda: store.runs(outcome=Outcome.UNKNOWN, limit=50)
    yield "runs of a task", lambda: store.runs(task="t7", limit=50)
    yield "runs with a common tool", lambda: store.runs(tool="read_file", limit=50)
    yield "runs with a tool nobody called", lambda: store.runs(tool="nothing", limit=50)
    yield "runs with a flaw", lambda: store.runs(flaw="aaaa1111", limit=50)
    yield "runs with a flaw nobody has", lambda: store.runs(flaw="bbbb", limit=50)
    yield "runs with a common word", lambda: store.runs(text=COMMON, limit=50)
    yield "runs with two common words", lambda: store.runs(text=f"{COMMON} {SECOND}", limit=50)
    yield "runs with a rare word", lambda: store.runs(text="needle", limit=50)
    yield "runs with no such word", lambda: store.runs(text="nosuchword", limit=50)
    yield "steps with a common word", lambda: store.search(COMMON)
    yield "steps with a rare word", lambda: store.search("needle")
    yield "a run by the beginning of its id", lambda: store.resolve_run(middle[:30])
    yield "the latest run", lambda: store.resolve_run("latest")
    yield "a run's facts", lambda: store.run_info(middle)
    yield "a run's outline", lambda: store.steps(middle)
    yield "a run's bytes", lambda: store.blob(middle)
    yield "diagnoses of a run", lambda: store.diagnoses(middle)


COMMON, SECOND = "commonword", "secondword"


def asking(address: Path | str, spans: int, repeats: int = 7) -> float:
    """Fill a store with so many spans, time the queries, and return milliseconds of the slowest."""
    words = Words(11)
    patterns = [run_of("0" * 32, words, 10**18)[1] for _ in range(100)]
    with Store.open(address) as store:
        ids: list[str] = []
        started = time.perf_counter()
        while len(ids) * STEPS < spans:
            batch = [_alike(words, patterns, len(ids) + number) for number in range(50)]
            data = "".join(each.run.id for each in batch).encode() * 100
            ids += store.add(data, format="otlp-json", filename="fleet.jsonl", recordings=batch)
        for run_id in ids[::20]:
            store.replace_diagnoses(run_id, "harness", [_diagnosis(run_id)])
        print(f"{len(ids) * STEPS} spans stored in {time.perf_counter() - started:.0f} s")
        worst = 0.0
        for name, ask in queries(store, ids):
            taken = [_seconds(ask) * 1000 for _ in range(repeats)]
            print(f"  {name:36} {statistics.median(taken):8.2f} ms   worst {max(taken):8.2f}")
            worst = max(worst, statistics.median(taken))
    return worst


def _alike(words: Words, patterns: list[Recording], number: int) -> Recording:
    """A run with texts of an earlier one, but an id, a time and a text of its own."""
    pattern = patterns[number % len(patterns)]
    run_id = f"{words.random.getrandbits(128):032x}"
    info = pattern.run.model_copy(
        update={
            "id": run_id,
            "started_ns": 10**18 + number * 10**9,
            "task": f"t{number % 40}",
            "outcome": Outcome.FAILED if number % 3 else Outcome.PASSED,
        }
    )
    pool = TextPool(dict(pattern.texts))
    own = Part(role="result", text=pool.put(f"{'needle' if number % 500 == 0 else run_id} {SECOND}"))
    extra = tuple(
        step.model_copy(update={"output": (Part(role="result", text=pool.put(f"{COMMON} {run_id} {step.id}")),)})
        for step in pattern.steps[:-1]
    )
    last = pattern.steps[-1].model_copy(update={"output": (own, *pattern.steps[-1].output)})
    return pattern.model_copy(update={"run": info, "steps": (*extra, last), "texts": pool.texts})


def _diagnosis(run_id: str) -> Diagnosis:
    return Diagnosis(
        flaw="aaaa1111",
        rule="C101",
        name="unbounded-observation",
        layer=Layer.CONTEXT,
        severity=Severity.ERROR,
        run=run_id,
        anchors=(),
        message="a message",
        confidence=0.9,
        evidence=Evidence.OBSERVED,
    )


def _seconds(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


def run(spans: int = 60_000, url: str | None = None) -> dict[str, float]:
    """All metrics."""
    with tempfile.TemporaryDirectory(prefix="harnessfix-bench-") as folder:
        figures = sizes_and_rates(Path(folder))
        figures["slowest_query_ms"] = asking(Path(folder) / "asking.db", spans)
    server = url or os.environ.get("HARNESSFIX_TEST_DATABASE_URL")
    if server is not None:
        figures["slowest_query_ms_postgresql"] = asking(server, spans)
        figures["slowest_query_ratio"] = figures["slowest_query_ms_postgresql"] / figures["slowest_query_ms"]
    return figures


if __name__ == "__main__":
    for name, value in run(*(int(argument) for argument in sys.argv[1:2]), *sys.argv[2:3]).items():
        print(f"{name} {value:.3f}")
