"""Suppression comments: `# harnessfix: ignore[C101] reason`, on a line of the place or on the line above it."""

from collections.abc import Iterator, Sequence, Set

from harnessfix.rules import Rule, all_rules
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel

Comment = tuple[str, int, str]
"""Path, line, and code as it stands there."""


def silencing(rule: str, anchor: Anchor, model: HarnessModel) -> Comment | None:
    """The comment at `anchor` that silences `rule`, by its code or by none at all (`*`); None without one.

    A comment counts on the first line, the line before it and the last line of the place, so that one inside a long
    function does not silence the whole of it; for places of up to three lines any line counts.
    """
    comments = next((file.suppressions for file in model.files if file.path == anchor.path), {})
    if not comments:
        return None
    lines = {anchor.start_line - 1, anchor.start_line, anchor.end_line}
    if anchor.end_line - anchor.start_line < 3:
        lines.update(range(anchor.start_line, anchor.end_line + 1))
    found = ((line, code) for line in sorted(lines) for code in comments.get(str(line), ()))
    return next(((anchor.path, line, code) for line, code in found if code in (rule, "*")), None)


def idle_comments(model: HarnessModel, used: Set[Comment], rules: Sequence[Rule]) -> Iterator[str]:
    """Suppression comments that silence nothing, or name no rule, in words.

    A comment for a rule that looks at runs is left alone: another run may need it. So is one for a rule that was not
    asked.

    Args:
        model: the harness.
        used: comments that silenced something in the source.
        rules: that were asked.
    """
    asked = {rule.code: rule for rule in rules}
    known = {rule.code for rule in all_rules()}
    for file in model.files:
        for line, codes in file.suppressions.items():
            for code in codes:
                where = f"{file.path}:{line}: `harnessfix: ignore[{code}]`"
                if code != "*" and code not in known:
                    yield f"{where} names no rule"
                elif code in asked and not asked[code].observes and (file.path, int(line), code) not in used:
                    yield f"{where} silences nothing"
