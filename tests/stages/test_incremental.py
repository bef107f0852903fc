"""What does not depend on a change is not done again, and the result is the same as if it were."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from harnessfix.diagnoser import Diagnosed
from harnessfix.engines import Serial
from harnessfix.engines.processes import Processes
from harnessfix.pipeline import Pipeline
from harnessfix.rules import Finding
from harnessfix.store import Store
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Outcome

from .saying import Deadly, Failing, First, Second

Fill = Callable[[Store, int], list[str]]
PipelineOf = Callable[[Path, Store], Pipeline]


class Silent(First):
    """A later version of `Second`, in a file of its own, which finds nothing any more."""

    code = "L192"
    name = "second-rule"

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Nothing."""
        return ()


class SilentFirst(Silent):
    """The same of `First`."""

    code = "L191"
    name = "first-rule"


@pytest.fixture
def store(project: Path) -> Store:
    return Store.open(project / ".harnessfix" / "store.db")


def told(found: Diagnosed) -> list[object]:
    """Everything a check says of its runs."""
    return [found.flaws, found.incomplete, found.runs, found.suppressed, found.outdated]


def done(found: Diagnosed) -> Sequence[int]:
    work = found.work
    return work.unchanged, work.asked_again, work.compiled, work.left_out


def test_only_what_changed_is_done_again(project: Path, store: Store, fill: Fill, pipeline_of: PipelineOf) -> None:
    first, second = First(), Second()
    with store:
        ids = fill(store, 10)
        before = pipeline_of(project, store).diagnose(None, [first])
        assert done(before) == (0, 0, 10, 0)
        assert sorted(first.asked) == sorted(ids)
        again = pipeline_of(project, store).diagnose(None, [first])
        assert done(again) == (10, 0, 0, 0)
        assert told(again) == told(before)
        assert len(first.asked) == 10, "nothing was asked again"

        more = pipeline_of(project, store).diagnose(None, [first, second])
        assert done(more) == (0, 10, 0, 0), "a new rule needs no new compilation"
        assert (len(first.asked), len(second.asked)) == (10, 10), "and no other rule"
        assert {flaw.best.rule for flaw in more.flaws} >= {"L191", "L192"}
        assert {each.rule for each in store.diagnoses(ids[0])} == {"L191", "L192"}

        less = pipeline_of(project, store).diagnose(None, [first])
        assert (done(less), told(less)) == ((10, 0, 0, 0), told(before))
        assert {each.rule for each in store.diagnoses(ids[0])} == {"L191"}

        fill(store, 13)
        store.label(ids[4], Outcome.PASSED, by="user")
        grown = pipeline_of(project, store).diagnose(None, [first])
        assert done(grown) == (9, 0, 4, 0), "three new runs, and one that ended otherwise than it was thought"

        (project / "agent.py").write_text((project / "agent.py").read_text() + "\n# the end\n")
        assert done(pipeline_of(project, store).diagnose(None, [first])) == (0, 0, 13, 0)


def test_a_check_of_some_rules_leaves_what_the_others_found(
    project: Path, store: Store, fill: Fill, pipeline_of: PipelineOf
) -> None:
    first, second = First(), Second()
    with store:
        ids = fill(store, 10)
        pipeline_of(project, store).diagnose(None, [first, second])
        flaws = {flaw.flaw: flaw for flaw in store.flaws()}
        whole = {run_id: sorted(each.model_dump_json() for each in store.diagnoses(run_id)) for run_id in ids}

        alone = pipeline_of(project, store).diagnose(None, [second], alone=True)
        assert {flaw.best.rule for flaw in alone.flaws} == {"L192"}, "the check itself tells of what was asked"
        assert {flaw.flaw: flaw for flaw in store.flaws()} == flaws
        assert {run: sorted(each.model_dump_json() for each in store.diagnoses(run)) for run in ids} == whole
        assert {run.flaws for run in store.runs()} == {2}

        fill(store, 13)  # with runs that nobody has asked anything
        pipeline_of(project, store).diagnose(None, [first], alone=True)
        assert {run.flaws for run in store.runs()} == {1, 2}
        assert {each.best.rule: len(each.runs) for each in store.flaws()} == {
            "L191": 13,
            "L192": 10,
        }

        fixed = Silent()
        pipeline_of(project, store).diagnose(None, [fixed], alone=True)
        assert {flaw.best.rule for flaw in store.flaws()} == {"L191"}, "what was asked is believed"
        assert {run.flaws for run in store.runs()} == {1}
        assert pipeline_of(project, store).diagnose(None, [first, second]).work.compiled == 0
        assert {flaw.best.rule for flaw in store.flaws()} == {"L191", "L192"}


def test_a_check_of_some_runs_counts_the_others_too(
    project: Path, store: Store, fill: Fill, pipeline_of: PipelineOf
) -> None:
    first = First()
    with store:
        ids = fill(store, 10)
        pipeline_of(project, store).diagnose(None, [first])
        (whole,) = store.flaws()
        one = pipeline_of(project, store).diagnose(ids[:1], [first])
        assert one.flaws[0].runs == (ids[0],)
        assert store.flaws() == [whole], "one run says nothing about the nine others"

        silent = SilentFirst()
        pipeline_of(project, store).diagnose([whole.best.run or "", ids[1]], [silent])
        (left,) = store.flaws()
        assert len(left.runs) == 8
        assert left.best.run in left.runs
        pipeline_of(project, store).diagnose(list(left.runs), [silent])
        assert store.flaws() == []


def test_a_result_from_the_cache_is_the_one_that_was_made(
    project: Path, store: Store, fill: Fill, pipeline_of: PipelineOf
) -> None:
    with store:
        (run_id,) = fill(store, 1)
        pipeline = pipeline_of(project, store)
        fresh = pipeline.compile(run_id)
        pipeline.diagnose(None, [First()])
        with store._database.write() as connection:
            connection.exec_driver_sql("UPDATE blob SET data = x'00'")  # so that it cannot be made anew
        assert pipeline.compile(run_id) == fresh


def test_a_rule_that_failed_is_asked_again(project: Path, store: Store, fill: Fill, pipeline_of: PipelineOf) -> None:
    rule = Failing()
    with store:
        fill(store, 5)
        found = pipeline_of(project, store).diagnose(None, [rule])
        assert [line for line in found.incomplete if "a mistake of the rule" in line]
        rule.fails = False
        again = pipeline_of(project, store).diagnose(None, [rule])
        assert done(again) == (4, 1, 0, 0)
        assert not [line for line in again.incomplete if "rule" in line]


def test_a_damaged_block_costs_its_own_runs(project: Path, store: Store, fill: Fill, pipeline_of: PipelineOf) -> None:
    with store:
        fill(store, 20)
        with store._database.write() as connection:
            connection.exec_driver_sql("UPDATE blob SET data = x'00' WHERE digest = (SELECT min(digest) FROM blob)")
        found = pipeline_of(project, store).diagnose(None, [First()])
        assert done(found) == (0, 0, 10, 10)
        assert sum("was left out" in line and "damaged" in line for line in found.incomplete) == 10


def test_engines_agree_and_a_deadly_run_costs_itself_only(
    project: Path, store: Store, fill: Fill, pipeline_of: PipelineOf
) -> None:
    with store:
        fill(store, 12)
        rules = [First(), Second()]
        with Store.open(project / "other.db") as other:
            fill(other, 12)
            serial = pipeline_of(project, other).diagnose(None, rules, engine=lambda runs: Serial())
        many = pipeline_of(project, store).diagnose(None, rules, engine=lambda runs: Processes(2))
        assert done(many) == done(serial) == (0, 0, 12, 0)
        assert told(many) == told(serial)
        assert pipeline_of(project, store).diagnose(None, rules).work.unchanged == 12

        killed = pipeline_of(project, store).diagnose(None, [Deadly()], engine=lambda runs: Processes(2))
        assert (killed.work.left_out, killed.runs) == (1, 11)
        assert [line for line in killed.incomplete if "worker processes died" in line]
