"""Suppression comments: `# harnessfix: ignore[C101] reason`, on a line of the place or on the line above it."""

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel


def suppressed(rule: str, anchor: Anchor, model: HarnessModel) -> bool:
    """Whether a comment at `anchor` silences `rule` (a code, or `*` for all).

    A comment counts on the first line, the line before it and the last line of the place, so that one inside a long
    function does not silence the whole of it; for places of up to three lines any line counts.
    """
    comments = next((file.suppressions for file in model.files if file.path == anchor.path), {})
    if not comments:
        return False
    lines = {anchor.start_line - 1, anchor.start_line, anchor.end_line}
    if anchor.end_line - anchor.start_line < 3:
        lines.update(range(anchor.start_line, anchor.end_line + 1))
    return any(code in (rule, "*") for line in lines for code in comments.get(str(line), ()))
