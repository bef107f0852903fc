"""Where a place has gone after an edit of its file."""

from harnessfix_ir.anchors import Anchor

from .diff import edits_between


def relocated(anchor: Anchor, before: str, after: str) -> Anchor:
    """The anchor with the lines that it has in `after`, from those that it had in `before`."""
    return anchor.model_copy(
        update={
            "start_line": new_line(before, after, anchor.start_line),
            "end_line": new_line(before, after, anchor.end_line, last=True),
        }
    )


def new_line(before: str, after: str, line: int, *, last: bool = False) -> int:
    """The line of `after` on which stands what `before` has on `line`; lines count from 1.

    Of a line that was replaced the first (with `last`, the last) of those that replaced it.
    """
    shift = 0
    for edit in edits_between(before.encode("utf-8", "surrogatepass"), after.encode("utf-8", "surrogatepass")):
        if edit.end < line:
            shift += len(edit.new) - len(edit.old)
        elif edit.start < line <= edit.end:
            return edit.start + shift + (max(len(edit.new), 1) if last else 1)
    return line + shift
