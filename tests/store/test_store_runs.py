"""Adding, listing, finding and opening runs, on both engines."""

import random
from collections.abc import Callable, Iterator

import pytest

from harnessfix.store import Store, search
from harnessfix_ir.errors import BadInputError, StoreError
from harnessfix_ir.recording import Recording
from harnessfix_ir.steps import StepEvent
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import Outcome, Status, StepKind

MakeRun = Callable[..., Recording]
Add = Callable[..., list[str]]
Reader = Callable[[bytes, str, str], Iterator[Recording]]


def test_a_run_comes_back_as_it_went_in(store: Store, make_run: MakeRun, add: Add, reader: Reader) -> None:
    run = make_run(
        "4bf92f3577b34da6", ("read_file", "text"), ("write_file", "!no such folder"), task="t1", started=10**18
    )
    assert add(store, run) == ["4bf92f3577b34da6"]
    (row,) = store.runs()
    assert (row.id, row.short_id, row.task) == ("4bf92f3577b34da6", "4bf92f35", "t1")
    assert (row.steps, row.errors, row.seconds, row.flaws, row.outcome) == (2, 1, 2.5, None, Outcome.UNKNOWN)
    assert row.started is not None
    assert row.started.year == 2001
    assert (row.format, row.filename) == ("test-json", "runs.jsonl")
    assert store.run(row.id) == row
    assert store.run_info(row.id) == run.run
    assert store.blob(row.id) == (run.model_dump_json().encode(), "test-json", "runs.jsonl")
    assert store.recording(row.id, reader) == run


def test_the_outline_is_there_without_the_bytes(store: Store, make_run: MakeRun, add: Add) -> None:
    (run_id,) = add(store, make_run("r", ("read_file", "a"), ("write_file", "!b")))
    first, second = store.steps(run_id)
    assert (first.id, first.parent, first.kind, first.name) == ("s1", None, StepKind.TOOL_CALL, "read_file")
    assert (second.id, second.parent, second.status, second.error) == ("s2", "s1", Status.ERROR, "ValueError")


def test_adding_again_changes_nothing(store: Store, make_run: MakeRun, add: Add) -> None:
    runs = [make_run("a", outcome=Outcome.FAILED, by="exit"), make_run("b")]
    add(store, *runs)
    before = store.runs(), store.labels("a")
    add(store, *runs)
    assert (store.runs(), store.labels("a")) == before


def test_many_runs_share_one_block(store: Store, make_run: MakeRun, add: Add, reader: Reader) -> None:
    runs = [make_run(f"run-{number}", ("tool", f"result {number}")) for number in range(20)]
    ids = add(store, *runs)
    assert len({store.blob_digest(run_id) for run_id in ids}) == 1
    assert [store.recording(run_id, reader) for run_id in ids] == runs


def test_many_runs_are_read_again_at_the_cost_of_their_bytes(
    store: Store, make_run: MakeRun, add: Add, reader: Reader
) -> None:
    first, second = [make_run(f"a{n}") for n in range(5)], [make_run(f"b{n}") for n in range(5)]
    add(store, *first)
    add(store, *second)
    opened: list[int] = []

    def read(data: bytes, form: str, name: str) -> Iterator[Recording]:
        opened.append(len(data))
        return reader(data, form, name)

    wanted = ["a0", "b1", "a4", "b3", "a0"]
    assert dict(store.reread(store.facts(wanted), read)) == {
        "a0": first[0],
        "a4": first[4],
        "b1": second[1],
        "b3": second[3],
    }
    assert len(opened) == 2

    def broken(data: bytes, form: str, name: str) -> Iterator[Recording]:
        yield next(reader(data, form, name))
        raise BadInputError("line 2 is broken")

    found = dict(store.reread(store.facts(["a0", "a1"]), broken))
    assert found["a0"] == first[0]
    assert str(found["a1"]) == "line 2 is broken"
    with pytest.raises(StoreError, match="no run"):
        list(store.reread(store.facts(["a0", "zz"]), read))


def test_two_runs_of_one_id_in_one_file_stay_two(store: Store, make_run: MakeRun, add: Add, reader: Reader) -> None:
    ids = add(store, make_run("r", ("one", "1")), make_run("r", ("two", "2")))
    assert ids == ["r", "r~2"]
    assert [store.recording(run_id, reader).steps[0].name for run_id in ids] == ["one", "two"]


def test_newer_bytes_make_the_run_and_nothing_is_lost(
    store: Store, make_run: MakeRun, add: Add, reader: Reader
) -> None:
    early, late = make_run("r", ("a", "unfinished")), make_run("r", ("a", "unfinished"), ("b", "complete"))
    add(store, early)
    store.label("r", Outcome.FAILED, by="user")
    store.replace_diagnoses("r", "harness", [])
    add(store, late)
    (row,) = store.runs()
    assert (row.steps, row.outcome, row.outcome_by) == (2, Outcome.FAILED, "user")
    assert row.flaws is None, "what was found in the earlier bytes is not known of the later ones"
    assert [step.step for step in store.search("unfinished")] == ["s1"]
    assert [each.data for each in store.earlier_blobs("r")] == [early.model_dump_json().encode()]
    assert store.recording("r", reader).steps == late.steps


def test_a_reader_that_lost_the_run_is_said(store: Store, make_run: MakeRun, add: Add) -> None:
    add(store, make_run("r"))
    with pytest.raises(StoreError, match="does not find run 'r'"):
        store.recording("r", lambda data, form, name: [])


def test_filters_and_order(store: Store, make_run: MakeRun, add: Add) -> None:
    add(store, make_run("old", ("read_file", "alpha"), task="t1", started=1, outcome=Outcome.FAILED, by="exit"))
    add(store, make_run("new", ("write_file", "beta"), task="t2", started=9, outcome=Outcome.PASSED, by="exit"))
    add(store, make_run("mid", ("read_file", "beta"), task="t1", started=5))

    def ids(**conditions: object) -> list[str]:
        return [row.id for row in store.runs(**conditions)]  # type: ignore[arg-type]

    assert ids() == ["new", "mid", "old"]
    assert ids(newest_first=False) == ["old", "mid", "new"]
    assert ids(limit=2) == ["new", "mid"]
    assert ids(outcome=Outcome.FAILED) == ["old"]
    assert ids(outcome=Outcome.UNKNOWN) == ["mid"]
    assert ids(task="t1") == ["mid", "old"]
    assert ids(tool="read_file") == ["mid", "old"]
    assert ids(tool="read_file", text="BETA") == ["mid"]
    assert ids(text="gamma") == []


def test_short_ids_tell_runs_apart(store: Store, make_run: MakeRun, add: Add) -> None:
    names = ["demo-run-1", "demo-run-2", "demo-run-10", "x"]
    for name in names:
        add(store, make_run(name))
    short = {row.id: row.short_id for row in store.runs()}
    assert short["x"] == "x"
    assert short["demo-run-2"] == "demo-run-2"
    assert short["demo-run-10"] == "demo-run-10"


def test_resolving(store: Store, make_run: MakeRun, add: Add) -> None:
    with pytest.raises(StoreError, match="holds no runs") as empty:
        store.resolve_run("latest")
    assert "record" in empty.value.hint
    add(store, make_run("abc123", name="fix the parser", started=1), make_run("abd456", name="demo", started=2))
    add(store, make_run("xyz", name="demo", started=3))
    assert store.resolve_run("abc") == "abc123"
    assert store.resolve_run("latest") == "xyz"
    assert store.resolve_run("fix the parser") == "abc123"
    with pytest.raises(StoreError, match="more than one run: abd456, abc123"):
        store.resolve_run("ab")
    with pytest.raises(StoreError, match="more than one run: xyz, abd456"):
        store.resolve_run("demo")
    with pytest.raises(StoreError, match="no run is called 'abc133'") as near:
        store.resolve_run("abc133")
    assert "abc123" in near.value.hint
    with pytest.raises(StoreError, match="no run is called ''"):
        store.resolve_run("")


@pytest.mark.parametrize("asked", ["%", "_", "'; DROP TABLE run; --", "\0", "\ud800", "*", '"'])
def test_what_people_ask_is_never_a_pattern(store: Store, make_run: MakeRun, add: Add, asked: str) -> None:
    add(store, make_run("abc"))
    with pytest.raises(StoreError):
        store.resolve_run(asked)
    assert store.runs(tool=asked) == store.runs(task=asked) == store.runs(flaw=asked) == []


def test_search_finds_steps_by_all_their_words(store: Store, make_run: MakeRun, add: Add) -> None:
    add(
        store,
        make_run("r", ("read_file", "Größe: 12 KB"), ("bash", "!Permission denied: /etc/Shadow"), ("x", "日本語")),
    )

    def steps(text: str) -> list[str]:
        return [hit.step for hit in store.search(text)]

    assert steps("permission DENIED") == ["s2"]
    assert steps("/etc/shadow") == ["s2"]
    assert steps("file read") == steps("GRÖSSE") == ["s1"]
    assert steps("本語") == ["s3"]
    assert steps("denied größe") == []
    with pytest.raises(StoreError, match="no word"):
        store.search('" * ( ')


def test_a_text_is_found_where_it_was_new(store: Store, make_run: MakeRun, add: Add) -> None:
    add(store, make_run("one", ("a", "shared prompt"), ("b", "shared prompt")), make_run("two", ("c", "shared prompt")))
    found = [(hit.run, hit.step) for hit in store.steps_with_message(digest("shared prompt"))]
    assert found == [("two", "s1"), ("one", "s1")]
    assert [(hit.run, hit.step) for hit in store.search("shared prompt")] == found
    assert store.steps_with_message("no digest") == []


def test_a_common_word_is_found_as_a_rare_one_is(
    store: Store, make_run: MakeRun, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(5)
    expected: dict[str, list[str]] = {"often": [], "seldom": [], "often seldom": []}
    for number in range(60):
        calls = [("tool", chance.choice(["often", "seldom", "often seldom", "x"])) for _ in range(chance.randint(1, 3))]
        add(store, make_run(f"r{number}", *calls, started=chance.randint(1, 1000)))
    store.delete_runs([f"r{number}" for number in range(0, 60, 7)])
    for row in store.runs():
        for words, ids in expected.items():
            if any(hit.run == row.id for hit in store.search(words, limit=None)):
                ids.append(row.id)
    assert len(expected["often seldom"]) > 10

    def found(words: str, limit: int | None, newest_first: bool) -> list[str]:
        return [row.id for row in store.runs(text=words, limit=limit, newest_first=newest_first)]

    # On PostgreSQL a sample of twenty steps makes every word a common one.
    for settings in (
        {},
        {"SAMPLE": 20},
        {"MANY": 0},
        {"MANY": 0, "SMALLEST_CHUNK": 2, "LARGEST_CHUNK": 5, "WIDEST_GAP": 1},
    ):
        for name, value in settings.items():
            monkeypatch.setattr(search, name, value)
        for words, ids in expected.items():
            assert sorted({hit.run for hit in store.search(words, limit=None)}) == sorted(ids)
            assert found(words, None, True) == ids
            assert found(words, 4, True) == ids[:4]
            assert found(words, None, False) == ids[::-1]
        assert found("nothing", 4, True) == []


def test_deleting_takes_everything_along(store: Store, make_run: MakeRun, add: Add) -> None:
    add(store, make_run("a", ("t", "secret")), make_run("b", ("t", "kept")))
    store.label("a", Outcome.FAILED, by="user")
    assert store.delete_runs(["a"]).bytes == 0, "the block still holds the other run"
    assert [row.id for row in store.runs()] == ["b"]
    assert store.search("secret") == [] == store.runs(text="secret")
    assert store.delete_runs(["b"]).bytes > 0
    with pytest.raises(StoreError):
        store.blob("a")


def test_evaluations_of_the_whole_run_are_labels(store: Store, add: Add, make_run: MakeRun) -> None:
    def evaluated(run_id: str, step: int, **said: object) -> Recording:
        run = make_run(run_id, ("a", "x"), ("b", "y"), outcome=Outcome.PASSED, by="exit")
        attributes = {f"gen_ai.evaluation.{name.replace('_', '.')}": value for name, value in said.items()}
        event = StepEvent.model_validate({"name": "gen_ai.evaluation.result", "time_ns": 5, "attributes": attributes})
        steps = list(run.steps)
        steps[step] = steps[step].model_copy(update={"events": (event,)})
        return run.model_copy(update={"steps": tuple(steps)})

    add(
        store, evaluated("whole", 0, name="accuracy", score_label="incorrect", score_value=0.25, explanation="off by 1")
    )
    add(store, evaluated("part", 1, score_label="fail"))
    add(store, evaluated("number", 0, score_value=0.5, score_label="so-so"))
    add(store, evaluated("odd", 0, score_value=float("nan"), score_label=None))
    whole = store.run("whole")
    assert (whole.outcome, whole.outcome_by, whole.score) == (Outcome.FAILED, "evaluation", 0.25)
    assert [label.reason for label in store.labels("whole")] == ["accuracy: off by 1", ""]
    assert [(store.run(run).outcome, store.run(run).score) for run in ("part", "number", "odd")] == [
        (Outcome.PASSED, None),
        (Outcome.PASSED, 0.5),
        (Outcome.PASSED, None),
    ]
    add(
        store,
        evaluated("whole", 0, name="accuracy", score_label="incorrect", score_value=0.25, explanation="off by one"),
    )
    assert [label.by for label in store.labels("whole")].count("evaluation") == 1, "the same event again is no news"
