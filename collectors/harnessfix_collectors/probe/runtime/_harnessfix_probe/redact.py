"""Secrets are replaced before anything is written: known shapes, and values of environment variables named like secrets."""

import os
import re

_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?($|_)", re.I)
_SHAPES = (
    ("sk-", re.compile(r"\bsk-[A-Za-z0-9_-]{16,}")),
    ("gh", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}")),
    ("github_pat_", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{40,}")),
    ("AKIA", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    ("xox", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    ("AIza", re.compile(r"\bAIza[0-9A-Za-z_-]{35}")),
    ("earer ", re.compile(r"(?<=[Bb]earer )[A-Za-z0-9._~+/-]{16,}=*")),
    ("PRIVATE KEY", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.S)),
)
MARK = "<redacted>"


class Redactor:
    """Replaces secrets in texts and counts them.

    Args:
        environment: variables whose names speak of secrets lend their values (8 characters and more).
    """

    def __init__(self, environment=None):
        environment = os.environ if environment is None else environment
        found = {value for name, value in environment.items() if _NAMES.search(name) and len(value) >= 8}
        self.values = sorted(found, key=len, reverse=True)
        self.count = 0

    def scrub(self, text):
        """`text` without the secrets it holds."""
        for value in self.values:
            if value in text:
                self.count += text.count(value)
                text = text.replace(value, MARK)
        for literal, shape in _SHAPES:
            if literal in text:
                text, number = shape.subn(MARK, text)
                self.count += number
        return text
