"""HTIR as a file: JSON that people can read and `diff` can compare, and that loses nothing.

One step is one block and one link one line; the texts stand at the end under their digests. Agents resend their
history, so an input that begins as an earlier step's input did names that step and holds the rest only
(`input_from`); the file grows with what is new, not with its square. Fields with their default are left out, keys
whose order means nothing are sorted, unknown fields are kept.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from .document import Document
from .errors import BadDocumentError
from .htir import SCHEMA, Htir
from .integrity import check_integrity
from .later import understood
from .prefix import common_prefix
from .steps import Part, TraceStep
from .vocabulary import StepKind

D = TypeVar("D", bound=Document)

INPUT_FROM = "input_from"
LOOK_BACK = 4
_LISTED = frozenset(("steps", "links", "texts"))
_LONE = re.compile("[\ud800-\udfff]")
_SPLIT_PAIR = re.compile("([\ud800-\udbff]\uffff*)(?=[\udc00-\udfff])")
_JOINED_PAIR = re.compile("([\ud800-\udbff]\uffff*)\uffff(?=[\udc00-\udfff])")


def dump_htir(htir: Htir) -> str:
    """The document as JSON text, which any encoding can hold (lone surrogates are escaped)."""
    head = {"schema_version": SCHEMA, **_plain(htir.model_copy(update={"steps": (), "links": (), "texts": {}}))}
    lines = ["{"]
    lines += [f"  {_line(name)}: {_block(value, 2)}," for name, value in head.items() if name not in _LISTED]
    lines += [f"  {_line('steps')}: {_listed(_block(step, 4) for step in _steps(htir.steps))},"]
    lines += [f"  {_line('links')}: {_listed(_line(_plain(link)) for link in htir.links)},"]
    texts = sorted(htir.texts.items())
    lines += [f"  {_line('texts')}: {_listed((f'{_line(key)}: {_line(text)}' for key, text in texts), '{}')}"]
    return _escaped("\n".join([*lines, "}"]) + "\n")


def load_htir(text: str) -> Htir:
    """The document in a JSON text.

    One of a later minor version (`/1.2`) is read as far as it is understood, and says what is not.

    Raises:
        BadDocumentError: it is not HTIR, was written by a later major version, or cites what it does not hold.
    """
    data = _parsed(text)
    version = data.get("schema_version", SCHEMA)
    name, _, number = str(version).partition("/")
    if name != SCHEMA.partition("/")[0]:
        raise BadDocumentError(f"this is {version!r:.60}, not an HTIR document", hint="Give a file made by harnessfix.")
    if number.partition(".")[0] != SCHEMA.partition("/")[2]:
        raise BadDocumentError(
            f"HTIR version {number:.20} is not known here", hint="Upgrade harnessfix to the version that wrote it."
        )
    _expand_inputs(data)
    if "." in number:
        data = understood(Htir, data)
    htir = _validated(Htir, data)
    check_integrity(htir)
    return htir


def json_schema() -> dict[str, Any]:
    """JSON Schema of what `dump_htir` writes."""
    schema = document_schema(Htir)
    schema["$id"] = SCHEMA
    step = schema["$defs"]["TraceStep"]["properties"]
    step[INPUT_FROM] = {
        "type": "object",
        "description": "The input begins with that many parts of the input of an earlier step; `input` holds the rest.",
        "properties": {"step": {"type": "string"}, "parts": {"type": "integer", "minimum": 1}},
        "required": ["step", "parts"],
    }
    return schema


def dump_document(document: Document) -> str:
    """Any other document (a diagnosis, a repair specification) as indented JSON with sorted keys."""
    return _escaped(json.dumps(document.model_dump(), indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def load_document(kind: type[D], text: str) -> D:
    """A document of that kind from JSON text. Raises `BadDocumentError`."""
    return _validated(kind, _parsed(text))


def document_schema(kind: type[Document]) -> dict[str, Any]:
    """JSON Schema of a kind of document."""
    schema: dict[str, Any] = kind.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _plain(document: Document) -> dict[str, Any]:
    plain: dict[str, Any] = _tidy(document.model_dump(exclude_defaults=True))
    return plain


def _steps(steps: tuple[TraceStep, ...]) -> Iterator[dict[str, Any]]:
    """Steps as plain values, their inputs without what an earlier input begins with."""
    recent: list[TraceStep] = []
    for step in steps:
        if step.kind is not StepKind.MODEL_CALL or len(step.input) < 2:
            yield _plain(step)
            continue
        shared, before = max(
            ((common_prefix(other.input, step.input), other) for other in recent),
            key=lambda pair: pair[0],
            default=(0, step),
        )
        if shared < 2:
            yield _plain(step)
        else:
            plain = _plain(step.model_copy(update={"input": step.input[shared:]}))
            plain[INPUT_FROM] = {"step": before.id, "parts": shared}
            yield plain
        recent = [step, *recent[: LOOK_BACK - 1]]


def _expand_inputs(data: dict[str, Any]) -> None:
    """Put back the parts that `input_from` stands for; parts become shared objects."""
    steps = data.get("steps")
    inputs: dict[str, list[Any]] = {}
    for step in steps if isinstance(steps, list) else ():
        if not isinstance(step, dict):
            continue
        own = step.get("input", [])
        own = [_part(part) for part in own] if isinstance(own, list) else own
        origin = step.pop(INPUT_FROM, None)
        if origin is not None:
            own = [*_begun(origin, inputs, step.get("id")), *own]
        if own:
            step["input"] = own
        if isinstance(own, list):
            inputs[str(step.get("id"))] = own


def _begun(origin: object, inputs: Mapping[str, list[Any]], step: object) -> list[Any]:
    if isinstance(origin, dict):
        parts, count = inputs.get(str(origin.get("step"))), origin.get("parts")
        if parts is not None and isinstance(count, int) and 0 <= count <= len(parts):
            return parts[:count]
    raise BadDocumentError(f"step {step!s:.40} begins as a step that is not before it, or is shorter: {origin!s:.80}")


def _part(value: object) -> object:
    return _validated(Part, value) if isinstance(value, dict) else value


def _parsed(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadDocumentError(f"this is not JSON: {error!s:.120}", hint="Give a file made by harnessfix.") from error
    if not isinstance(data, dict):
        raise BadDocumentError("this is JSON, but not an object", hint="Give a file made by harnessfix.")
    if "\uffff" in text or "\\uffff" in text:
        data = _with_pairs_apart(data)
    found: dict[str, Any] = data
    return found


def _validated(kind: type[D], data: object) -> D:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(item) for item in first["loc"])
        message = (
            f"{kind.__name__} has {error.error_count()} errors; the first is at {place or 'its top'}: {first['msg']}"
        )
        raise BadDocumentError(message, hint="Give a file made by harnessfix.") from error


_line = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` makes an encoder for each value


def _block(value: object, indent: int) -> str:
    """An object with a line for each field, and for each entry of a field that lists objects; others on one line."""
    if not isinstance(value, dict) or not value:
        return _line(value)
    space = " " * (indent + 2)
    fields = []
    for name, item in value.items():
        if isinstance(item, list) and item and isinstance(item[0], dict):
            entries = ",\n".join(f"{space}  {_line(entry)}" for entry in item)
            fields.append(f"{space}{_line(name)}: [\n{entries}\n{space}]")
        else:
            fields.append(f"{space}{_line(name)}: {_line(item)}")
    return "{\n" + ",\n".join(fields) + "\n" + space[:-2] + "}"


def _tidy(value: Any, loose: bool = False) -> Any:
    """The value with attributes, and all below them, in order of name; fields of documents keep theirs."""
    if isinstance(value, list | tuple):
        return [_tidy(item, loose) for item in value]
    if isinstance(value, dict):
        items = sorted(value.items()) if loose else value.items()
        return {name: _tidy(item, loose or name == "attributes") for name, item in items}
    return value


def _listed(entries: Iterator[str], brackets: str = "[]") -> str:
    lines = ",\n".join(f"    {entry}" for entry in entries)
    return f"{brackets[0]}\n{lines}\n  {brackets[1]}" if lines else brackets


def _escaped(text: str) -> str:
    """JSON text without lone surrogates: each is written as an escape.

    A high one before a low one would be read back as one character; U+FFFF, a code point that means nothing, is put
    between them, and one is taken out again when the text is read.
    """
    if not _LONE.search(text):
        return text
    text = _SPLIT_PAIR.sub("\\1\uffff", text)
    return _LONE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _with_pairs_apart(value: Any) -> Any:
    """The value with the separators of `_escaped` taken out of all strings; nesting is bounded by the parser."""
    if isinstance(value, str):
        return _JOINED_PAIR.sub("\\1", value)
    if isinstance(value, list):
        return [_with_pairs_apart(item) for item in value]
    if isinstance(value, dict):
        return {_with_pairs_apart(key): _with_pairs_apart(item) for key, item in value.items()}
    return value
