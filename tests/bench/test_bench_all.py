"""`harnessfix bench` without a name: rows as they are known, aims, what is skipped, what fails, and Ctrl-C."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harnessfix.bench import catalogue, everything
from harnessfix.bench.catalogue import Asked, Measurement, Progress, at_least, at_most
from harnessfix.cli.commands.bench_command import NAMES, command
from harnessfix_ir.errors import HarnessfixError


class Still:
    def expect(self, total: int) -> None: ...

    def advance(self, what: str = "") -> None: ...


@contextmanager
def no_progress(name: str) -> Iterator[Progress]:
    yield Still()


def measured(**metrics: float) -> Any:
    return lambda asked, progress: {"bench": "x", "metrics": metrics, "cases": []}


def fails(error: BaseException) -> Any:
    def measure(asked: Asked, progress: Progress) -> dict[str, Any]:
        raise error

    return measure


def test_each_figure_with_an_aim_is_a_row_that_says_whether_it_is_met() -> None:
    one = Measurement("m", measured(a=0.9, b=2, c=0.5, floor=0.6), {"a": at_least(0.8), "b": at_most(1)})
    beside = Measurement("n", measured(c=0.5, floor=0.6), {"c": at_least("floor"), "gone": at_least(1)})
    lines = list(everything.run_all([one, beside], Asked(), None, everything.Whole(), no_progress))
    assert [line.split() for line in lines[1:]] == [
        ["m", "a", "0.9", "≥", "0.8", "yes"],
        ["m", "b", "2", "≤", "1", "NO"],
        ["n", "c", "0.5", "≥", "0.6", "NO"],
    ]


def test_what_needs_cases_is_skipped_with_the_command_that_runs_it(tmp_path: Path) -> None:
    seen = []

    def measure(asked: Asked, progress: Progress) -> dict[str, Any]:
        seen.append(asked.folder)
        return {"bench": "m", "metrics": {}, "cases": []}

    one = Measurement("m", measure, material="cases")
    whole = everything.Whole()
    lines = list(everything.run_all([one], Asked(), None, whole, no_progress))
    assert "harnessfix bench m FOLDER" in lines[1]
    assert "m" in whole.skipped
    (tmp_path / "cases").mkdir()
    list(everything.run_all([one], Asked(), tmp_path, everything.Whole(), no_progress))
    assert seen == [tmp_path / "cases"]


def test_one_that_fails_does_not_keep_the_others_from_being_measured() -> None:
    bad, good = Measurement("bad", fails(HarnessfixError("no server"))), Measurement("good", measured(a=1))
    whole = everything.Whole()
    lines = list(everything.run_all([bad, good], Asked(), None, whole, no_progress))
    assert "no server" in lines[1]
    assert lines[2].split() == ["good", "a", "1"]
    assert (list(whole.failed), len(whole.documents)) == (["bad"], 1)


def test_after_an_interruption_what_was_measured_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"first": Measurement("first", measured(a=1)), "second": Measurement("second", fails(KeyboardInterrupt()))}
    monkeypatch.setattr(catalogue, "MEASUREMENTS", rows)
    text = CliRunner().invoke(command, [])
    assert text.exit_code == 130
    assert "first" in text.stdout
    as_json = CliRunner().invoke(command, ["--format", "json"])
    assert '"a": 1' in as_json.stdout


def test_every_measurement_can_be_named() -> None:
    assert tuple(catalogue.MEASUREMENTS) == NAMES
