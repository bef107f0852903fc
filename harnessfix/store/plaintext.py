"""Strings of traces, made fit for a database column, and documents for a text column.

No text column of PostgreSQL holds a NUL, and no encoding holds a lone surrogate; both occur in traces. The documents
keep them (as JSON escapes); the columns that only serve to list and to filter do not.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from harnessfix_ir.document import Document, JsonValue
from harnessfix_ir.errors import StoreError

LONGEST = 300
LONGEST_ID = 200

D = TypeVar("D", bound=Document)


def column(text: str, longest: int = LONGEST) -> str:
    """`text` for a column that lists or filters: at most `longest` characters, no NUL, no lone surrogate."""
    if len(text) <= longest and text.isascii() and "\0" not in text:
        return text
    return text[:longest].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def ident(text: str) -> str:
    """`text` as an id. One that no column can hold is shortened and gets a digest, so that two stay two."""
    plain = column(text, LONGEST_ID)
    if plain == text and text:
        return text
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{plain[: LONGEST_ID - 17]}~{mark}"


def to_json(document: Document | Mapping[str, JsonValue]) -> str:
    """A document as JSON text, characters that no encoding holds as escapes."""
    if isinstance(document, Document):
        try:
            return document.model_dump_json()
        except PydanticSerializationError:
            return json.dumps(document.model_dump(mode="json"))
    return json.dumps(dict(document))


def from_json(kind: type[D], text: str) -> D:
    """The document that `to_json` wrote. Raises `StoreError` when the text is no such document."""
    try:
        return kind.model_validate_json(text)
    except ValidationError:
        pass
    try:
        return kind.model_validate(json.loads(text))  # pydantic's own parser refuses escaped lone surrogates
    except (ValidationError, ValueError) as error:
        raise StoreError(
            f"the store holds a {kind.__name__} that cannot be read", hint="Diagnose again: `harnessfix check`."
        ) from error
