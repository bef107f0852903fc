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
    "private key": "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"
    + "aB3/" * 5_000
    + "\n-----END EC PRIVATE KEY-----",
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


# Beginnings without an end, in rows: what is tried again from each of them takes minutes, and longer for longer texts.
HOSTILE = {
    "json web token": "-eyJ" + "a" * 12,
    "json web tokens": "eyJ" + "a" * 12 + ".",
    "private key": "-----BEGIN PRIVATE KEY-----",
    "private key of dashes": "-----BEGIN PRIVATE KEY-----" + "-a" * 30,
    "address": "://" + "a" * 60 + ":" + "b" * 128,
    "bearer": "Bearer aaaaaa",
    "key": "-sk-a",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_beginnings_without_an_end(kind: str) -> None:
    text = HOSTILE[kind] * (2_000_000 // len(HOSTILE[kind]))
    assert len(Scrubber(environment={}).text(text)) <= len(text)


def test_long_names_in_an_address_are_read_once() -> None:
    from _harnessfix_probe.exchanges import clean_url

    url = "http://host/x?" + "key" * 500_000
    assert clean_url(url, str) == url
    assert clean_url(f"{url}=a&page=2&API_Key=b#c", str).endswith("=<redacted>&page=2&API_Key=<redacted>#c")


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
