"""What failed runs have in common, and where one parts from a passed run of its task."""

from collections.abc import Sequence

from harnessfix.diagnoser.comparison import Difference, compare, nearest
from harnessfix.diagnoser.spectrum import Spectrum, covered
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel, SourceFile
from harnessfix_ir.htir import Htir
from harnessfix_ir.reached import Reached
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Layer, Outcome, Status, StepKind


def function(name: str, start: int, end: int) -> Element:
    place = Anchor(path="agent.py", qualname=name, start_line=start, end_line=end)
    return Element(id=f"function:{name}", role=ElementRole.FUNCTION, layer=Layer.LIFECYCLE, name=name, anchor=place)


MODEL = HarnessModel(
    root="/x",
    files=(SourceFile(path="agent.py", sha256="now", lines=60),),
    elements=(function("run", 1, 20), function("price", 21, 40), function("other", 41, 60)),
)


def spectrum(failed: Sequence[Sequence[int]], passed: Sequence[Sequence[int]]) -> Spectrum:
    counts = Spectrum()
    for outcome, runs in ((True, failed), (False, passed)):
        for number, lines in enumerate(runs):
            counts.take(f"{outcome}{number}", [("agent.py", line) for line in lines], failed=outcome)
    return counts


def places(counts: Spectrum) -> list[list[int]]:
    return [[anchor.start_line for anchor in one.anchors] for one in counts.suspects(MODEL)]


def test_what_only_failed_runs_went_through_comes_first() -> None:
    counts = spectrum([[2, 22, 30], [2, 22, 30], [2, 22, 30]], [[2, 22], [2, 22], [2, 45], [2, 22]])
    assert places(counts)[0] == [30]
    first = counts.suspects(MODEL)[0]
    assert (first.score, first.failed, first.passed, first.of_failed, first.of_passed) == (1.0, 3, 0, 3, 4)
    assert first.anchors[0].qualname == "price"
    assert first.confidence < 0.7, "so few runs prove little"


def test_more_runs_make_it_surer_and_more_places_less() -> None:
    few = spectrum([[2, 30]] * 2, [[2]] * 2).suspects(MODEL)[0].confidence
    many = spectrum([[2, 30]] * 20, [[2]] * 20).suspects(MODEL)[0].confidence
    shared = spectrum([[2, 30, 45]] * 20, [[2]] * 20).suspects(MODEL)[0]
    assert few < shared.confidence < many
    assert [anchor.qualname for anchor in shared.anchors] == ["price", "other"], "a tie is shown as one"


def test_it_is_silent_when_there_is_too_little() -> None:
    assert places(spectrum([[2, 30]], [[2]] * 9)) == []
    assert places(spectrum([[2, 30]] * 9, [[2]])) == []
    assert places(spectrum([[2]] * 5, [[2]] * 5)) == []
    assert places(spectrum([[2, 30], [2, 31], [2, 32], [2, 33]], [[2]] * 5)) == []


def test_places_of_files_that_have_changed_since_are_not_counted() -> None:
    info = RunInfo(id="r", attributes={"files": {"agent.py": "then"}})
    run = Htir(run=info, reached={"agent.py": Reached(hit=(2, 30))})
    assert list(covered(run, MODEL)) == []
    same = run.model_copy(update={"run": RunInfo(id="r", attributes={"files": {"agent.py": "now"}})})
    assert list(covered(same, MODEL)) == [("agent.py", 2), ("agent.py", 30)]


# --- comparison ------------------------------------------------------------------------------------------------------

Told = tuple[StepKind, str, str, str]


def run(run_id: str, *told: Told, outcome: Outcome = Outcome.FAILED, errors: Sequence[int] = ()) -> Htir:
    """A run of steps (kind, name, what went in, what came out); those at `errors` ended in one."""
    steps = []
    for number, (kind, name, given, said) in enumerate(told):
        error = ErrorInfo(type="KeyError", message="x") if number in errors else None
        steps.append(
            TraceStep(
                id=f"s{number + 1}",
                kind=kind,
                name=name,
                input=(Part(role="user", text=given),),
                output=(Part(role="result", text=said),),
                error=error,
                status=Status.ERROR if error else Status.OK,
                source=Source(format="test"),
            )
        )
    texts = {text: text for _, _, given, said in told for text in (given, said)}
    return Htir(run=RunInfo(id=run_id, outcome=outcome), steps=tuple(steps), texts=texts)


ASK, TOOL = StepKind.MODEL_CALL, StepKind.TOOL_CALL
GOOD = ((ASK, "chat", "sum up", "read a"), (TOOL, "read", "a", "1 2 3"), (ASK, "chat", "1 2 3", "6"))


def test_a_tool_that_answers_otherwise_is_told_from_a_model_that_does() -> None:
    passed = run("p", *GOOD)
    cut = compare(run("f", GOOD[0], (TOOL, "read", "a", "1 2"), (ASK, "chat", "1 2", "3")), passed)
    assert (cut.difference, cut.alike, cut.here, cut.there) == (Difference.RESULT, 1, "s2", "s2")
    said = compare(run("f", *GOOD[:2], (ASK, "chat", "1 2 3", "7")), passed)
    assert (said.difference, said.alike) == (Difference.REPLY, 2)
    assert "'7'" in said.words
    shown = compare(run("f", *GOOD[:2], (ASK, "chat", "1 3", "4")), passed)
    assert shown.difference is Difference.CONTEXT


def test_another_step_an_error_and_an_early_end_are_told() -> None:
    passed = run("p", *GOOD)
    assert compare(run("f", GOOD[0], (TOOL, "write", "a", "")), passed).difference is Difference.CONTROL
    assert compare(run("f", *GOOD[:2], errors=[1]), passed).difference is Difference.RESULT
    ended = compare(run("f", *GOOD[:2]), passed)
    assert (ended.difference, ended.here, ended.there) == (Difference.END, None, "s3")
    assert ended.only_there == (("model_call", 1),)


def test_ids_times_and_temporary_folders_are_no_difference() -> None:
    one = run("f", (TOOL, "read", "a", "wrote /tmp/run-x81/a.txt at 2026-01-02 10:11:12, id 0f3c9a7be1d24a55"))
    two = run("p", (TOOL, "read", "a", "wrote /tmp/run-k02/a.txt at 2026-03-04 01:02:03, id 77aa9a7be1d24a00"))
    assert compare(one, two).difference is None


def test_the_nearest_run_is_the_one_that_goes_along_for_longest() -> None:
    failed = run("f", *GOOD[:2], (TOOL, "write", "b", ""))
    far, near = run("far", (TOOL, "write", "b", "")), run("near", *GOOD)
    chosen = nearest(failed, [far, near])
    assert chosen is near
    assert nearest(failed, []) is None


def test_a_pair_of_long_runs_is_compared_in_one_pass() -> None:
    long = [(TOOL, "read", str(n), str(n)) for n in range(20_000)]
    found = compare(run("f", *long, (TOOL, "write", "", "")), run("p", *long))
    assert (found.alike, found.difference) == (20_000, Difference.END)
