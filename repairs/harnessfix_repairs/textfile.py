"""Text that is given back byte for byte: byte-order mark, encoding and line ends survive an edit."""

import codecs
import io
import tokenize
from dataclasses import dataclass
from pathlib import PurePosixPath

from harnessfix_ir.errors import PatchError


@dataclass(frozen=True)
class TextFile:
    """The text of a file and how its bytes spell it.

    Args:
        path: relative to the harness root.
        text: without byte-order mark; line ends as they are in the file.
        encoding: name for Python's codecs.
        mark: the byte-order mark, empty without one.
    """

    path: str
    text: str
    encoding: str = "utf-8"
    mark: bytes = b""

    def bytes_of(self, text: str) -> bytes:
        """`text` spelt as this file spells its own. Raises `PatchError` when its encoding lacks a character."""
        try:
            return self.mark + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            missing = text[error.start : error.start + 1]
            raise PatchError(
                f"{self.path}: the edit needs {missing!r}, which {self.encoding} cannot spell",
                hint="Store the file as UTF-8 first.",
            ) from error


def read_text(path: str, data: bytes) -> TextFile:
    """Decode a file so that `bytes_of(text)` gives the same bytes back.

    Python files are read in the encoding they declare (PEP 263), all others as UTF-8.
    Raises `PatchError` for anything that is not text.
    """
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    encoding = "utf-8"
    try:
        if PurePosixPath(path).suffix in (".py", ".pyi") and not mark:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data[len(mark) :].decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise PatchError(f"{path} is not text that can be edited: {error}", hint="Store the file as UTF-8.") from error
    found = TextFile(path, text, encoding, mark)
    if "\0" in text or found.bytes_of(text) != data:
        raise PatchError(f"{path} is not text that can be edited", hint="Only text files are repaired.")
    return found
