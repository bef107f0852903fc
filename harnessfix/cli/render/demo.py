"""The demo, told step by step on stderr, with the results on stdout."""

import sys
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harnessfix.checking import chosen_rules
from harnessfix.cli import talk
from harnessfix.cli.plain import one_line, plain
from harnessfix.diagnoser import Diagnosed
from harnessfix.example import copy_example
from harnessfix.pipeline import Pipeline
from harnessfix.repair.proposing import Proposed, Repairs
from harnessfix.reports.check_json import check_document
from harnessfix.tasks import TaskRun, with_interpreter_first
from harnessfix.validation.proving import Proof, prove
from harnessfix.words import counted
from harnessfix.workspace import Workspace
from harnessfix_ir.findings import FlawRecord

from .findings import finding_view
from .layers import LAYER_STYLE
from .patches import diff_text, unrepaired_line
from .proofs import outcome_text
from .tasks import record_tasks

EXAMPLE = "shipmate"


class Demo:
    """One run of the demo, in a scratch copy of the example.

    Args:
        keep: folder to work in and leave; a temporary one when None.
    """

    def __init__(self, keep: str | None) -> None:
        self.folder = copy_example(EXAMPLE, Path(keep) if keep else None)
        self.kept = keep is not None
        self.workspace = Workspace.open(self.folder, create=True)
        self.environment = with_interpreter_first(sys.executable)
        self.before: list[TaskRun] = []
        self.after: list[TaskRun] = []
        self.found = Diagnosed()
        self.left = Diagnosed()
        self.proposed = Proposed()
        self.views: dict[str, RenderableType] = {}
        self.proofs: dict[str, Proof] = {}
        talk.note(f"a small release agent, copied to {self.folder}", "dim")

    def record(self) -> None:
        """Record all tasks of the agent as it came."""
        talk.note("1  record: every task once, the program unchanged", "bold")
        self.before = record_tasks(Pipeline(self.workspace), self.environment, silent=True)

    def check(self) -> None:
        """Diagnose the recorded runs."""
        talk.note("2  check: what went wrong, at which step, in which lines", "bold")
        self.found = self._diagnose(self.before)
        names = {run: task.task for task in self.before for run in task.collected.runs}
        self.views = {  # before any patch moves the lines that they quote
            flaw.flaw: finding_view(flaw, self.found.roots, run_name=names.get(flaw.best.run or "", ""))
            for flaw in self.found.flaws
        }

    def repair(self) -> None:
        """Propose patches."""
        talk.note("3  repair: a small patch for each flaw", "bold")
        self.proposed = Repairs(self.workspace).propose([flaw.flaw for flaw in self.found.flaws])

    def validate(self) -> None:
        """Prove each patch by running tasks with and without it."""
        talk.note("4  validate: run again in private worktrees, with each patch and without", "bold")
        repairs = Repairs(self.workspace)
        with talk.progress("validating", None) as bar:
            proofs = prove(repairs, self.proposed, env=self.environment, tell=bar.move)
        self.proofs = {proof.patch.flaw: proof for proof in proofs}

    def again(self) -> None:
        """Apply the accepted patches to the copy and record all tasks once more."""
        talk.note("5  apply what was accepted, and record again", "bold")
        accepted = [proof.patch for proof in self.proofs.values() if proof.validation.accepted]
        _, refused = Repairs(self.workspace).apply(accepted, unsafe=True)
        talk.warn((f"{patch.rule}: {reason}" for patch, reason in refused), "not applied")
        self.after = record_tasks(Pipeline(self.workspace), self.environment, silent=True)
        self.left = self._diagnose(self.after)

    def _diagnose(self, runs: list[TaskRun]) -> Diagnosed:
        ids = [run for task in runs for run in task.collected.runs]
        rules = chosen_rules(self.workspace.settings, (), ())
        with talk.progress("diagnosing", len(ids)) as bar:
            found = Pipeline(self.workspace, bar.advance).diagnose(ids, rules, source=[self.workspace.roots()])
        found.flaws = [flaw for flaw in found.flaws if flaw.best.blames]
        return found

    # -- results -------------------------------------------------------------------------------------------------

    def summary(self) -> RenderableType:
        """Each flaw with its evidence, patch and verdict, then the tasks before and after."""
        views = [self._flaw(flaw) for flaw in self.found.flaws]
        return Group(Text(), *views, self._tasks(), self._totals())

    def _flaw(self, flaw: FlawRecord) -> RenderableType:
        parts: list[RenderableType] = [self.views[flaw.flaw]]
        patch = next((patch for patch in self.proposed.patches if patch.flaw == flaw.flaw), None)
        none = next((none for none in self.proposed.unrepaired if none.flaw == flaw.flaw), None)
        if patch is not None:
            parts.append(Padding(diff_text(patch.diff), (0, 0, 0, 4)))
        if none is not None:
            parts.append(Padding(unrepaired_line(none), (0, 0, 0, 2)))
        proof = self.proofs.get(flaw.flaw)
        if proof is not None:
            parts.append(
                Text.assemble(
                    ("  verdict: ", "blue"), outcome_text(proof.validation), f"  {plain(proof.validation.reason)}"
                )
            )
        return Group(*parts, Text())

    def _tasks(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("task", "before", "after", "flaws seen in it"):
            table.add_column(title, no_wrap=title != "flaws seen in it")
        after = {run.task: run.passed for run in self.after}
        for run in self.before:
            flaws = [flaw for flaw in self.found.flaws if set(flaw.runs) & set(run.collected.runs)]
            told = Text(", ").join(Text(flaw.best.rule, LAYER_STYLE[flaw.best.layer]) for flaw in flaws)
            table.add_row(one_line(run.task, 40), _mark(run.passed), _mark(after.get(run.task)), told)
        return table

    def _totals(self) -> Text:
        before, after = sum(run.passed for run in self.before), sum(run.passed for run in self.after)
        layers = len({flaw.best.layer for flaw in self.found.flaws})
        text = Text.assemble(
            (f"\n{counted(len(self.found.flaws), 'flaw')} on {counted(layers, 'layer')}; ", "bold"),
            (f"tasks passed: {before} of {len(self.before)} before", "bold"),
        )
        if self.after:
            text.append(f", {after} of {len(self.after)} after", "bold green" if after > before else "bold red")
            text.append(f"; {counted(len(self.left.flaws), 'flaw')} left", "bold")
        return text

    def document(self) -> dict[str, Any]:
        """All of it as one JSON object."""
        after = {run.task: run.passed for run in self.after}
        found = check_document(self.found.flaws, self.found.runs, self.found.incomplete)
        return {
            "schema": "harnessfix.demo/1",
            "folder": str(self.folder),
            "tasks": [{"task": run.task, "before": run.passed, "after": after.get(run.task)} for run in self.before],
            "findings": found["findings"],
            "patches": [patch.model_dump(mode="json") for patch in self.proposed.patches],
            "validations": [proof.validation.model_dump(mode="json") for proof in self.proofs.values()],
        }

    def what_next(self) -> Text:
        """What to type next."""
        return Text.assemble(
            ("\nnext, here:       ", "dim"),
            f"cd {self.folder} && harnessfix show slow-docs\n",
            ("                  ", "dim"),
            "harnessfix tui\n",
            ("next, your agent: ", "dim"),
            "harnessfix record -- python your_agent.py\n",
            ("                  ", "dim"),
            "harnessfix check",
        )


def _mark(passed: bool | None) -> Text:
    return Text("-", "dim") if passed is None else Text("✓ passed", "green") if passed else Text("✗ failed", "red")
