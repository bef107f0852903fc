"""Texts that look like credentials, by the shapes that their issuers publish. What is found is named, never shown."""

import re

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

# One of these stands in every such text; looking for them costs a hundredth of the expression.
_MARKS = (
    "sk-",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "AKIA",
    "ASIA",
    "xox",
    "AIza",
    "hf_",
    "PRIVATE",
    "API_KEY",
    "SECRET",
    "TOKEN",
    "PASSWORD",
    "redacted",
)


def secrets_in(text: str, limit: int = 3) -> list[str]:
    """What sorts of credential stand in `text`, in words, at most `limit` of them; the values are not repeated."""
    found: list[str] = []
    for mark in _MARKS:
        if mark in text:
            break
    else:
        return found
    for match in _ALL.finditer(text):
        words = _SHAPES[int((match.lastgroup or "s0")[1:])][0]
        if words not in found:
            found.append(words)
            if len(found) == limit:
                break
    return found


def masked(text: str) -> str:
    """`text` with every such credential replaced by what sort it is, in brackets."""
    return _ALL.sub(lambda match: f"[{_SHAPES[int((match.lastgroup or 's0')[1:])][0]}]", text)
