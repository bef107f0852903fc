"""A finding whose place is one of several like ones is believed less, and says so."""

from pathlib import Path

from harnessfix.diagnoser.diagnose import ask_rules
from harnessfix.rules import Finding, Rule
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.source import read_harness
from harnessfix_ir.steps import Source, TraceStep
from harnessfix_ir.vocabulary import Property, StepKind


class SaysWhereTheModelWasAsked(Rule):
    """Speaks of every model call, at the first place that is known of it."""

    code = "L999"
    name = "asked"
    keeps = Property.ORDER
    summary = why = "only for this test"

    def check_run(self, run: Htir, model: HarnessModel) -> list[Finding]:
        return [
            Finding("asked", anchors=step.anchors, responsible_step=step.id, symptom_step=step.id, confidence=0.8)
            for step in run.steps
        ]


def confidence_with(root: Path, classes: tuple[str, ...]) -> tuple[float, tuple[str, ...]]:
    """What is said of one model call by a harness with these model classes, all of them in use."""
    root.mkdir()
    methods = (
        f"class {name}:\n"
        "    def query(self, messages):\n"
        "        return self.client.chat.completions.create(model='m', messages=messages)\n"
        for name in classes
    )
    (root / "models.py").write_text("\n\n".join(methods), encoding="utf-8")
    step = TraceStep(id="s1", kind=StepKind.MODEL_CALL, name="chat", source=Source(format="test"))
    model = read_harness([root])
    run = compile_run(Recording(run=RunInfo(id="r"), steps=(step,)), model)
    (diagnosis,) = ask_rules(run, model, [SaysWhereTheModelWasAsked()]).diagnoses
    return diagnosis.confidence, diagnosis.missing


def test_a_tie_lowers_confidence_and_is_told(tmp_path: Path) -> None:
    alone, nothing = confidence_with(tmp_path / "one", ("AcmeModel",))
    tied, told = confidence_with(tmp_path / "two", ("AcmeModel", "BoreasModel"))
    assert (alone, nothing) == (0.8, ())
    assert tied == 0.6
    assert "which of 2" in told[0]
