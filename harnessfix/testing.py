"""What generated regression tests call: is a flaw at a place of the harness?

A test of a harness's own suite needs nothing else of harnessfix; `harnessfix validate --tests FOLDER` writes some.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harnessfix.diagnoser import diagnose_run, diagnose_source
from harnessfix.pipeline import Pipeline
from harnessfix.rules.selection import select_rules
from harnessfix.workspace import Workspace
from harnessfix_collectors.probe.exchanges import Exchange
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.findings import Diagnosis


def findings(
    root: Path,
    *,
    rule: str,
    at: str,
    command: Sequence[str] = (),
    answers: Path | None = None,
    timeout: float = 600.0,
) -> list[str]:
    """What a rule says of one place of a harness.

    Args:
        root: folder of the harness, with its settings if it has any.
        rule: code, as T102.
        at: the place, `path:qualname`.
        command: a program to record; the source alone is checked without one. `python` is the one that runs this.
        answers: file of recorded model answers that the program gets instead of asking.
        timeout: seconds for the program.

    Returns:
        Messages; empty when the flaw is not there.

    Raises:
        BadInputError: the program did not call the harness, or the answers cannot be read.
    """
    rules = select_rules([rule])
    with tempfile.TemporaryDirectory(prefix="harnessfix-test-") as folder:
        workspace = Workspace.open(root, store=str(Path(folder) / "store.db"), create=True)
        with workspace.store:
            pipeline = Pipeline(workspace)
            model = pipeline.model(workspace.roots())
            if not command:
                return [each.message for each in diagnose_source(model, rules).diagnoses if _stands(each, at)]
            words = [sys.executable if command[0] == "python" else command[0], *command[1:]]
            replay = _answers(answers) if answers is not None else None
            collected = pipeline.record(words, cwd=root, timeout=timeout, quiet=True, replay=replay)
            if not collected.runs:
                raise BadInputError(f"{' '.join(words)} left no run: {'; '.join(collected.missing)}")
            said = [
                each for run in collected.runs for each in diagnose_run(pipeline.compile(run), model, rules).diagnoses
            ]
            return [each.message for each in said if _stands(each, at)]


def _stands(diagnosis: Diagnosis, at: str) -> bool:
    return any(anchor.symbol == at for anchor in diagnosis.anchors)


def _answers(path: Path) -> list[Exchange]:
    try:
        return [Exchange.from_plan(told) for told in json.loads(path.read_text("utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{path} holds no recorded answers: {error}", hint="Make the test again.") from None
