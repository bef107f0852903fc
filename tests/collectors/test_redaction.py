"""What is a secret by its shape, wherever it is looked for."""

import base64

import pytest

from harnessfix_collectors.receiver.scrub import Scrubber as OfMessages
from harnessfix_collectors.redaction import Scrubber

TOKEN = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"1","name":"' + b"n" * 900 + b'"}', b"s" * 32)
)
SECRETS = {
    "hugging face": "hf_" + "aB3" * 11,
    "groq": "gsk_" + "aB3" * 15,
    "gitlab": "glpat-" + "aB3-" * 5,
    "langsmith": "lsv2_pt_" + "a1b2" * 8 + "_0123456789",
    "stripe": "sk_live_" + "aB3" * 8,
    "json web token": TOKEN,
    "address": "someone:pass.word-1",
    "address without a name": ":hunter2",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_shapes(kind: str) -> None:
    secret = SECRETS[kind]
    text = f"postgresql://{secret}@db.example:5432/x" if "address" in kind else f"use {secret}, please"
    scrubber = Scrubber(environment={})
    assert scrubber.text(text) == text.replace(secret, "<redacted>")
    assert scrubber.count == 1
    assert OfMessages(environment={}).suspects(text.encode())


INNOCENT = [
    "see http://localhost:8080/a@b and https://example.org/x:y@z",
    "postgresql://{user}:{password}@{host}/x and redis://:${SECRET}@cache",
    "mail me: a:b@c, eyJ is how base64 of JSON begins, hf_hub_download, gsk_x, shelf_life",
    "data:image/png;base64,eyJhbGciOiJIUzI1NiJ9",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert Scrubber(environment={}).text(text) == text
    assert not OfMessages(environment={}).suspects(text.encode())
