"""Rules of verification where their examples do not reach: other forms, and cases they must leave alone."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harnessfix.rules.verification.v103_masked_check import _mask
from harnessfix.rules.verification.v104_lossy_submission import _difference

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="recordings here run POSIX programs")

Run = Callable[[Mapping[str, str]], Any]


@pytest.mark.parametrize(
    ("text", "produced", "lost"),
    [
        ("a\nb", "a\nb\n", "its final newline"),
        ("a\nb", "SUBMIT\na\nb\n", "its final newline"),
        ("a\nb", "a\nb  \n", "the last 3 characters (white space)"),
        ("a\nb\n", "a\r\nb\r\n", "its CRLF line ends"),
        ("caf\nok\n", "café\nok\n", "1 characters that are not ASCII"),
        ("a\nb\n", "a\nb\n", ""),
        ("a\nb", "a\nb and more", ""),
        ("x\ny", "something else\n", ""),
    ],
)
def test_what_a_submission_lost(text: str, produced: str, lost: str) -> None:
    assert _difference(text, produced) == lost


@pytest.mark.parametrize(
    ("command", "masked"),
    [
        ("pytest -q || true", True),
        ('["bash", "-c", "pytest || true"]', True),
        ("pytest -q; exit 0", True),
        ("pytest -q | tee log.txt", True),
        ("set -o pipefail; pytest -q | tee log.txt", False),
        ("pytest -q", False),
        ("pytest -q || exit 1", False),
        ("grep -c x | wc -l", False),
        ("test -d build || mkdir build", False),
    ],
)
def test_commands_that_cannot_fail(command: str, masked: bool) -> None:
    assert bool(_mask(command)) is masked


AGENT = """\
class Agent:
    def __init__(self, model):
        self.model = model

    def submit(self, text):
        return SUBMITTED

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"].startswith("ANSWER"):
                return self.submit(reply["content"].removeprefix("ANSWER "))
            messages.append({"role": "user", "content": "Go on."})
"""


def _main(*replies: str) -> str:
    said = ", ".join(f"say({reply!r})" for reply in replies)
    return f"from agent import Agent\nfrom model import Model, say\n\nprint(Agent(Model({said})).run('Work.'))\n"


@pytest.mark.parametrize(
    ("submitted", "answer", "speaks"),
    [
        ("text.strip()", "ANSWER line one\nline two\n", True),
        ("text.strip()", "ANSWER 42\n", False),
        ("text", "ANSWER line one\nline two\n", False),
    ],
)
def test_white_space_counts_in_submissions_of_several_lines(
    run_harness: Run, submitted: str, answer: str, speaks: bool
) -> None:
    harness = run_harness({"agent.py": AGENT.replace("SUBMITTED", submitted), "main.py": _main("hm", answer)})
    found = harness.said("V104")
    assert bool(found) is speaks
    if speaks:
        assert found[0].anchors[0].qualname == "Agent.submit"


def test_an_answer_of_the_last_turn_is_not_stale_though_it_was_said_before(run_harness: Run) -> None:
    agent = AGENT.replace("SUBMITTED", "text")
    harness = run_harness({"agent.py": agent, "main.py": _main("it is 42 I think", "ANSWER it is 42 I think")})
    assert not harness.said("V109")
    assert not harness.said("V105")
