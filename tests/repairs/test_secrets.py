"""A key in the lines around a change, in a message or in a command is in nothing that is handed over."""

from collections.abc import Callable
from pathlib import Path

from harnessfix.reports.openspec import change
from harnessfix.reports.pull_request import body, commit_message
from harnessfix.validation.regression import write_test
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import FlawRecord
from harnessfix_repairs.apply import apply, undo
from harnessfix_repairs.patch import Patch

KEY = "sk-proj-" + "Ab3" * 16
SOURCE = f"""\
def load(path):
    key = "{KEY}"
    try:
        return read(path, key)
    except OSError:
        raise SettingsError(path)
"""


def test_no_key_is_handed_over_and_the_patch_still_applies(
    tmp_path: Path, patch_at: Callable[..., Patch], flaw_at: Callable[..., FlawRecord]
) -> None:
    (tmp_path / "agent.py").write_text(SOURCE)
    patch = patch_at(tmp_path, "agent.py", "load", (6, 6), "preserve-cause")
    assert KEY in patch.diff, "the diff has to name the lines around the change"
    flaw = flaw_at(Anchor(path="agent.py", qualname="load", start_line=6, end_line=6), operator="preserve-cause")
    best = flaw.best.model_copy(update={"message": f"it was asked with {KEY}", "quotes": (("s1 input", KEY),)})
    flaw = flaw.model_copy(update={"best": best})
    test = write_test(flaw, patch, ["python", "agent.py", "--key", KEY], None)
    texts = [body(patch, flaw, None), commit_message(patch, flaw, None), test.text, test.answers]
    texts += [text for name, text in change(patch, flaw, None).items() if not name.endswith(".patch")]
    assert all(KEY not in text for text in texts)
    assert "raise SettingsError(path) from error" in texts[0]
    apply(tmp_path, patch)
    assert KEY in (tmp_path / "agent.py").read_text()
    undo(tmp_path, patch.id)
    assert (tmp_path / "agent.py").read_text() == SOURCE
