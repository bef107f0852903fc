"""Texts of another nature than `texts.py` makes: found ones, cut from what every Python brings along.

Source code and documentation of the standard library, differences between versions of it, configuration, tables,
tracebacks, this project's Markdown, and scripts that `texts.py` does not write. Nothing was tuned on these: they repeat
themselves as real texts do, with licence headers, import blocks and tables whose lines are nearly the same.
"""

import csv
import difflib
import io
import json
import keyword
import pydoc_data.topics
import random
import re
import sys
import sysconfig
import traceback
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

from benchmarks.texts import Writer

PROJECT = Path(__file__).resolve().parents[1]
GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
HEBREW = "אבגדהוזחטיכלמנסעפצקרשת"
HANGUL = [chr(0xAC00 + 37 * n) for n in range(280)]
KANA = [chr(code) for code in (*range(0x3042, 0x3094), *range(0x30A2, 0x30F4))]
THAI = [chr(code) for code in range(0x0E01, 0x0E2F)]


@cache
def _sources() -> tuple[str, ...]:
    """Modules of the standard library."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    found = (path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.py")))
    return tuple(text for text in found if len(text) > 4000)


@cache
def _sentences() -> tuple[str, ...]:
    """Sentences of the language reference."""
    text = " ".join(" ".join(str(topic).split()) for topic in pydoc_data.topics.topics.values())
    found = (s.strip() + " " for s in re.split(r"(?<=[.:]) (?=[A-Z])", text) if 30 < len(s) < 400)
    return tuple(dict.fromkeys(found))


@cache
def _markdown() -> tuple[str, ...]:
    return tuple(
        path.read_text(encoding="utf-8") for path in sorted(PROJECT.glob("*/**/*.md")) if ".venv" not in path.parts
    )


class FoundWriter(Writer):
    """Writes by cutting from found texts, no stretch twice.

    Args:
        seed: of where to cut.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.random = random.Random(seed * 31 + 7)
        self.words = sorted({w for s in _sentences() for w in re.findall(r"[a-z]{3,}", s)} | set(keyword.kwlist))
        self._left = self.random.sample(_sentences(), len(_sentences()))
        self._taken: dict[str, set[int]] = {}
        self.kinds: dict[str, Callable[[int], str]] = {
            "python": lambda size: self._cut("python", _sources(), size),
            "markdown": lambda size: self._cut("markdown", _markdown(), size),
            "prose": self.prose,
            "diff": self.diff,
            "json": self.record,
            "csv": self.table,
            "grid": self.grid,
            "environment": self.environment,
            "traceback": self.traceback,
            "html": self.html,
            "greek": lambda size: self._spaced(GREEK, size),
            "hebrew": lambda size: self._spaced(HEBREW, size),
            "korean": lambda size: self._spaced("".join(HANGUL), size),
            "japanese": lambda size: self._unspaced(KANA, "。", size),
            "thai": lambda size: self._unspaced(THAI, " ", size),
        }

    def prose(self, size: int) -> str:
        """Sentences of a reference manual."""
        return self._grown(size, lambda: self._left.pop() if self._left else self.phrase(9) + ". ", 4)

    def record(self, size: int) -> str:
        """A JSON document of unlike values, nested."""
        names = [
            name for name in dir(sys) + dir(unicodedata) + sorted(sys.stdlib_module_names) if not name.startswith("_")
        ]
        items: list[object] = []
        length = 0
        while length < size:
            row = {
                "module": self.random.choice(names),
                "at": {"line": self.random.randrange(5000), "column": self.random.randrange(80)},
                "doc": (self._left.pop() if self._left else self.phrase(8)).strip(),
                "score": round(self.random.random(), 6),
                "flags": [self.random.random() < 0.5, None, self.name()],
            }
            items.append(row)
            length += len(json.dumps(row))
        return json.dumps({"version": 3, "items": items})

    def table(self, size: int) -> str:
        """Comma-separated values: Unicode characters with their properties."""
        out = io.StringIO()
        rows = csv.writer(out)
        rows.writerow(("code", "name", "category", "note"))
        while out.tell() < size:
            rows.writerow(self._character())
        return out.getvalue()

    def grid(self, size: int) -> str:
        """The same as a table with borders."""
        rule = "+" + "+".join("-" * width for width in (8, 44, 6, 26)) + "+\n"
        return self._grown(size, lambda: "|{:8}|{:44.44}|{:6}|{:26.26}|\n".format(*self._character()) + rule, 0)

    def environment(self, size: int) -> str:
        """Settings, a name and a value on each line."""
        found = [f"{key}={value}" for key, value in sysconfig.get_config_vars().items() if value]
        return self._grown(size, lambda: f"{self.random.choice(found)} # {self.name()}\n", 0)

    def diff(self, size: int) -> str:
        """A unified diff of a stretch of source and a changed one."""
        before = self._cut("python", _sources(), max(size, 200)).splitlines(keepends=True)
        after = [line for line in before if self.random.random() > 0.08]
        for _ in range(3):
            after.insert(self.random.randrange(len(after) + 1), f"    # {self.phrase(5)}\n")
        return "".join(difflib.unified_diff(before, after, "a/module.py", "b/module.py"))

    def traceback(self, size: int) -> str:
        """Tracebacks of failures inside the standard library."""
        return self._grown(size, self._failure, 0)

    def html(self, size: int) -> str:
        """Marked-up paragraphs."""
        return "<html><body>\n" + self._grown(
            size, lambda: f'<p class="{self.name()}">{self.prose(90).strip()}</p>\n', 0
        )

    def _failure(self) -> str:
        wrong = self.random.choice(('{"a": %s', "[1, 2, %s", '{"%s": tru}', "%s"))
        try:
            json.loads(wrong % self.name())
        except ValueError:
            return f"call {self.name()}\n{traceback.format_exc()}"
        return ""

    def _character(self) -> tuple[str, str, str, str]:
        while True:
            code = self.random.randrange(sys.maxunicode)
            name = unicodedata.name(chr(code), "")
            if name:
                return f"U+{code:04X}", name, unicodedata.category(chr(code)), self.phrase(2)

    def _unspaced(self, letters: list[str], stop: str, size: int) -> str:
        return self._grown(size, lambda: "".join(self.random.choices(letters, k=self.random.randint(9, 30))) + stop, 5)

    def _cut(self, kind: str, texts: tuple[str, ...], size: int) -> str:
        """Whole lines from somewhere in the texts; places that were used are left alone while others are free."""
        taken = self._taken.setdefault(kind, set())
        free = [n for n in range(len(texts)) if n not in taken] or list(range(len(texts)))
        number = self.random.choice(free)
        taken.add(number)
        text = texts[number]
        start = text.find("\n", self.random.randrange(max(len(text) - 2 * size, 1))) + 1
        end = text.find("\n", start + size)
        return text[start:end] if end > 0 else text[start:]
