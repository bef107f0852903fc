"""Export, import, pruning and giving space back."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harnessfix.store import RECORDED, Store
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.errors import NewerStoreError, StoreError
from harnessfix_ir.findings import Diagnosis, FlawRecord
from harnessfix_ir.recording import Recording
from harnessfix_ir.vocabulary import Evidence, Layer, Outcome, Severity

MakeRun = Callable[..., Recording]
Add = Callable[..., list[str]]
Reader = Callable[[bytes, str, str], Iterator[Recording]]


def finding(flaw: str, run: str | None) -> Diagnosis:
    return Diagnosis(
        flaw=flaw,
        rule="C101",
        name="unbounded-observation",
        layer=Layer.CONTEXT,
        severity=Severity.ERROR,
        run=run,
        anchors=(Anchor(path="agent.py", qualname="run", start_line=1, end_line=2),),
        message="message",
        confidence=0.5,
        evidence=Evidence.OBSERVED,
    )


def everything(store: Store) -> dict[str, Any]:
    """All that can be asked of a store, without what is its own (place, keys, cache)."""
    rows = store.runs()
    ids = sorted(row.id for row in rows)
    return {
        "runs": rows,
        "infos": [store.run_info(run_id) for run_id in ids],
        "blobs": [store.blob(run_id) for run_id in ids],
        "earlier": [store.earlier_blobs(run_id) for run_id in ids],
        "steps": [store.steps(run_id) for run_id in ids],
        "labels": [store.labels(run_id) for run_id in ids],
        "diagnosed": [store.diagnosed_with(run_id) for run_id in ids],
        "diagnoses": [store.diagnoses(run_id) for run_id in ids],
        "static": store.diagnoses(static=True),
        "flaws": store.flaws(),
        "repairs": [store.patches(), store.verdicts(), store.memory()],
        "found": sorted((hit.run, hit.step) for hit in store.search("contents", limit=None)),
    }


@pytest.fixture
def full(store: Store, make_run: MakeRun, add: Add) -> Store:
    """A store with something of everything."""
    fill(store, make_run, add)
    return store


def fill(store: Store, make_run: MakeRun, add: Add) -> None:
    """Put something of everything into a store."""
    runs = [make_run(f"r{number}", ("read_file", f"contents {number}"), started=number + 1) for number in range(4)]
    add(store, *runs[:2])
    add(store, runs[2], make_run("r3", ("x", "earlier contents")))
    add(store, runs[3])
    store.label("r0", Outcome.FAILED, by="user", score=0.5, reason="because")
    store.replace_diagnoses("r0", "harness", [finding("aaaa1111", "r0")])
    store.replace_diagnoses("r1", "harness", [])
    store.replace_diagnoses(None, "harness", [finding("bbbb2222", None)])
    store.save_flaws([FlawRecord(flaw="aaaa1111", best=finding("aaaa1111", "r0"), runs=("r0",))])
    store.patches.save({"id": "p1", "flaw": "aaaa1111", "operator": "op", "state": "applied"})
    store.verdicts.save({"id": "v1", "flaw": "aaaa1111", "state": "accepted"})
    store.memory.save({"id": "m1", "flaw": "aaaa1111", "state": "accepted", "reason": "passes"})


def test_an_export_holds_everything(full: Store, lite: Store, tmp_path: Path) -> None:
    before = everything(full)
    assert full.export(tmp_path / "export.db") == 4
    assert [path.name for path in tmp_path.glob("export.db*")] == ["export.db"]
    assert not list(tmp_path.glob(".harnessfix-export-*"))
    with Store.open(tmp_path / "export.db", readonly=True) as itself:
        assert everything(itself) == before
    merged = lite.import_(tmp_path / "export.db")
    if lite.place != full.place:
        assert (sorted(merged.added), merged.updated, merged.known) == (["r0", "r1", "r2", "r3"], (), 0)
    assert everything(lite) == before
    again = lite.import_(tmp_path / "export.db")
    assert (again.added, again.updated, again.known) == ((), (), 4)
    assert everything(lite) == before
    with pytest.raises(StoreError, match="there is a file already"):
        full.export(tmp_path / "export.db")


def test_an_export_can_be_taken_in_by_either_engine(address: str, full: Store, tmp_path: Path) -> None:
    before = everything(full)
    full.export(tmp_path / "export.db")
    full.prune(keep=0)
    assert full.runs() == []
    full.import_(tmp_path / "export.db")
    after = everything(full)
    # Static diagnoses, flaws and repairs had stayed.
    assert after == before


def test_two_stores_become_one(store: Store, tmp_path: Path, make_run: MakeRun, add: Add, reader: Reader) -> None:
    early, late = make_run("shared", ("t", "early")), make_run("shared", ("t", "late"))
    with Store.open(tmp_path / "other.db") as other:
        add(other, make_run("theirs"), early)
        add(other, make_run("both"))
        other.label("shared", Outcome.PASSED, by="user")
        other.label("both", Outcome.FAILED, by="user")
        other.patches.save({"id": "p", "state": "proposed"})
        add(store, make_run("ours"), late)
        add(store, make_run("both"))
        store.label("both", Outcome.PASSED, by="exit")
        store.patches.save({"id": "p", "state": "applied"})
        other.patches.save({"id": "q", "state": "proposed"})
    merged = store.import_(tmp_path / "other.db")
    assert (merged.added, merged.updated, merged.known) == (("theirs",), (), 2)
    assert store.recording("shared", reader).steps == late.steps
    assert [Recording.model_validate_json(each.data.splitlines()[-1]) for each in store.earlier_blobs("shared")] == [
        early
    ]
    assert store.run("shared").outcome is Outcome.PASSED
    assert store.run("both").outcome is Outcome.FAILED
    assert {each["id"]: each["state"] for each in store.patches()} == {"p": "applied", "q": "proposed"}

    store.export(tmp_path / "export.db")
    with Store.open(tmp_path / "other.db") as other:
        back = other.import_(tmp_path / "export.db")
        assert (back.added, back.updated, back.known) == (("ours",), ("shared",), 2)
        assert other.recording("shared", reader).steps == late.steps
        assert other.run("shared").outcome is Outcome.PASSED
        assert other.patches.one("p")["state"] == "applied"
        assert {hit.run for hit in other.search("late")} == {"shared"}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE step SET kind = 'shell'",
        "UPDATE run SET steps = 'many'",
        "UPDATE run SET steps = 1000",
        "UPDATE run SET steps = -1",
        "UPDATE run SET outcome = x'00'",
        "UPDATE run SET document = '[1'",
        "UPDATE flaw SET document = '[]'",
        "UPDATE blob SET data = x'00'",
        "UPDATE blob SET data = (SELECT data FROM blob ORDER BY size LIMIT 1)",
        "UPDATE blob SET size = 1000000000",
        "DELETE FROM blob",
        "DROP TABLE message",
        "DROP TABLE words",
        "DROP TABLE run; CREATE VIEW run AS SELECT 1 AS key, load_extension('x') AS id",
    ],
)
def test_a_file_that_somebody_made_up_changes_nothing(
    lite: Store, tmp_path: Path, make_run: MakeRun, add: Add, damage: str
) -> None:
    with Store.open(tmp_path / "other.db") as other:
        fill(other, make_run, add)
    with closing(sqlite3.connect(tmp_path / "other.db")) as raw:
        raw.executescript("PRAGMA foreign_keys=off;" + damage)
    with pytest.raises(StoreError):
        lite.import_(tmp_path / "other.db")
    assert lite.runs() == []
    assert lite.patches() == []
    lite.patches.save({"id": "p2"})


def test_a_strangers_file_says_neither_what_is_read_nor_what_is_run_here(
    store: Store, tmp_path: Path, make_run: MakeRun, reader: Reader
) -> None:
    run = make_run("r")
    named = run.model_copy(update={"run": run.run.model_copy(update={"harness": ("/etc", str(tmp_path))})})
    data = named.model_dump_json().encode()
    with Store.open(tmp_path / "theirs.db") as theirs:
        theirs.add(data, format="test-json", filename="runs.jsonl", recordings=[named])
        again = make_run("r", ("read_file", "newer contents"))
        theirs.add(again.model_dump_json().encode(), format="harnessfix-probe", filename=RECORDED, recordings=[again])
        theirs.add(data, format="test-json", filename="runs.jsonl", recordings=[named])
        theirs.export(tmp_path / "export.db")
    store.import_(tmp_path / "export.db")
    assert store.run_info("r").harness == ()
    assert [facts.harness for facts in store.facts()] == [()]
    assert store.recording("r", reader).run.harness == (), "nor do its bytes, which still name them"
    assert b"/etc" in store.blob("r")[0]
    assert RECORDED not in {each.filename for each in store.earlier_blobs("r")}
    store.delete_runs(["r"])
    store.import_(tmp_path / "export.db", own=True)
    assert store.run_info("r").harness == named.run.harness
    assert store.recording("r", reader) == named
    assert RECORDED in {each.filename for each in store.earlier_blobs("r")}


def test_importing_what_is_no_store(lite: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file"):
        lite.import_(tmp_path / "nothing.db")
    (tmp_path / "text").write_text("not a database " * 100)
    with pytest.raises(StoreError, match="not a harnessfix store"):
        lite.import_(tmp_path / "text")
    lite.export(tmp_path / "newer.db")
    with closing(sqlite3.connect(tmp_path / "newer.db")) as raw, raw:
        raw.execute("UPDATE harnessfix_version SET version_num = '9999'")
    with pytest.raises(NewerStoreError):
        lite.import_(tmp_path / "newer.db")
    with pytest.raises(StoreError, match="no such folder"):
        lite.export(tmp_path / "no" / "folder.db")


def test_pruning(store: Store, make_run: MakeRun, add: Add) -> None:
    now = datetime.now(UTC)
    for days in range(6):
        at = int((now - timedelta(days=days)).timestamp() * 1e9)
        add(store, make_run(f"d{days}", ("t", f"day {days}"), started=at))
    with pytest.raises(StoreError, match="which runs"):
        store.prune()
    old = timedelta(days=2, hours=12)
    assert store.prune(older_than=old, keep=4, dry_run=True).runs == ("d4", "d5")
    assert len(store.runs()) == 6
    gone = store.prune(older_than=old, keep=4)
    assert gone.runs == ("d4", "d5")
    assert gone.bytes > 0
    assert store.prune(older_than=now - old).runs == ("d3",)
    assert store.prune(keep=2).runs == ("d2",)
    assert [row.id for row in store.runs()] == ["d0", "d1"]
    assert store.prune(keep=2).runs == ()
    assert [hit.run for hit in store.search("day")] == ["d1", "d0"]


def test_nothing_of_a_deleted_run_is_left_in_the_file(lite: Store, make_run: MakeRun, add: Add) -> None:
    add(lite, make_run("doomed", ("t", "hunter2secret"), name="hunter2name"))
    add(lite, make_run("kept", ("t", "evergreen"), name="evergreen"))
    lite.delete_runs(["doomed"])
    lite.vacuum()
    data = b"".join(path.read_bytes() for path in Path(lite.place).parent.glob("store.db*"))
    assert b"evergreen" in data
    assert b"hunter2" not in data
    assert [hit.run for hit in lite.search("evergreen")] == ["kept"]
    assert lite.search("hunter2secret") == []
    assert [hit.run for hit in lite.search("t")] == ["kept"]
