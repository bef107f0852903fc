"""Which fields of a request a provider complained of, and which functions of the harness speak of them.

Providers quote the field (``'stop' is not supported``), give its place (`messages.1.content.0.type: Expected …`, a
`loc` as FastAPI words it), or name it in `param`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import log
from typing import NamedTuple

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.names import words_in
from harnessfix_ir.steps import ErrorInfo
from harnessfix_ir.vocabulary import ElementRole

from ._errors import chain, short_type
from ._refusals import LONGEST, status_of
from ._visited import names_that_ran

FEW = 3
WRONG_REQUEST = frozenset({"400", "422"})
# Clients that word no status say it by the type.
_WRONG_TYPES = frozenset({"BadRequestError", "InvalidRequestError", "UnprocessableEntityError", "ValidationException"})
# Addresses, and types of exceptions: names of neither are fields.
_BESIDE = re.compile(r"\b\w+://\S+|(?<![\w.])[\w.]*(?:Error|Exception)\b")
_QUOTED = r"(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")"
_TEXT = re.compile(rf"['\"](?:message|msg|detail)['\"]\s*:\s*{_QUOTED}")
_GIVEN = re.compile(r"['\"](?:param|loc)['\"]\s*:\s*([\[(][^\])]*|['\"][\w.\[\]-]+['\"])")
_STATUS_LINE = re.compile(r"\b4\d\d\b\W*")
_PLACES = (
    re.compile(r"^\s*([\w.\[\]-]+):\s"),  # `container: Input should be …`
    re.compile(r"[`'\"]([\w.\[\]-]+)[`'\"]"),
    re.compile(r":\s*([a-z]\w*)\.?\s*$"),  # `Argument not supported on this model: stop`
    re.compile(r"\b(\w+(?:\[\w*\])?(?:\.\w+(?:\[\w*\])?)+)"),  # `tools[0].function.strict`
    re.compile(r"\b([a-z]+_\w+|[a-z]+[A-Z]\w*)\b"),
)
_NAME = re.compile(r"[A-Za-z_]\w+")
# What an error's body is made of, and what every request has.
_OF_ERRORS = frozenset({"body", "code", "detail", "error", "loc", "message", "messages", "msg", "param", "type"})


class Refused(NamedTuple):
    """A request that a provider called wrong.

    Args:
        words: in which it says so, without what the client made of them where that is known.
        fields: names that it gives, in order.
    """

    words: str
    fields: Sequence[str]


class Speaker(NamedTuple):
    """A function of the harness that speaks of some fields.

    Args:
        function: it.
        fields: of which it speaks, the rarest first.
        weight: how rare these are together.
    """

    function: Element
    fields: Sequence[str]
    weight: float


def refused_fields(error: ErrorInfo | None) -> Refused | None:
    """The innermost error of a chain by which a provider called the request wrong, with the fields that it names.

    Args:
        error: of any step.

    Returns:
        None where no error of the chain has such a status, or it names nothing.
    """
    messages = [link.message[:LONGEST] for link in chain(error) if _is_wrong_request(link)]
    if not messages:
        return None
    texts = _texts(messages[-1])
    places = [*(place for text in texts for place in _places(text)), *_GIVEN.findall(messages[-1])]
    fields = list(dict.fromkeys(name for place in places for name in _names(place)))
    return Refused(" ".join(texts), fields) if fields else None


class Speakers:
    """The functions that ran and speak of some fields, in lines that ran or by their own names; the likeliest first.

    Args:
        run: any.
        model: its harness.
        fields: names of them.
        share: of all functions in the files that the run reached; a field that more of them speak of, and more than a
            few, tells nothing.
    """

    def __init__(self, run: Htir, model: HarnessModel, fields: Sequence[str], share: float) -> None:
        self._fields = {field: words_in(field) for field in fields}
        self._all, self._said, self._named = 0, Counter[str](), Counter[str]()
        ran: list[tuple[Element, list[str], list[str]]] = []
        for path in run.reached:
            marks = run.reached[path].without_imports()
            for function in model.in_file(path):
                if function.role is not ElementRole.FUNCTION:
                    continue
                said, named = self._in(function), self._by_name(function)
                self._all += 1
                self._said.update(said)
                self._named.update(named)
                if marks.entered(function.anchor.start_line, function.anchor.end_line) and (said or named):
                    here = names_that_ran(function.value("names"), self._fields.keys(), marks)
                    ran.append((function, [field for field in said if field in here], named))
        self._most = max(FEW, share * self._all)
        found = (self._speaker(*each) for each in ran)
        self._ranked = sorted((one for one in found if one.weight), key=lambda one: (-one.weight, one.function.id))

    def __iter__(self) -> Iterator[Speaker]:
        return iter(self._ranked)

    def _in(self, function: Element) -> list[str]:
        names = function.value("names")
        return [field for field in self._fields if field in names] if isinstance(names, dict) else []

    def _by_name(self, function: Element) -> list[str]:
        own = words_in(function.anchor.qualname.rpartition(".")[2])
        return [field for field, words in self._fields.items() if words and words <= own]

    def _speaker(self, function: Element, said: Sequence[str], named: Sequence[str]) -> Speaker:
        weights: dict[str, float] = {}
        for counts, fields in ((self._said, said), (self._named, named)):
            for field in fields:
                if counts[field] <= self._most:
                    weights[field] = weights.get(field, 0.0) + log((self._all + 1) / counts[field])
        rarest = sorted(weights, key=lambda field: (-weights[field], field))
        return Speaker(function, rarest, sum(weights.values()))


def _is_wrong_request(error: ErrorInfo) -> bool:
    status = status_of(error)
    return status in WRONG_REQUEST or (not status and short_type(error) in _WRONG_TYPES)


def _texts(message: str) -> list[str]:
    """What the body says, in a message into which the client wrote it."""
    texts = [single or double for single, double in _TEXT.findall(message)]
    return [text.replace("\\", "") for text in texts or [_STATUS_LINE.split(message, maxsplit=1)[-1]]]


def _places(text: str) -> Iterator[str]:
    plain = _BESIDE.sub(" ", text)
    for pattern in _PLACES:
        yield from pattern.findall(plain)


def _names(place: str) -> Iterator[str]:
    """The names in a place such as `tools[0].function`; neither constants nor words of errors."""
    for name in _NAME.findall(place):
        if name not in _OF_ERRORS and not name.isupper() and not name.endswith("_error"):
            yield name
