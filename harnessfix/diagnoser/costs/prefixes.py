"""How much of each request begins as the one before it, which a provider's KV cache could reuse, and what broke it.

Providers reuse the longest common beginning of two requests, tools before messages; a change near the top costs the
whole request. Sizes are characters, which is what a recording has for certain; tokens are told where the provider did.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from harnessfix.rules._own import model_steps
from harnessfix.rules._query import added_messages, asking_anchors, quote
from harnessfix_ir.htir import Htir
from harnessfix_ir.prefix import common_prefix
from harnessfix_ir.steps import TraceStep

CHANGE = 16  # characters shown of what changed
LEAST = 4_000  # characters, about 1,000 tokens: below it no provider keeps anything


@dataclass(frozen=True)
class Request:
    """One request.

    Args:
        step: id; previous: the request before it in the same conversation, None for a first one.
        characters: of all its messages; reusable: of those, how many stand at its beginning as in the one before.
        input_tokens, cached_tokens: as the provider reported them.
        broken_at: what the first difference was, when the one before it is not the whole beginning; else empty.
        place: `path:line` of the code that asked.
    """

    step: str
    previous: str | None
    characters: int
    reusable: int
    input_tokens: int | None = None
    cached_tokens: int | None = None
    broken_at: str = ""
    place: str = ""

    @property
    def share(self) -> float:
        """Share of the request that could have been reused."""
        return self.reusable / self.characters if self.characters else 0.0


@dataclass(frozen=True)
class CacheUse:
    """All requests of a run.

    Args:
        run: id.
        requests: in order.
    """

    run: str
    requests: tuple[Request, ...]

    @property
    def characters(self) -> int:
        """Sent, over all requests."""
        return sum(request.characters for request in self.requests)

    @property
    def reusable(self) -> int:
        """Of those, how many could have been reused."""
        return sum(request.reusable for request in self.requests)

    @property
    def lost(self) -> int:
        """Characters sent again that could not be reused, for something before them had changed."""
        sizes = {request.step: request.characters for request in self.requests}
        broken = (request for request in self.requests if request.broken_at and request.previous is not None)
        return sum(max(0, min(sizes[r.previous or ""], r.characters) - r.reusable) for r in broken)

    @property
    def cached_share(self) -> float | None:
        """Share of the input tokens that the provider says it had kept; None when it did not say."""
        known = [r for r in self.requests if r.cached_tokens is not None and r.input_tokens]
        total = sum(request.input_tokens or 0 for request in known)
        return sum(request.cached_tokens or 0 for request in known) / total if total else None


def cache_use(run: Htir) -> CacheUse:
    """The requests of a run, each held against the one before it."""
    return CacheUse(run.run.id, tuple(_requests(run)))


def _requests(run: Htir) -> Iterator[Request]:
    sizes: dict[str, int] = {}
    for step, before, _ in added_messages(run):
        characters = sum(_size(run, part.text, sizes) for part in step.input)
        reusable, broken = (0, "") if before is None else _reusable(run, step, before, sizes)
        usage = next((inner.usage for inner in reversed(model_steps(run, step)) if inner.usage is not None), None)
        anchors = asking_anchors(run, step)
        yield Request(
            step=step.id,
            previous=before.id if before is not None else None,
            characters=characters,
            reusable=reusable,
            input_tokens=usage.input_tokens if usage is not None else None,
            cached_tokens=usage.cached_tokens if usage is not None else None,
            broken_at=broken,
            place=anchors[0].place if anchors else "",
        )


def _size(run: Htir, text: str, sizes: dict[str, int]) -> int:
    if text not in sizes:
        sizes[text] = len(run.texts.get(text, ""))
    return sizes[text]


def _reusable(run: Htir, step: TraceStep, before: TraceStep, sizes: dict[str, int]) -> tuple[int, str]:
    if _tools(step) != _tools(before):
        return 0, "the tools, which stand before all messages"
    same = common_prefix(step.input, before.input)
    reusable = sum(_size(run, part.text, sizes) for part in step.input[:same])
    if same == len(before.input):
        return reusable, ""
    if same == len(step.input):
        return reusable, "" if len(step.input) < len(before.input) else "the last message"
    now, was = run.text(step.input[same]), run.text(before.input[same])
    at = next((n for n, (one, two) in enumerate(zip(now, was)) if one != two), min(len(now), len(was)))
    earlier, later = (quote(text[at : at + CHANGE], CHANGE + 3) for text in (was, now))
    words = f"message {same} ({step.input[same].role}) at {at:,}: {earlier!r} became {later!r}"
    return reusable + at, words


def _tools(step: TraceStep) -> object:
    arguments = step.attributes.get("arguments")
    return arguments.get("tools") if isinstance(arguments, dict) else None
