"""Verdicts on failed runs: the same wherever they are worked out, and worked out once."""

from collections.abc import Callable
from pathlib import Path

from harnessfix.diagnoser import Diagnosed
from harnessfix.engines import Engine, Serial
from harnessfix.engines.processes import Processes
from harnessfix.judging import judge_runs
from harnessfix.pipeline import Pipeline
from harnessfix.store import Store
from harnessfix_ir.vocabulary import Outcome

from .saying import First, Second

Fill = Callable[[Store, int], list[str]]
PipelineOf = Callable[[Path, Store], Pipeline]


def no_engine(runs: int) -> Engine:
    raise AssertionError(f"{runs} verdicts were worked out again")


def judged(pipeline: Pipeline, engine: Callable[[int], Engine]) -> Diagnosed:
    rules = [First(), Second()]
    found = pipeline.diagnose(None, rules)
    judge_runs(pipeline, None, found, rules, engine=engine)
    return found


def test_engines_agree_and_nothing_is_said_twice(
    project: Path, fill: Fill, pipeline_of: PipelineOf, tmp_path: Path
) -> None:
    with Store.open(tmp_path / "one.db") as one, Store.open(tmp_path / "two.db") as two:
        for store in (one, two):
            for number, run_id in enumerate(fill(store, 30)):
                store.label(run_id, Outcome.FAILED if number % 3 else Outcome.PASSED, by="user")
        serial = judged(pipeline_of(project, one), lambda runs: Serial())
        spread = judged(pipeline_of(project, two), lambda runs: Processes(2))
        assert len(serial.attributions) == 20
        assert list(serial.attributions.items()) == list(spread.attributions.items())
        assert list(serial.attributions) == [row.id for row in one.runs() if row.outcome is Outcome.FAILED]
        assert serial.suspects == spread.suspects
        again = judged(pipeline_of(project, two), no_engine)
        assert list(again.attributions.items()) == list(serial.attributions.items())

        changed = next(iter(serial.attributions))
        two.label(changed, Outcome.FAILED, by="evaluation")
        engines: list[int] = []

        def count(runs: int) -> Engine:
            engines.append(runs)
            return Serial()

        judged(pipeline_of(project, two), count)
        assert engines == [1], "a word more on one run is one verdict more"
