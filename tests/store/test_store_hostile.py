"""Runs whose names, ids and numbers were not made for a database."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harnessfix.store import Store
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part, Source, TraceStep, Usage
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import Outcome, StepKind

ODD = [
    "",
    "a\0b",
    "lone \ud800 surrogate",
    "x" * 100_000,
    "\x1b[31mred",
    "[bold]",
    "' OR 1=1 --",
    "\u202eright to left",
    "../../etc",
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_strings_everywhere(store: Store, odd: str) -> None:
    step = TraceStep(
        id=odd or "s9",
        kind=StepKind.TOOL_CALL,
        name=odd,
        input=(Part(role="arguments", text=digest(odd)),),
        source=Source(format=odd),
        attributes={"key": odd},
    )
    run = RunInfo(id=odd, name=odd, task=odd, command=(odd,), attributes={"key": odd})
    recording = Recording(run=run, steps=(step,), texts={digest(odd): odd})
    (run_id,) = store.add(b"bytes", format="test", filename=odd, recordings=[recording])
    assert store.resolve_run(run_id) == run_id
    assert store.run_info(run_id) == run.model_copy(update={"id": run_id})
    assert store.recording(run_id, lambda data, form, name: [recording]).steps == (step,)
    assert [row.id for row in store.runs(task=odd, tool=odd)] == [run_id]
    assert len(store.steps(run_id)) == 1
    store.label(run_id, Outcome.FAILED, by=odd or "user", reason=odd)
    assert store.runs(outcome=Outcome.FAILED)


def test_ids_too_long_for_a_column_stay_two(store: Store) -> None:
    both = [Recording(run=RunInfo(id="x" * 5000 + end)) for end in "ab"]
    first, second = store.add(b"bytes", format="test", filename="f", recordings=both)
    assert first != second
    assert len(store.runs()) == 2


def test_numbers_beyond_a_column_are_unknown(store: Store) -> None:
    huge = 10**30
    step = TraceStep(
        id="s1",
        kind=StepKind.MODEL_CALL,
        name="chat",
        started_ns=huge,
        usage=Usage(input_tokens=-huge),
        source=Source(format="test"),
    )
    run = RunInfo(id="r", started_ns=huge, ended_ns=2**63)
    store.add(b"bytes", format="test", filename="f", recordings=[Recording(run=run, steps=(step,))])
    (row,) = store.runs()
    assert (row.started_ns, row.started, row.seconds) == (None, None, None)
    assert store.steps("r")[0].started_ns is None
    assert store.run_info("r").started_ns == huge


def test_steps_that_cite_what_is_not_there(store: Store) -> None:
    step = TraceStep(
        id="s1",
        parent="s77",
        kind=StepKind.TASK,
        name="task",
        input=(Part(role="user", text="not a digest"),),
        source=Source(format="test"),
    )
    store.add(b"bytes", format="test", filename="f", recordings=[Recording(run=RunInfo(id="r"), steps=(step,))])
    assert store.steps("r")[0].parent is None


texts = st.text(st.characters(), max_size=40)
parts = st.builds(Part, role=texts, text=texts)
steps = st.builds(
    TraceStep,
    id=texts,
    parent=st.none() | texts,
    kind=st.sampled_from(StepKind),
    name=texts,
    started_ns=st.none() | st.integers(-(2**70), 2**70),
    input=st.lists(parts, max_size=3).map(tuple),
    source=st.builds(Source, format=texts),
)
runs = st.builds(
    RunInfo,
    id=texts,
    name=texts,
    task=texts,
    started_ns=st.none() | st.integers(0, 2**64),
    outcome=st.sampled_from(Outcome),
    outcome_by=texts,
    attributes=st.dictionaries(texts, texts | st.floats() | st.none(), max_size=3),
)
recordings = st.builds(
    Recording, run=runs, steps=st.lists(steps, max_size=4).map(tuple), texts=st.dictionaries(texts, texts, max_size=3)
)


SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(found=st.lists(recordings, max_size=3), data=st.binary(max_size=200))
def test_whatever_a_reader_yields_can_be_stored_and_read(store: Store, found: list[Recording], data: bytes) -> None:
    unheard: Callable[[bytes, str, str], list[Recording]] = lambda again, form, name: found  # noqa: E731
    ids = store.add(data, format="test", filename="f", recordings=found)
    assert len(set(ids)) == len(found)
    for run_id, recording in zip(ids, found):
        assert store.blob(run_id)[0] == data or store.earlier_blobs(run_id)
        assert repr(store.recording(run_id, unheard).steps) == repr(recording.steps)
        assert store.resolve_run(run_id) == run_id
        assert len(store.steps(run_id)) == store.run(run_id).steps
    store.delete_runs(ids)
    assert store.runs() == []
