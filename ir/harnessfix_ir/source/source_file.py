"""One file of a harness: its bytes, and what they say on their own."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from .cache import FactCache
from .facts import FileFacts
from .files import Found, byte_lines, decode, read_bytes, sha256
from .modules import module_name
from .text_files import read_prompt_file, read_settings_file


@dataclass(frozen=True)
class Source:
    """A file of a harness and its bytes.

    Args:
        found: where it is.
        module: dotted module name, empty for other files than Python.
        data, problem: its bytes, and why it must be skipped (empty otherwise).
        digest: of the bytes, SHA-256.
    """

    found: Found
    module: str
    data: bytes
    problem: str
    digest: str

    @classmethod
    def read(cls, found: Found, packages: frozenset[str]) -> "Source":
        """Read a file; `packages` are the folders with an `__init__.py`, as paths in the model."""
        data, problem = read_bytes(found)
        module = module_name(found.path, packages) if found.language == "python" else ""
        return cls(found, module, data, problem, sha256(data))

    def identity(self, base: Path) -> str:
        """All that its part of the model depends on, as one text; `base` is where the model's paths begin."""
        own = self.found.base
        other = "" if own is base or own == base else str(own)
        return f"{self.digest} {self.module} {self.problem} {other}"

    def facts(self, cache: FactCache) -> FileFacts:
        """What the file says on its own, from the cache where its content is known."""
        path, base = self.found.path, str(self.found.base)
        if self.problem:
            return FileFacts(path, base, self.module, self.digest, self.found.language, 0, error=self.problem)
        kept = cache.get_facts(self.digest, path, self.module, base)
        if kept is not None:
            return kept
        facts = _read(self.found, self.data, self.digest, self.module, base)
        cache.put_facts(facts, self.module)
        return facts


def _read(found: Found, data: bytes, digest: str, module: str, base: str) -> FileFacts:
    lines = byte_lines(data)
    facts = FileFacts(found.path, base, module, digest, found.language, len(lines))
    try:
        text = decode(data, found.language)
        if found.language == "python":
            from .extract import extract

            extract(facts, text, lines)
        elif found.language == "text":
            read_prompt_file(facts, text, lines)
        else:
            read_settings_file(facts, text, lines)
    except SyntaxError as error:
        _fail(facts, f"line {error.lineno or 1}: {error.msg}{_later_python(error)}")
    except ValueError as error:
        _fail(facts, str(error))
    except (RecursionError, MemoryError):
        _fail(facts, "line 1: nested too deeply")
    return facts


# What Python 3.12 added: type parameters, `type` statements, and quotes of the same kind inside f-strings.
_LATER = re.compile(r"^\s*(async\s+)?(def|class)\s+\w+\s*\[|^\s*type\s+\w+|\b[rR]?[fF][rR]?[\"'].*\{")


def _later_python(error: SyntaxError) -> str:
    """A remark for a line that only a Python later than this one understands, empty for others."""
    if sys.version_info >= (3, 12) or not _LATER.search(error.text or ""):
        return ""
    return f" (perhaps Python later than {sys.version_info[0]}.{sys.version_info[1]}, on which harnessfix runs here)"


def _fail(facts: FileFacts, error: str) -> None:
    facts.error = error
    facts.drafts.clear()
    facts.calls.clear()
    facts.functions.clear()
    facts.classes.clear()
    facts.hashes.clear()
