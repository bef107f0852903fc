"""One thing that `doctor` looked at."""

from typing import Literal

from harnessfix_ir.document import Document

State = Literal["ok", "note", "loss", "problem"]
Way = Literal["", "record", "collect"]


class Check(Document):
    """What was found, and what to do.

    Args:
        what: in a word or two.
        state: `ok`, `note`, `loss` (evidence will be missing) or `problem` (recording will not work).
        found: what was found.
        advice: what to do, empty when nothing.
        way: the way of capturing that it holds for, where it does not for both: under `record`, or for what is sent to
            `collect` and other receivers.
    """

    what: str
    state: State
    found: str
    advice: str = ""
    way: Way = ""
