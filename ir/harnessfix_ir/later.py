"""Documents of a later minor version: words that it added to the vocabulary are read as what comes nearest.

A link or an anchor of a kind that is not known here is left out, a step of such a kind is read as one of the harness's
own (`lifecycle`); the document says so. Anything else that does not fit is wrong in every version.
"""

from typing import Any

from pydantic import ValidationError

from .document import Document
from .vocabulary import Status, StepKind

_NEAREST = {"kind": StepKind.LIFECYCLE.value, "status": Status.OK.value}
_LISTS = ("anchors", "links")


def understood(kind: type[Document], data: dict[str, Any]) -> dict[str, Any]:
    """The document with what a later version added to the vocabulary replaced or left out, and named in `incomplete`.

    Args:
        kind: of the document.
        data: as it was read; it is changed.
    """
    try:
        kind.model_validate(data)
    except ValidationError as error:
        left_out: dict[str, int] = {}
        drop: dict[int, tuple[list[Any], set[int]]] = {}
        for problem in error.errors(include_url=False, include_context=False):
            if problem["type"] == "enum":
                what = _put_right(data, problem["loc"], drop)
                if what:
                    words = f"a later version's {what} {problem['input']!s:.40}"
                    left_out[words] = left_out.get(words, 0) + 1
        for entries, places in drop.values():
            entries[:] = [entry for at, entry in enumerate(entries) if at not in places]
        told = [f"{words}, {count} times" if count > 1 else words for words, count in left_out.items()]
        data["incomplete"] = [*data.get("incomplete", ()), *told]
    return data


def _put_right(data: dict[str, Any], place: tuple[int | str, ...], drop: dict[int, tuple[list[Any], set[int]]]) -> str:
    """Replace the value at a place, or note which entry of a list to leave out; what it was, empty when neither."""
    value: Any = data
    inside: list[tuple[Any, int | str]] = []
    for key in place:
        inside.append((value, key))
        value = value[key]
    for (outer, key), name in zip(inside[1:], place):
        if name in _LISTS and isinstance(key, int):
            drop.setdefault(id(outer), (outer, set()))[1].add(key)
            return f"{str(name).removesuffix('s')} {place[-1]}"
    if place[0] == "steps" and len(place) == 3 and place[2] in _NEAREST:
        inside[-1][0][place[2]] = _NEAREST[str(place[2])]
        return f"step {place[2]}"
    return ""
