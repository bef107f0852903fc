"""Labels, diagnoses, flaws, patches, verdicts, memory and the cache."""

from collections.abc import Callable

import pytest

from harnessfix.store import Store, cache
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import Document
from harnessfix_ir.errors import StoreError
from harnessfix_ir.findings import Diagnosis, FlawRecord, Support
from harnessfix_ir.recording import Recording
from harnessfix_ir.vocabulary import Evidence, Layer, Outcome, Severity

MakeRun = Callable[..., Recording]
Add = Callable[..., list[str]]


def diagnosis(flaw: str, run: str | None = None, **more: object) -> Diagnosis:
    fields: dict[str, object] = {
        "flaw": flaw,
        "rule": "C101",
        "name": "unbounded-observation",
        "layer": Layer.CONTEXT,
        "severity": Severity.ERROR,
        "run": run,
        "anchors": (Anchor(path="agent.py", qualname="run", start_line=1, end_line=2),),
        "message": "a message with a lone \ud800 surrogate",
        "confidence": 0.5,
        "evidence": Evidence.OBSERVED,
    }
    return Diagnosis.model_validate(fields | more)


def outcome(store: Store, run_id: str) -> tuple[Outcome, str, float | None]:
    row = store.run(run_id)
    assert store.run_info(run_id).outcome is row.outcome
    return row.outcome, row.outcome_by, row.score


def test_whose_word_counts(store: Store, make_run: MakeRun, add: Add) -> None:
    add(store, make_run("r", outcome=Outcome.PASSED, by="exit"))
    assert outcome(store, "r") == (Outcome.PASSED, "exit", None)
    store.label("r", Outcome.FAILED, by="exception")
    assert outcome(store, "r") == (Outcome.FAILED, "exception", None)
    store.label("r", Outcome.PASSED, by="evaluation", score=0.9)
    store.label("r", Outcome.FAILED, by="pytest")
    assert outcome(store, "r") == (Outcome.PASSED, "evaluation", 0.9)
    store.label("r", Outcome.FAILED, by="evaluation", score=0.2)
    assert outcome(store, "r") == (Outcome.FAILED, "evaluation", 0.2), "the newest of a kind"
    store.label("r", Outcome.PASSED, by="user", reason="I looked")
    store.label("r", Outcome.FAILED, by="evaluation")
    assert outcome(store, "r") == (Outcome.PASSED, "user", 0.2)
    assert [label.by for label in store.labels("r")] == [
        *("exit", "exception", "evaluation", "pytest", "evaluation", "user", "evaluation")
    ]


def test_unknown_is_silence_unless_a_person_says_it(store: Store, make_run: MakeRun, add: Add) -> None:
    add(store, make_run("r", outcome=Outcome.FAILED, by="exit"))
    store.label("r", Outcome.UNKNOWN, by="evaluation", score=0.5)
    assert outcome(store, "r") == (Outcome.FAILED, "exit", 0.5)
    store.label("r", Outcome.UNKNOWN, by="user", score=0.6)
    assert outcome(store, "r") == (Outcome.FAILED, "exit", 0.6)
    store.label("r", Outcome.UNKNOWN, by="user")
    assert outcome(store, "r") == (Outcome.UNKNOWN, "user", 0.6)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_is_a_number(store: Store, make_run: MakeRun, add: Add, score: float) -> None:
    add(store, make_run("r"))
    with pytest.raises(StoreError, match="finite"):
        store.label("r", Outcome.FAILED, by="user", score=score)
    with pytest.raises(StoreError, match="no run"):
        store.label("other", Outcome.FAILED, by="user")


def test_diagnoses_are_replaced_and_an_empty_list_means_looked(store: Store, make_run: MakeRun, add: Add) -> None:
    add(store, make_run("r"), make_run("s"))
    first = [diagnosis("aaaa1111", "r"), diagnosis("aaaa1111", "r"), diagnosis("bbbb2222", "r")]
    store.replace_diagnoses("r", "harness-1", first)
    store.replace_diagnoses("s", "harness-1", [])
    store.replace_diagnoses(None, "harness-1", [diagnosis("cccc3333")])
    store.replace_diagnoses(None, "harness-2", [diagnosis("dddd4444")])
    assert store.diagnoses("r") == first
    assert {row.id: row.flaws for row in store.runs()} == {"r": 2, "s": 0}
    assert [row.id for row in store.runs(flaw="bbbb")] == ["r"]
    assert [each.flaw for each in store.diagnoses(static=True)] == ["cccc3333", "dddd4444"]
    assert [each.flaw for each in store.diagnoses(static=True, harness_key="harness-2")] == ["dddd4444"]
    assert len(store.diagnoses(flaw="aaaa1111")) == 2
    assert (store.diagnosed_with("r"), len(store.diagnoses())) == ("harness-1", 5)

    store.replace_diagnoses("r", "harness-2", [])
    store.replace_diagnoses(None, "harness-1", [])
    assert [each.flaw for each in store.diagnoses()] == ["dddd4444"]
    assert store.diagnosed_with("r") == "harness-2"
    with pytest.raises(StoreError, match="no run"):
        store.replace_diagnoses("other", "harness-1", [])


def test_flaws_by_id_and_in_order(store: Store) -> None:
    with pytest.raises(StoreError, match="holds no flaws"):
        store.flaw("aa")
    rare = FlawRecord(flaw="aaaa1111", best=diagnosis("aaaa1111", confidence=0.9), support=Support(failed=1))
    often = FlawRecord(flaw="aaaa2222", best=diagnosis("aaaa2222"), support=Support(failed=3), runs=("r", "s"))
    store.save_flaws([rare, often])
    assert store.flaws() == [often, rare]
    assert store.flaw("aaaa2") == often
    with pytest.raises(StoreError, match="more than one flaw: aaaa1111, aaaa2222"):
        store.flaw("aaaa")
    for asked in ("bbbb", "", "%"):
        with pytest.raises(StoreError, match="no flaw is called"):
            store.flaw(asked)
    again = rare.model_copy(update={"support": Support(failed=2)})
    store.save_flaws([again])
    assert store.flaws() == [often, again]
    store.save_flaws([again], replace_all=True)
    assert store.flaws() == [again]


class Spec(Document):
    flaw: str
    operator: str


class Patch(Document):
    id: str
    spec: Spec
    state: str
    diff: str


def test_patches_are_found_by_what_they_say(store: Store) -> None:
    spec = Spec(flaw="aaaa1111", operator="bound-observation")
    patch = Patch(id="p1", spec=spec, state="proposed", diff="--- a\n+++ b\n\ud800")
    assert store.patches.save(patch) == "p1"
    assert Patch.model_validate(store.patches.one("p")) == patch
    assert len(store.patches(flaw="aaaa1111", operator="bound-observation", state="proposed")) == 1
    assert store.patches(state="applied") == []
    store.patches.save(patch.model_copy(update={"state": "applied"}))
    assert [each["state"] for each in store.patches()] == ["applied"]
    with pytest.raises(StoreError, match="no patch is called 'q'"):
        store.patches.one("q")


def test_verdicts_and_memory(store: Store) -> None:
    first = store.verdicts.save({"patch": "p1", "accepted": True}, flaw="aaaa1111", state="accepted")
    second = store.verdicts.save({"patch": "p1", "accepted": False}, flaw="aaaa1111", state="rejected")
    assert [each["id"] for each in store.verdicts(flaw="aaaa1111")] == [first, second]
    assert store.verdicts(state="rejected") == [{"patch": "p1", "accepted": False, "id": second}]
    store.memory.save({"flaw": "aaaa1111", "operator": "bound-observation", "state": "rejected", "reason": "broke t3"})
    assert [each["reason"] for each in store.memory(operator="bound-observation")] == ["broke t3"]
    assert store.memory(operator="other") == []


def test_the_cache_keeps_what_it_can(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.cached("htir", "k") is None
    store.cache("htir", "k", b"value" * 1000)
    store.cache("htir", "k", b"other" * 1000)
    assert store.cached("htir", "k") == b"other" * 1000
    assert store.cached("facts", "k") is None
    (use,) = store.info().cache
    assert (use.kind, use.entries) == ("htir", 1)

    monkeypatch.setattr(cache, "LOOK_EVERY", 1)
    monkeypatch.setattr(cache.trim, "__defaults__", (use.bytes * 5,))
    for number in range(20):
        store.cache("htir", f"k{number}", b"other" * 1000)
    kept = [number for number in range(20) if store.cached("htir", f"k{number}")]
    assert kept == list(range(20))[-len(kept) :]
    assert 3 <= len(kept) <= 5
    store.vacuum(drop_cache=True)
    assert store.info().cache == ()
