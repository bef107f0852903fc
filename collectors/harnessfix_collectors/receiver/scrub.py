"""Secrets out of messages before they are stored: the shapes and values that the probe knows, too.

Every message is searched once for what a secret begins with (an Aho-Corasick automaton over its bytes). Only where what
follows looks like one are its texts looked at one by one.
"""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ahocorasick_rs import BytesAhoCorasick

from harnessfix_collectors.document import RUNTIME
from harnessfix_collectors.otlp.message_texts import change_texts

BEFORE, AFTER = 16, 256


class Scrubber:
    """Replaces secrets in messages. Not safe to share between threads.

    Args:
        enabled: whether to look for them at all.
        patterns: further regular expressions of what is secret; with any, every text is looked at.
        environment: variables whose names speak of secrets lend their values; this process's when None.
    """

    def __init__(
        self, *, enabled: bool = True, patterns: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self._enabled, self._always = enabled, bool(patterns)
        sys.path.insert(0, str(RUNTIME))
        try:
            from _harnessfix_probe.redact import RUN, SHAPES, Redactor
        finally:
            sys.path.remove(str(RUNTIME))
        self._redactor = Redactor(os.environ if environment is None else environment, patterns)
        # A message is often JSON in a text, where a value stands with JSON's escapes.
        escaped = [
            json.dumps(value, ensure_ascii=plain)[1:-1] for value in self._redactor.values for plain in (True, False)
        ]
        self._redactor.values = list(dict.fromkeys([*escaped, *self._redactor.values]))
        literals = [literal for literal, _ in SHAPES] + self._redactor.values
        self._automaton = BytesAhoCorasick([text.encode("utf-8", "surrogateescape") for text in literals])
        self._near = [_near(shape.replace(RUN, "")) for _, shape in SHAPES] + [None] * len(self._redactor.values)

    def suspects(self, data: bytes) -> bool:
        """Whether a serialised message may hold a secret."""
        if not self._enabled or self._always:
            return self._enabled
        for number, start, end in self._automaton.find_matches_as_indexes(data):
            near = self._near[number]
            if near is None or near.search(data, max(0, start - BEFORE), end + AFTER):
                return True
        return False

    def scrub(self, message: Any) -> int:
        """Replace the secrets in all texts of a message; returns how many there were."""
        before = self._redactor.count
        change_texts(message, self._redactor.scrub)
        return self._redactor.count - before


def _near(shape: str) -> "re.Pattern[bytes] | None":
    """A shape for the bytes around its literal; None for one that may be longer than what is looked at.

    The length of a text stands before it on the wire and may look like a letter, so a word may begin anywhere.
    """
    return None if "-----" in shape else re.compile(shape.replace(r"\b", "").encode("ascii"))
