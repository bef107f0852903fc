"""The base of every typed document: immutable, and tolerant of fields that a later version added."""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any, ParamSpec, TypeVar, cast

from pydantic import BaseModel, ConfigDict, JsonValue

__all__ = ["Document", "JsonValue", "unchecked", "unchecked_many"]


class Document(BaseModel):
    """A frozen pydantic model that keeps unknown fields, so that reading and writing lose nothing."""

    model_config = ConfigDict(frozen=True, extra="allow", ser_json_inf_nan="constants")


P = ParamSpec("P")
D = TypeVar("D", bound=Document)

# The slots of a pydantic model, set past its `__setattr__`.
_SLOTS = tuple(
    BaseModel.__dict__[name].__set__
    for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)
_NOTHING: dict[str, Any] = {}


def unchecked(kind: Callable[P, D]) -> Callable[P, D]:
    """A way to make documents of one kind from values that are known to be right: not validated, a third of the size.

    A validated document owns a set of the names that were given and a dictionary of unknown fields; documents made
    here share theirs, which is safe because documents do not change, and copies of them copy both. For what is made by
    the hundred thousand.

    Args:
        kind: a kind of document whose defaults are immutable. The result takes the same arguments.
    """
    assert isinstance(kind, type)
    assert issubclass(kind, Document)
    blank = {name: field.default for name, field in kind.model_fields.items()}
    names = set(blank)
    new = kind.__new__
    set_fields, set_names, set_unknown, set_private = _SLOTS

    def make(*_: P.args, **values: P.kwargs) -> D:
        document = new(kind)
        set_fields(document, {**blank, **values})
        set_names(document, names)
        set_unknown(document, _NOTHING)
        set_private(document, None)
        return cast("D", document)

    return make


def unchecked_many(kind: type[D], fields: Iterable[dict[str, Any]]) -> list[D]:
    """Many such documents at once, twice as fast again.

    Args:
        kind: of the documents.
        fields: of each, all of them, in order and of the declared types; the dictionaries become the documents'.
    """
    rows = list(fields)
    documents = list(map(kind.__new__, repeat(kind, len(rows))))
    columns: list[Iterable[Any]] = [rows, repeat(set(kind.model_fields)), repeat(_NOTHING), repeat(None)]
    for set_slot, values in zip(_SLOTS, columns):
        deque(map(set_slot, documents, values), maxlen=0)
    return documents
