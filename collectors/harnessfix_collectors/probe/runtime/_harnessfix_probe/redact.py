"""Secrets are replaced before anything is written: known shapes, and values of variables that are named like secrets.

`re` is loaded only once a text holds what a shape begins with.
"""

from __future__ import annotations

import os

NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL")
SHORTEST = 8
RUN = r"(?<![A-Za-z0-9_-])"  # a row of such characters begins
# What a text must hold, and the pattern that then is searched for: in time that grows with the text and no faster,
# whatever it holds. So one that goes on over a row of characters before it can fail begins only where the row does, and
# a row of dashes ends what is between two of them.
SHAPES = (
    ("sk-", r"\bsk-[A-Za-z0-9_-]{16,}"),
    ("ghp_", r"\bghp_[A-Za-z0-9]{30,}"),
    ("gho_", r"\bgho_[A-Za-z0-9]{30,}"),
    ("ghu_", r"\bghu_[A-Za-z0-9]{30,}"),
    ("ghs_", r"\bghs_[A-Za-z0-9]{30,}"),
    ("ghr_", r"\bghr_[A-Za-z0-9]{30,}"),
    ("github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{40,}"),
    ("AKIA", r"\bAKIA[0-9A-Z]{16}\b"),
    ("xox", r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    ("AIza", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("hf_", r"\bhf_[A-Za-z0-9]{30,}"),
    ("gsk_", r"\bgsk_[A-Za-z0-9]{30,}"),
    ("glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("lsv2_", r"\blsv2_[a-z]{2}_[A-Za-z0-9_]{30,}"),
    ("sk_live_", r"\bsk_live_[A-Za-z0-9]{16,}"),
    (
        "eyJ",
        RUN + r"(?=[A-Za-z0-9_-]+\.eyJ)[A-Za-z0-9_-]*?\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{4,}"
        r"(?:\.[A-Za-z0-9_-]*)?",
    ),
    # A name and its password in an address; not the places for them in a template.
    ("://", r"(?<=://)[^\s/:@\"'<>{}$\\]{0,64}:[^\s/:@\"'<>{}$\\]{3,128}(?=@)"),
    ("earer ", r"(?<=[Bb]earer )[A-Za-z0-9._~+/-]{16,}=*"),
    (
        "PRIVATE KEY",
        r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*(?:-(?!----)[^-]*)*-----END [A-Z ]{0,20}PRIVATE KEY-----",
    ),
)
MARK = "<redacted>"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Redactor:
    """Replaces secrets in texts and counts them.

    Args:
        environment: variables whose names speak of secrets lend their values; this process's when None.
        patterns: further regular expressions of what is secret.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, patterns: Iterable[str] = ()) -> None:
        # An empty literal is in every text: a pattern of the user's is tried on all of them.
        self.shapes = (*SHAPES, *(("", pattern) for pattern in patterns))
        environment = os.environ if environment is None else environment
        found = {value for name, value in environment.items() if _is_secret(name, value)}
        self.values = sorted(found, key=len, reverse=True)
        self.count = 0

    def scrub(self, text: str) -> str:
        """`text` without the secrets it holds."""
        for value in self.values:
            if value in text:
                self.count += text.count(value)
                text = text.replace(value, MARK)
        for literal, shape in self.shapes:
            if literal in text:
                import re

                text, number = re.subn(shape, MARK, text)
                self.count += number
        return text


def _is_secret(name: str, value: str) -> bool:
    """Whether a variable is named like a secret (`OPENAI_API_KEY`, not `KEYBOARD`) and its value may be one."""
    if len(value) < SHORTEST or value.isdigit():
        return False
    words = name.upper().split("_")
    named = any(word.removesuffix("S").endswith(NAMES) for word in words)
    return named and not os.path.exists(value)
