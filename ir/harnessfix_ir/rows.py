"""Sequences of documents that are held as plain rows and made when they are asked for.

A harness model has tens of thousands of elements and calls, and a question is about a few of them: those of one role,
those in one file. Making a document costs more than reading its row.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar, get_args, overload

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from .document import Document

D = TypeVar("D", bound=Document)


class Rows(Sequence[D], Generic[D]):
    """A sequence of documents, each made once, when it is first asked for.

    Args:
        size: how many.
        columns: what `where` can look for: under a column's name, what makes its values, one for every document.
        make: the documents at some places, in that order.
    """

    def __init__(
        self,
        size: int,
        columns: Mapping[str, Callable[[], Sequence[Hashable]]],
        make: Callable[[Sequence[int]], list[D]],
    ) -> None:
        self._sources = columns
        self._make = make
        self._made: list[D | None] = [None] * size
        self._whole = False
        self._columns: dict[str, Sequence[Hashable]] = {}
        self._places: dict[str, dict[Hashable, list[int]]] = {}
        self._found: dict[tuple[str, Hashable], list[D]] = {}

    @classmethod
    def of(cls, documents: Sequence[D], columns: Mapping[str, Callable[[D], Hashable]]) -> "Rows[D]":
        """Documents that are there already; `columns` says how a column's value is read off one."""
        read = {name: partial(_read, column, documents) for name, column in columns.items()}
        return cls(len(documents), read, lambda places: [documents[place] for place in places])

    def column(self, name: str) -> Sequence[Hashable]:
        """The values of a column, one for every document."""
        if name not in self._columns:
            self._columns[name] = self._sources[name]()
        return self._columns[name]

    def where(self, column: str, value: Hashable) -> Sequence[D]:
        """The documents with that value in that column, in order."""
        if (column, value) not in self._found:
            self._found[(column, value)] = self._at(self._index(column).get(value, ()))
        return self._found[(column, value)]

    def where_any(self, column: str, values: Iterable[Hashable]) -> list[D]:
        """The documents with one of those values in that column, in order."""
        index = self._index(column)
        return self._at(sorted(place for value in set(values) for place in index.get(value, ())))

    def _index(self, column: str) -> dict[Hashable, list[int]]:
        if column not in self._places:
            index: dict[Hashable, list[int]] = {}
            for place, found in enumerate(self.column(column)):
                index.setdefault(found, []).append(place)
            self._places[column] = index
        return self._places[column]

    def _at(self, places: Sequence[int]) -> list[D]:
        made = self._made
        missing = [place for place in places if made[place] is None]
        if missing:
            for place, document in zip(missing, self._make(missing)):
                made[place] = document
        return [made[place] for place in places]  # type: ignore[misc]

    def _all(self) -> list[D]:
        if not self._whole:
            self._at(range(len(self._made)))
            self._whole = True
        return self._made  # type: ignore[return-value]

    @overload
    def __getitem__(self, place: int) -> D: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[D, ...]: ...
    def __getitem__(self, place: int | slice) -> D | tuple[D, ...]:
        if isinstance(place, slice):
            return tuple(self._at(range(*place.indices(len(self._made)))))
        return self._at([range(len(self._made))[place]])[0]

    def __iter__(self) -> Iterator[D]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._made)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rows | tuple | list):
            return NotImplemented
        return len(self) == len(other) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __reduce__(self) -> tuple[type, tuple[list[D]]]:
        return tuple, (self._all(),)  # where it is copied to, documents are what counts

    def __deepcopy__(self, memo: dict[int, Any]) -> "Rows[D]":
        return self  # documents do not change

    def __repr__(self) -> str:
        return f"<{len(self)} documents>"


def _read(column: Callable[[D], Hashable], documents: Sequence[D]) -> list[Hashable]:
    return [column(document) for document in documents]


class WrittenAsTuple:
    """Marks a field that may hold `Rows`: read, written and described as a tuple of documents."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plain = core_schema.tuple_variable_schema(handler.generate_schema(get_args(source)[0]))
        writing = core_schema.wrap_serializer_function_ser_schema(_as_tuple, schema=plain)
        return core_schema.no_info_after_validator_function(_as_given, plain, serialization=writing)


def _as_given(documents: tuple[Any, ...]) -> tuple[Any, ...]:
    return documents


def _as_tuple(documents: Iterable[Any], write: Callable[[Any], Any]) -> Any:
    return write(documents if isinstance(documents, tuple) else tuple(documents))
