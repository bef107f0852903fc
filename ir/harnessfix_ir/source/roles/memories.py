"""Methods that write to a memory or read from one: of classes that are named like a memory."""

import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import is_stub
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.scopes import FileContext
from harnessfix_ir.source.words import MEMORY_READS, MEMORY_WRITES, name_words
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .base import Role, at_function

# A conversation that is called a memory is the request itself; the one meant here is kept beside it.
_CLASS = re.compile(
    r"(?:Long\w*Term|Vector|Episodic|Semantic|Working|Entity|Fact|Note|File|Json|Sql\w*|Redis|Shared)?Memory(?:Store|Bank|Backend)?$|"
    r"(?:Vector|Embedding|Knowledge|Memory|Note|Fact)(?:Store|Base|Index|Db|DB)$|Scratchpad$|Notebook$"
)


class Memories(Role):
    """One element per such method."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            owner, _, method = scope.qualname.rpartition(".")
            if is_stub(scope.function) or method.startswith("_") or not _CLASS.search(owner.rpartition(".")[2]):
                continue
            sort = next((s for s in map(_sort, name_words(method)) if s), None)
            if sort is not None:
                draft = at_function(ElementRole.MEMORY, scope)
                draft.add("recognised-by", "name", 0, Evidence.HEURISTIC)
                draft.note("operation", sort)
                draft.note("backend", owner.rpartition(".")[2])
                yield draft


def _sort(word: str) -> str | None:
    """What a word of a method's name says that it does; asynchronous twins have an `a` before it."""
    for one in (word, word[1:] if word.startswith("a") else word):
        if one in MEMORY_WRITES:
            return "write"
        if one in MEMORY_READS:
            return "read"
    return None
