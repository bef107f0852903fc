"""Texts that look like credentials, by the shapes that their issuers publish. What is found is named, never shown."""

import re
from collections.abc import Sequence

from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part

from ._once import once

_SHAPES = (
    ("a key that begins with sk-", r"\bsk-[A-Za-z0-9_-]{20,}\b"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{40,})\b"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}\b"),
    ("an AWS access key id", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("a Slack token", r"\bxox[abprs]-[A-Za-z0-9-]{20,}\b"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}\b"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}\b"),
    ("a private key", r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    ("a value assigned to a secret's name", r"\b[A-Z0-9_]*(?:API_KEY|SECRET|TOKEN|PASSWORD)[A-Z0-9_]*=[^\s'\"]{16,}"),
    ("a secret that was taken out of the recording", r"\[redacted[^\]\n]{0,60}\]|<redacted[^>\n]{0,60}>"),
)
_ALL = re.compile("|".join(f"(?P<s{n}>{shape})" for n, (_, shape) in enumerate(_SHAPES)))

# One of these is in every such text. Each begins with one plain character and then looks around, so that most of a text
# is passed over at the speed of `memchr`: all of them together cost a hundredth of the expression.
_SIGNS = tuple(
    re.compile(sign).search
    for sign in (
        r"-(?:(?<=sk-)|(?<=glpat-))",
        r"_(?:(?<=gh[pousr]_)|(?<=github_pat_)|(?<=hf_))",
        r"A(?:[KS]IA|Iza|PI_KEY)",
        r"x(?=ox)",
        r"P(?:RIVATE|ASSWORD)",
        r"S(?=ECRET)",
        r"T(?=OKEN)",
        r"d(?<=[\[<]red)acted",
    )
)


def secrets_in(text: str, limit: int = 3) -> list[str]:
    """What sorts of credential stand in `text`, in words, at most `limit` of them; the values are not repeated."""
    found: list[str] = []
    if not any(sign(text) for sign in _SIGNS):
        return found
    for match in _ALL.finditer(text):
        words = _SHAPES[int((match.lastgroup or "s0")[1:])][0]
        if words not in found:
            found.append(words)
            if len(found) == limit:
                break
    return found


def secrets_of(run: Htir, part: Part) -> Sequence[str]:
    """`secrets_in` the text of a part; each text of a run is searched once, whoever asks and however often."""
    known = _searched(run)
    if part.text not in known:
        known[part.text] = secrets_in(run.text(part))
    return known[part.text]


@once
def _searched(run: Htir) -> dict[str, Sequence[str]]:
    return {}  # by digest of the text, filled as it is asked for


def masked(text: str) -> str:
    """`text` with every such credential replaced by what sort it is, in brackets."""
    return _ALL.sub(lambda match: f"[{_SHAPES[int((match.lastgroup or 's0')[1:])][0]}]", text)
