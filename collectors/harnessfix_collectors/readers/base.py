"""What a reader is: one file format, recognised by its content, turned into recordings.

What a reader cannot map it keeps in `TraceStep.attributes`, in `RunInfo.attributes` or counts in
`Recording.incomplete`; it never drops.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from harnessfix_collectors.files import TraceFile
from harnessfix_collectors.opening import Opening
from harnessfix_ir.recording import Recording

if TYPE_CHECKING:
    from harnessfix_collectors.redaction import Scrubber

EVALUATION = "evaluation"
"""Key of `RunInfo.attributes` for what judges a run or answers its task: no part of a step, nor for a model's eyes."""


class Reader(ABC):
    """One file format.

    Class attributes:
        name: kebab case, `otlp-json`.
        title: for people.
        maps: what becomes steps; keeps: what stays in attributes. One sentence each, for the documentation.
        priority: readers with a higher one are asked first whether a file is theirs.
        many: whether a file of lines (or one long list) may hold many runs: a large one is then cut with `split`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    maps: ClassVar[str] = ""
    keeps: ClassVar[str] = ""
    priority: ClassVar[int] = 0
    many: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, opening: Opening) -> bool:
        """Whether a file that begins so is of this format. The file's name is a hint only."""

    @abstractmethod
    def read(self, file: TraceFile) -> Iterator[Recording]:
        """The runs in a file.

        Args:
            file: its `name` is for messages and `Source.file`.

        Raises:
            BadInputError: nothing could be read; the message names the file and the place. A file that is readable in
                part yields what it has, with the trouble in `Recording.incomplete`.
        """

    def scrub(self, data: bytes, scrubber: "Scrubber") -> bytes:
        """The bytes of a file of this format without secrets; formats that are no text have to say how."""
        return scrubber.scrub(data)

    def foreign(self, data: bytes) -> bytes:
        """The bytes of a file that came from elsewhere, without what only a recording made here may say."""
        return data

    def split(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Parts of one JSON value of a file, each with the key of the run that it belongs to."""
        yield "", value
