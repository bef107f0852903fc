"""One thing that `doctor` looked at."""

from typing import Literal

from harnessfix_ir.document import Document

State = Literal["ok", "note", "loss", "problem"]


class Check(Document):
    """What was found, and what to do.

    Args:
        what: in a word or two.
        state: `ok`, `note`, `loss` (evidence will be missing) or `problem` (recording will not work).
        found: what was found.
        advice: what to do, empty when nothing.
    """

    what: str
    state: State
    found: str
    advice: str = ""
