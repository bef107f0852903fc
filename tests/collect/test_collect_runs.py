"""From the inbox to runs: late spans, spans sent twice, log records, clocks, what cannot be read."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData

from harnessfix.receiving.inbox_runs import FORMAT, Silence, settle, take_received
from harnessfix.store import Store
from harnessfix.store.inbox import Inbox, Pending, inbox_of
from harnessfix_collectors.readers import read_bytes
from harnessfix_collectors.receiver.batch import Chunk
from harnessfix_ir.errors import BadInputError, StoreError
from harnessfix_ir.recording import Recording
from harnessfix_ir.vocabulary import Outcome, Status

MakeSpans = Callable[..., bytes]
RUN = f"{7:032x}"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store.open(tmp_path / "store.db") as opened:
        yield opened


@pytest.fixture
def inbox(store: Store, tmp_path: Path) -> Any:
    with Inbox(inbox_of(store.place, tmp_path)) as opened:
        yield opened


def chunk(data: bytes, *, trace: int = 7, items: int = 1, rooted: bool = True, signal: Any = "traces") -> Chunk:
    return Chunk(trace.to_bytes(16, "big"), signal, items, rooted, data)


def recording(store: Store, run_id: str = RUN) -> Recording:
    return store.recording(run_id, lambda data, form, name: read_bytes(data, name, form))


def names(store: Store) -> list[str]:
    return [step.name for step in recording(store).steps]


def test_late_spans_make_the_run_anew(store: Store, inbox: Inbox, make_spans: MakeSpans, tmp_path: Path) -> None:
    inbox.keep([chunk(make_spans(7, [1, 3]))])
    assert take_received(store, tmp_path) == [RUN]
    store.label(RUN, Outcome.PASSED, by="user")
    inbox.keep([chunk(make_spans(7, [2])), chunk(make_spans(8, [1]), trace=8)])
    assert take_received(store, tmp_path) == [RUN, f"{8:032x}"]
    assert names(store) == ["step 1", "step 2", "step 3"]
    assert [row.id for row in store.runs(outcome=Outcome.PASSED)] == [RUN]
    assert store.earlier_blobs(RUN) == []
    assert inbox.pending() == []


def test_the_earlier_bytes_are_given_back(store: Store, inbox: Inbox, make_spans: MakeSpans, tmp_path: Path) -> None:
    from sqlalchemy import text

    for number in range(1, 5):
        inbox.keep([chunk(make_spans(7, [number]))])
        take_received(store, tmp_path)
    with store._database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM blob")).scalar() == 1


@pytest.mark.parametrize("settled_between", [False, True])
def test_what_is_sent_twice_counts_once(
    store: Store, inbox: Inbox, make_spans: MakeSpans, tmp_path: Path, settled_between: bool
) -> None:
    inbox.keep([chunk(make_spans(7, [1, 2]))])
    if settled_between:
        take_received(store, tmp_path)
    inbox.keep([chunk(make_spans(7, [1, 2])), chunk(make_spans(7, [2, 3]))])
    before = store.blob_digest(RUN) if settled_between else ""
    take_received(store, tmp_path)
    assert names(store) == ["step 1", "step 2", "step 3"]
    digest = store.blob_digest(RUN)
    assert digest != before
    inbox.keep([chunk(make_spans(7, [2, 3]))])
    take_received(store, tmp_path)
    assert store.blob_digest(RUN) == digest


def test_log_records_become_events_of_their_span(
    store: Store, inbox: Inbox, make_spans: MakeSpans, tmp_path: Path
) -> None:
    logs = LogsData()
    records = logs.resource_logs.add().scope_logs.add().log_records
    for span_id in (2, 9):
        record = records.add(trace_id=(7).to_bytes(16, "big"), span_id=span_id.to_bytes(8, "big"), time_unix_nano=5)
        record.event_name, record.severity_text = "gen_ai.client.operation.exception", "WARN"
        record.attributes.add(key="exception.type").value.string_value = "TimeoutError"
        record.body.string_value = "it took too long"
    data = logs.SerializeToString()
    inbox.keep([chunk(data, signal="logs", rooted=False), chunk(data, signal="logs", rooted=False)])
    inbox.keep([chunk(make_spans(7, [1, 2]))])
    take_received(store, tmp_path)
    steps = {step.name: step for step in recording(store).steps}
    (event,) = steps["step 2"].events
    assert (event.name, event.attributes["exception.type"]) == ("gen_ai.client.operation.exception", "TimeoutError")
    assert (event.attributes["body"], event.attributes["severity"]) == ("it took too long", "WARN")
    assert len(steps["log records"].events) == 1
    (lost,) = steps["log records"].missing
    assert lost.startswith("the span that these log records were written in did not come: they do not say")


def test_messages_in_log_records_are_those_of_their_step(
    store: Store, inbox: Inbox, make_spans: MakeSpans, tmp_path: Path
) -> None:
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    traces = TracesData.FromString(make_spans(7, [1, 2]))
    chat = traces.resource_spans[0].scope_spans[0].spans[1]
    del chat.attributes[:]
    chat.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
    logs = LogsData()
    said = logs.resource_logs.add().scope_logs.add().log_records
    for number, (name, content) in enumerate((("user.message", "weather?"), ("choice", "sunny")), 1):
        record = said.add(trace_id=chat.trace_id, span_id=chat.span_id, event_name=f"gen_ai.{name}", flags=1)
        record.time_unix_nano = number
        body = record.body.kvlist_value.values
        if name == "choice":
            body.add(key="finish_reason").value.string_value = "stop"
            body = body.add(key="message").value.kvlist_value.values
        body.add(key="content").value.string_value = content
    lost = said.add(trace_id=chat.trace_id, span_id=bytes(7) + b"\x09", event_name="gen_ai.choice", flags=1)
    lost.body.string_value = "x"
    inbox.keep([chunk(logs.SerializeToString(), signal="logs", rooted=False), chunk(traces.SerializeToString())])
    take_received(store, tmp_path)
    found = recording(store)
    step = next(each for each in found.steps if each.name == "step 2")
    words = [(part.role, found.texts[part.text]) for part in (*step.input, *step.output)]
    assert words == [("user", "weather?"), ("assistant", "sunny")]
    assert step.finish_reason == "stop"
    (orphan,) = [each for each in found.steps if each.name == "log records"]
    assert orphan.missing == ("the span that these log records were written in did not come",)


def test_a_clock_that_was_set_back(store: Store, inbox: Inbox, make_spans: MakeSpans, tmp_path: Path) -> None:
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    data = TracesData.FromString(make_spans(7, [1, 2]))
    data.resource_spans[0].scope_spans[0].spans[1].end_time_unix_nano = 1
    inbox.keep([chunk(data.SerializeToString())])
    take_received(store, tmp_path)
    step = next(step for step in recording(store).steps if step.name == "step 2")
    assert step.status is Status.OK
    assert "it ends before it starts: the clock was set back meanwhile" in step.missing


def test_a_trace_that_cannot_be_read_stops_no_other(
    store: Store, inbox: Inbox, make_spans: MakeSpans, tmp_path: Path
) -> None:
    told: list[str] = []
    inbox.keep([chunk(b"\xff\xff not protobuf"), chunk(make_spans(8, [1]), trace=8)])
    assert take_received(store, tmp_path, told.append) == [f"{8:032x}"]
    assert len(told) == 1
    assert RUN in told[0]
    assert take_received(store, tmp_path, told.append) == []
    assert len(told) == 1
    assert inbox.messages(Pending(RUN, 99, True, 1, 1)) == [("traces", b"\xff\xff not protobuf")]


def test_a_run_that_was_recorded_stays_the_run(
    store: Store, inbox: Inbox, make_spans: MakeSpans, tmp_path: Path
) -> None:
    span = {"traceId": RUN, "spanId": "00000000000000aa", "name": "recorded"}
    data = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    store.add(data, format="otlp-json", filename="f", recordings=list(read_bytes(data, "f", "otlp-json")))
    inbox.keep([chunk(make_spans(7, [1]))])
    take_received(store, tmp_path)
    assert names(store) == ["recorded"]
    assert FORMAT in [block.format for block in store.earlier_blobs(RUN)]


def test_silence_asks_no_clock_that_can_be_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.time", lambda: 0.0)
    silence = Silence(2, 60)

    def fallen(*waiting: tuple[str, int, bool]) -> list[str]:
        return [p.trace for p in silence.fallen([Pending(t, last, rooted, 1, 1) for t, last, rooted in waiting])]

    assert fallen(("a", 1, True), ("b", 2, False)) == []
    now[0] += 1.5
    assert fallen(("a", 3, True), ("b", 2, False)) == []
    now[0] += 1.5
    assert fallen(("a", 3, True), ("b", 2, False)) == []
    now[0] += 1.5
    assert fallen(("a", 3, True), ("b", 2, False)) == ["a"]
    now[0] += 60
    assert fallen(("b", 2, False)) == ["b"]


def test_a_store_has_one_inbox_however_it_is_named(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert {inbox_of(name, tmp_path) for name in ("store.db", tmp_path / "store.db", store.place)} == {
        tmp_path / "store.db.inbox"
    }
    (tmp_path / "home" / ".harnessfix").mkdir(parents=True)
    (tmp_path / "home" / ".harnessfix" / "store.db").touch()
    assert inbox_of("home", tmp_path) == tmp_path / "home" / ".harnessfix" / "store.db.inbox"
    urls = ("postgresql://me:secret@host/db", "postgresql://me:***@host/db")
    assert len({inbox_of(url, tmp_path) for url in urls}) == 1
    assert inbox_of("postgresql://me@host/other", tmp_path) != inbox_of(urls[0], tmp_path)


def test_nobody_else_reads_the_inbox(inbox: Inbox, make_spans: MakeSpans) -> None:
    inbox.keep([chunk(make_spans(7, [1]))])
    files = list(inbox.path.parent.glob("store.db.inbox*"))
    assert len(files) == 3
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


def test_all_or_nothing_is_kept(inbox: Inbox, make_spans: MakeSpans) -> None:
    bad: Sequence[Any] = [chunk(make_spans(7, [1])), chunk(None)]  # type: ignore[arg-type]
    with pytest.raises((StoreError, TypeError)):
        inbox.keep(bad)
    assert inbox.pending() == []
    inbox.keep([chunk(make_spans(7, [1]))])
    assert len(inbox.pending()) == 1


def test_a_file_that_is_no_inbox(tmp_path: Path) -> None:
    path = tmp_path / "store.db.inbox"
    path.write_bytes(b"something else entirely, and long enough" * 100)
    with pytest.raises(StoreError, match=r"store\.db\.inbox"):
        Inbox(path)


def test_damaged_blocks_are_named(make_spans: MakeSpans) -> None:
    from harnessfix_collectors.otlp.frames import write_frames

    block = write_frames([("traces", make_spans(7, [1]))])
    for damaged in (block[:-1], block + b"?", block[:30] + b"\xff" * 40):
        with pytest.raises(BadInputError, match="received"):
            list(read_bytes(damaged, "received", FORMAT))


def test_two_processes_make_a_run_once(store: Store, inbox: Inbox, make_spans: MakeSpans) -> None:
    inbox.keep([chunk(make_spans(7, [1]))])
    waiting = inbox.pending()
    assert settle(store, inbox, waiting, print) == [RUN]
    assert settle(store, inbox, waiting, print) == []
