"""Placeholders of a Jinja template: where they stand, whether they are bounded, and how one is bounded.

A template is scanned and parsed, never rendered.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harnessfix_repairs.operators.base import Refusal

DEFAULT_LIMIT = 10_000
_TAG = re.compile(
    r"\{#.*?#\}|\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}"
    r"|\{\{(?P<left>[-+]?)(?P<shown>.*?)(?P<right>[-+]?)\}\}|\{%[-+]?(?P<statement>.*?)[-+]?%\}",
    re.DOTALL,
)
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.\w+|\[\s*(?:'[^'\\]*'|\"[^\"\\]*\"|\d+)\s*\])*")
_HEAD, _TAIL = re.compile(r"\[\s*:\s*(\d+)\s*\]"), re.compile(r"\[\s*-\s*(\d+)\s*:\s*\]")
_LENGTH = re.compile(r"length\s*(?:\)\s*)?[<>]=?\s*(\d+)")


@dataclass(frozen=True)
class Placeholder:
    """One `{{ … }}`.

    Args:
        start, end: characters of the text, braces included.
        source: what is shown, filters included.
        left, right: white-space marks (`-`, `+` or empty).
        bounded: whether it is cut, or stands behind a test of its length.
    """

    start: int
    end: int
    source: str
    left: str
    right: str
    bounded: bool

    @property
    def path(self) -> str:
        """The name or attribute chain that is shown, without filters; empty for anything else."""
        match = _PATH.match(self.source)
        rest = self.source[match.end() :].strip() if match else "?"
        return match.group() if match and (not rest or rest.startswith("|")) else ""


@dataclass(frozen=True)
class Bound:
    """How much of a text is kept, in characters."""

    limit: int
    head: int
    tail: int

    @classmethod
    def of(cls, limit: int) -> "Bound":
        """Half of the limit for the head, half for the tail."""
        return cls(limit, (limit + 1) // 2, limit // 2)


def placeholders(text: str) -> list[Placeholder]:
    """All placeholders of a template in order."""
    return list(_scan(text))


def _scan(text: str) -> Iterator[Placeholder]:
    tests: list[str] = []
    for tag in _TAG.finditer(text):
        statement, shown = tag["statement"], tag["shown"]
        if statement is not None:
            word, _, test = statement.strip().partition(" ")
            if word == "if":
                tests.append(test)
            elif word == "elif" and tests:
                tests[-1] += " " + test
            elif word == "endif" and tests:
                tests.pop()
        elif shown is not None:
            source = shown.strip()
            found = Placeholder(tag.start(), tag.end(), source, tag["left"], tag["right"], False)
            cut = bool(re.search(r"\[[^\]]*:[^\]]*\]|\|\s*(truncate|length|count|tojson\s*\|\s*length)\b", source))
            guarded = any("length" in test and found.path and found.path in test for test in tests)
            yield Placeholder(tag.start(), tag.end(), source, tag["left"], tag["right"], cut or guarded)


def bound_in(text: str) -> Bound | None:
    """The bound that a template puts on something it shows, None when it puts none."""
    head, tail, length = _HEAD.search(text), _TAIL.search(text), _LENGTH.search(text)
    if not head and not tail:
        return None
    first, last = (int(match.group(1)) if match else 0 for match in (head, tail))
    limit = int(length.group(1)) if length else first + last
    return Bound(limit, first, last) if 0 < first + last <= limit else Bound.of(first + last)


def bounded(placeholder: Placeholder, bound: Bound, newline: str) -> str:
    """Source that shows the same value, its middle left out and counted when it is longer than the bound.

    Args:
        placeholder: what is to be bounded.
        bound: how much is kept.
        newline: how a line end is spelt where the template stands, a blank where it cannot be.
    """
    path = placeholder.path
    if not path:
        raise Refusal(f"the placeholder {placeholder.source[:40]!r} is more than a name")
    # `| string` because a value that is no text may have no length.
    text = f"{path} | string"
    filters = placeholder.source[len(path) :].strip()
    whole = f"{{{{ {path}{' ' + filters if filters else ''} }}}}"
    cut = f"{text} | length - {bound.head + bound.tail}"
    parts = [
        f"{{%{placeholder.left} if {text} | length <= {bound.limit} %}}{whole}{{% else %}}",
        f"{{{{ ({text})[:{bound.head}] }}}}{newline}" if bound.head else "",
        f"[{{{{ {cut} }}}} characters cut]",
        f"{newline}{{{{ ({text})[-{bound.tail}:] }}}}" if bound.tail else "",
        f"{{% endif {placeholder.right}%}}",
    ]
    return "".join(parts)


def refuse_broken(text: str, where: str) -> None:
    """Raises `Refusal` unless the template parses."""
    import jinja2

    try:
        jinja2.Environment(autoescape=True, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(text)
    except (jinja2.TemplateSyntaxError, RecursionError) as error:
        raise Refusal(f"{where} is not a Jinja template that parses: {error}") from error
