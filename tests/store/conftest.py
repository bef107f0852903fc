"""Stores on both engines, and small runs to put into them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.servers import new_schema
from harnessfix.store import Store
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import Outcome, Status, StepKind


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a new store may be made: a file, or a schema of its own on the server."""
    if request.param == "sqlite":
        yield str(tmp_path / "store.db")
        return
    with new_schema(request.getfixturevalue("server")) as url:
        yield url


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    """A new, open store."""
    with Store.open(address) as opened:
        yield opened


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Store]:
    """A new, open store on SQLite, for what is the same on every engine or exists only there."""
    with Store.open(tmp_path / "store.db") as opened:
        yield opened


MakeRun = Callable[..., Recording]


@pytest.fixture
def make_run() -> MakeRun:
    """Makes a run: one tool call for each pair of tool name and result, `!` before an error."""

    def make(
        run_id: str = "run-1",
        *calls: tuple[str, str],
        name: str = "",
        task: str = "",
        started: int | None = None,
        outcome: Outcome = Outcome.UNKNOWN,
        by: str = "",
    ) -> Recording:
        pool = TextPool()
        steps = []
        for number, (tool, result) in enumerate(calls or (("read_file", "contents of the file"),), 1):
            failed = result.startswith("!")
            steps.append(
                TraceStep(
                    id=f"s{number}",
                    parent="s1" if number > 1 else None,
                    kind=StepKind.TOOL_CALL,
                    name=tool,
                    output=(Part(role="result", text=pool.put(result)),),
                    status=Status.ERROR if failed else Status.OK,
                    error=ErrorInfo(type="ValueError", message=result[1:]) if failed else None,
                    source=Source(format="test"),
                )
            )
        info = RunInfo(id=run_id, name=name, task=task, started_ns=started, outcome=outcome, outcome_by=by)
        if started is not None:
            info = info.model_copy(update={"ended_ns": started + 2_500_000_000})
        return Recording(run=info, steps=tuple(steps), texts=pool.texts)

    return make


Add = Callable[..., list[str]]


@pytest.fixture
def add() -> Add:
    """Adds recordings, their own JSON being the bytes they came out of."""

    def put(store: Store, *recordings: Recording) -> list[str]:
        data = b"\n".join(each.model_dump_json().encode() for each in recordings)
        return store.add(data, format="test-json", filename="runs.jsonl", recordings=recordings)

    return put


def read_lines(data: bytes, format_name: str, filename: str) -> Iterator[Recording]:
    """The reader of what `add` stores."""
    assert (format_name, filename) == ("test-json", "runs.jsonl")
    for line in data.splitlines():
        yield Recording.model_validate_json(line)


@pytest.fixture
def reader() -> Callable[[bytes, str, str], Iterator[Recording]]:
    """The reader of what `add` stores."""
    return read_lines
