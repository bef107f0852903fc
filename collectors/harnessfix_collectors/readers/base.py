"""What a reader is: one file format, recognised by its content, turned into recordings.

What a reader cannot map it keeps in `TraceStep.attributes` or counts in `Recording.incomplete`; it never drops.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from harnessfix_ir.recording import Recording


class Reader(ABC):
    """One file format.

    Class attributes:
        name: kebab case, `otlp-json`.
        title: for people.
        priority: readers with a higher one are asked first whether a file is theirs.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    priority: ClassVar[int] = 0

    @abstractmethod
    def recognises(self, head: bytes, filename: str) -> bool:
        """Whether a file that begins with `head` (at most 64 KiB) is of this format. The name is a hint only."""

    @abstractmethod
    def read(self, data: bytes, filename: str) -> Iterator[Recording]:
        """The runs in a file.

        Args:
            data: all bytes of the file.
            filename: for messages and `Source.file`; never opened.

        Raises:
            BadInputError: nothing could be read; the message names the file and the place. A file that is readable in
                part yields what it has, with the trouble in `Recording.incomplete`.
        """
