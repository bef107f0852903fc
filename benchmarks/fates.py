"""What can become of a tool's output on its way into the next request."""

import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.texts import Writer
from harnessfix_ir.vocabulary import LinkKind

MARKS = ("", "\n[output truncated]\n", "\n... {n} characters omitted ...\n", "\n<snip: {n} bytes>\n", " …\n")
REPLIES = ("Done.", "The tool returned an error.", "(no output)", "ok")
Ranges = list[tuple[int, int]]


@dataclass(frozen=True)
class Fate:
    """A way to change an output.

    Args:
        kind: the relation that results; None where nothing is scored.
        change: from the writer and the output to what is sent and, for cuts, the ranges kept.
    """

    kind: LinkKind | None
    change: Callable[[Writer, str], tuple[str, Ranges]]


def _plain(change: Callable[[Writer, str], str]) -> Callable[[Writer, str], tuple[str, Ranges]]:
    return lambda writer, text: (change(writer, text), [])


def _mark(writer: Writer, lost: int) -> str:
    return writer.random.choice(MARKS).replace("{n}", str(lost))


def _share(writer: Writer, text: str, most: float) -> int:
    """How many characters to keep: some share, or a fixed small number of a long text."""
    if len(text) > 4000 and writer.random.random() < 0.4:
        return writer.random.randint(300, 900)
    return int(len(text) * writer.random.uniform(0.15, most))


def _cut_tail(writer: Writer, text: str) -> tuple[str, Ranges]:
    keep = _share(writer, text, 0.85)
    return text[:keep] + _mark(writer, len(text) - keep), [(0, keep)]


def _cut_head(writer: Writer, text: str) -> tuple[str, Ranges]:
    keep = _share(writer, text, 0.85)
    return _mark(writer, len(text) - keep) + text[-keep:], [(len(text) - keep, len(text))]


def _cut_middle(writer: Writer, text: str) -> tuple[str, Ranges]:
    keep = _share(writer, text, 0.42)
    middle = _mark(writer, len(text) - 2 * keep)
    return text[:keep] + middle + text[-keep:], [(0, keep), (len(text) - keep, len(text))]


def _escape(writer: Writer, text: str) -> str:
    return json.dumps({"output": text, "status": 0}, ensure_ascii=writer.random.random() < 0.5)


def _number(_: Writer, text: str) -> str:
    return "\n".join(f"{n:>5}\t{line}" for n, line in enumerate(text.splitlines(), 1))


def _cut_numbered(writer: Writer, text: str) -> tuple[str, Ranges]:
    shown, ranges = _cut_tail(writer, text)
    return _number(writer, shown), ranges


def _wrap(writer: Writer, text: str) -> str:
    return textwrap.fill(text, writer.random.choice((60, 80, 100)), break_long_words=False)


def _reserialise(writer: Writer, text: str) -> str:
    return json.dumps(json.loads(text), indent=2, sort_keys=writer.random.random() < 0.5)


FATES = {
    "copy": Fate(LinkKind.COPIED, _plain(lambda _, text: text)),
    "cut tail": Fate(LinkKind.TRUNCATED, _cut_tail),
    "cut head": Fate(LinkKind.TRUNCATED, _cut_head),
    "cut middle": Fate(LinkKind.TRUNCATED, _cut_middle),
    "cut and number": Fate(LinkKind.TRUNCATED, _cut_numbered),
    "wrap": Fate(LinkKind.TRANSFORMED, _plain(_wrap)),
    "quote": Fate(LinkKind.TRANSFORMED, _plain(lambda _, text: "\n".join("> " + line for line in text.splitlines()))),
    "indent": Fate(LinkKind.TRANSFORMED, _plain(lambda _, text: textwrap.indent(text, "        "))),
    "number": Fate(LinkKind.TRANSFORMED, _plain(_number)),
    "escape": Fate(LinkKind.TRANSFORMED, _plain(_escape)),
    "reserialise": Fate(LinkKind.TRANSFORMED, _plain(_reserialise)),
    "paraphrase": Fate(None, _plain(lambda writer, text: writer.prose(max(len(text) // 8, 60)))),
    "lose": Fate(LinkKind.OMITTED, _plain(lambda writer, _: writer.random.choice(REPLIES))),
}
