"""What many rules ask of a run."""

from harnessfix.rules._once import once
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo


def test_a_run_is_read_once_and_the_next_one_anew() -> None:
    read: list[str] = []

    @once
    def name(run: Htir) -> str:
        read.append(run.run.id)
        return run.run.id

    first, second = Htir(run=RunInfo(id="a")), Htir(run=RunInfo(id="b"))
    assert [name(first), name(first), name(second), name(second), name(first)] == ["a", "a", "b", "b", "a"]
    assert read == ["a", "b", "a"]


def test_what_is_asked_of_a_run_and_its_harness_is_read_anew_for_another_harness() -> None:
    read: list[str] = []

    @once
    def root(run: Htir, model: HarnessModel) -> str:
        read.append(model.root)
        return model.root

    run, one, other = Htir(run=RunInfo(id="a")), HarnessModel(root="/one"), HarnessModel(root="/other")
    assert [root(run, one), root(run, one), root(run, other)] == ["/one", "/one", "/other"]
    assert read == ["/one", "/other"]


def test_a_run_that_is_gone_is_not_taken_for_another() -> None:
    @once
    def name(run: Htir) -> str:
        return run.run.id

    assert [name(Htir(run=RunInfo(id=str(number)))) for number in range(50)] == [str(number) for number in range(50)]
