"""The regression test of a flaw: a pytest file that fails before the patch and passes after it, and was seen to."""

import importlib.util
import json
import re
import sys
from collections.abc import Mapping, Sequence

from harnessfix.validation.replaying import Replay
from harnessfix_collectors.redaction import Scrubber
from harnessfix_ir.findings import FlawRecord
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.validation.documents import RegressionTest, TaskRow
from harnessfix_repairs.validation.sandbox import Limits, Sandbox
from harnessfix_repairs.validation.worktree import Tree

_TEST = '''\
"""{rule} {name} must not come back to {at}.

Made by `harnessfix validate` for flaw {flaw}: it fails without patch {patch} and passes with it.
"""

from pathlib import Path

from harnessfix.testing import findings

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / {path!r}).is_file())


def test_{function}() -> None:
    found = findings(
        ROOT,
        rule={rule!r},
        at={at!r},{more}
    )
    assert found == []
'''


def write_test(flaw: FlawRecord, patch: Patch, command: Sequence[str], replay: Replay | None) -> RegressionTest:
    """The test of a flaw, not yet proved.

    Args:
        flaw: what must not come back.
        patch: that repairs it.
        command: whose run shows the flaw; empty where the source alone does.
        replay: whose recorded answers the command gets, None without.
    """
    best = flaw.best
    anchor = best.anchors[0]
    words = re.sub(r"\W+", "_", f"{anchor.qualname.strip('<>')}_has_no_{best.name}").strip("_").lower()
    stem = f"test_{best.rule.lower()}_{flaw.flaw}"
    answers = "" if replay is None or not replay.exchanges else json.dumps([e.as_plan() for e in replay.exchanges])
    # With a secret taken out the command may do something else; then the test is not proved, and not written.
    command = [Scrubber().text(word) for word in command]
    more = f"\n        command={command!r}," if command else ""
    more += f"\n        answers=Path(__file__).with_name({stem + '.json'!r})," if answers else ""
    text = _TEST.format(
        rule=best.rule,
        name=best.name,
        at=anchor.symbol,
        flaw=flaw.flaw,
        patch=patch.id,
        path=anchor.path,
        function=words,
        more=more,
    )
    return RegressionTest(name=f"{stem}.py", text=text, answers=Scrubber().text(answers))


def telling_row(flaw: str, rows: Sequence[TaskRow]) -> TaskRow | None:
    """The first task all of whose unpatched runs show the flaw and none of whose patched ones does."""
    for row in rows:
        if all(flaw in run.flaws for run in row.baseline) and not any(flaw in run.flaws for run in row.patched):
            return row
    return None


def proved(
    test: RegressionTest, before: Tree, after: Tree, sandbox: Sandbox, limits: Limits, env: Mapping[str, str]
) -> RegressionTest:
    """The test with what running it in both trees showed."""
    if importlib.util.find_spec("pytest") is None:
        return test.model_copy(update={"reason": "pytest is not installed beside harnessfix, so it could not be run"})
    codes = []
    for tree in (before, after):
        tree.reset()
        (tree.path / test.name).write_text(test.text, "utf-8")
        if test.answers:
            (tree.path / test.name).with_suffix(".json").write_text(test.answers, "utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "."]
        done = sandbox.run([*command, test.name], tree, limits, dict(env))
        codes.append(done.exit_code)
        tree.reset()
    if codes == [1, 0]:
        return test.model_copy(update={"proved": True, "reason": "it failed without the patch and passed with it"})
    return test.model_copy(update={"reason": f"it ended with {codes[0]} without the patch and {codes[1]} with it"})
