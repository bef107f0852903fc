"""What the operators put into a harness, run: it stops what it must stop and lets pass what it must let pass."""

import logging
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import StrictUndefined, Template

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import RepairSpec, Scope
from harnessfix_repairs.operators import all_operators

Names = dict[str, Any]


def repaired(operator: str, source: str, qualname: str, lines: tuple[int, int], **parameters: JsonValue) -> str:
    """The source after an operator's edit."""
    anchor = Anchor(path="agent.py", qualname=qualname, start_line=lines[0], end_line=lines[1])
    spec = RepairSpec(
        flaw="0" * 8,
        rule="X000",
        operator=operator,
        parameters=parameters,
        anchors=(anchor,),
        allowed=Scope(files=("agent.py",), symbols=(f"agent.py:{qualname}",)),
    )
    return all_operators()[operator].edit({"agent.py": source}, anchor, spec)["agent.py"]


def names_of(source: str, **given: object) -> Names:
    """The names that our own repaired example defines when it is run."""
    names: Names = {"__name__": "agent", **given}
    exec(compile(source, "agent.py", "exec"), names)  # noqa: S102
    return names


# --- bound-observation ------------------------------------------------------------------------------------------------

APPEND = 'def add(messages, output):\n    messages.append({"role": "tool", "content": output})\n'


@pytest.mark.parametrize("limit", [2, 3, 10, 11, 1000])
@pytest.mark.parametrize("more", [-1, 0, 1, 5000])
def test_a_bounded_text_keeps_both_ends_and_counts_the_rest(limit: int, more: int) -> None:
    add = names_of(repaired("bound-observation", APPEND, "add", (2, 2), limit=limit))["add"]
    text = ("head" + "x" * 6000 + "tail")[: limit + more] if more < 0 else "h" + "x" * (limit + more - 2) + "t"
    messages: list[dict[str, str]] = []
    add(messages, text)
    content = messages[0]["content"]
    if more <= 0:
        assert content == text, "within the bound nothing may change"
        return
    assert content.startswith(text[:1])
    assert content.endswith(text[-1:])
    assert f"[{more} characters cut]" in content
    assert len(content.replace(f"\n[{more} characters cut]\n", "")) == limit


@pytest.mark.parametrize("value", [None, 7, {"a": "x" * 100}, ["x" * 100], b"x" * 100])
def test_what_is_no_text_passes_unchanged(value: object) -> None:
    messages: list[dict[str, object]] = []
    names_of(repaired("bound-observation", APPEND, "add", (2, 2), limit=10))["add"](messages, value)
    assert messages[0]["content"] is value


@pytest.mark.parametrize("value", ["", "short", "x" * 20, "h" + "x" * 30 + "t", None, 12, {"a": 1}])
def test_a_bounded_template_renders_what_it_rendered_within_the_bound(value: object) -> None:
    source = 'TEMPLATE = "<o>{{ output }}</o>"\n'
    edited = names_of(repaired("bound-observation", source, "TEMPLATE", (1, 1), limit=20))["TEMPLATE"]
    before = Template("<o>{{ output }}</o>", undefined=StrictUndefined).render(output=value)
    after = Template(edited, undefined=StrictUndefined).render(output=value)
    if len(str(value)) <= 20:
        assert after == before
    else:
        assert after == "<o>h" + "x" * 9 + "\n[12 characters cut]\n" + "x" * 9 + "t</o>"


# --- kill-process-group -----------------------------------------------------------------------------------------------

RUN = """\
import subprocess


def run(command, timeout=None, **more):
    return subprocess.run(command, shell=True, timeout=timeout, stdout=subprocess.PIPE)


def output(command):
    return subprocess.check_output(command, shell=True, text=True, timeout=20)
"""


@pytest.fixture
def grouped() -> Names:
    return names_of(repaired("kill-process-group", RUN, "<module>", (5, 9)))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX process groups")
def test_a_timeout_ends_all_that_was_started_and_keeps_the_output(grouped: Names, tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    command = f"(while :; do printf . >> {beat}; sleep 0.02; done) & echo partial; sleep 30"
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        grouped["run"](command, timeout=0.5)
    assert caught.value.output == b"partial\n"
    time.sleep(0.1)
    size = beat.stat().st_size
    time.sleep(0.2)
    assert beat.stat().st_size == size


def test_an_ordinary_run_is_as_it_was(grouped: Names) -> None:
    done = grouped["run"]("echo out; exit 3", timeout=20)
    assert (done.returncode, done.stdout) == (3, b"out\n")
    assert done.args == "echo out; exit 3"
    assert grouped["output"]("echo out") == "out\n"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        grouped["output"]("echo out; exit 2")
    assert (caught.value.returncode, caught.value.output) == (2, "out\n")


# --- confine-paths ----------------------------------------------------------------------------------------------------

WRITE = """\
class Tools:
    def __init__(self, root):
        self.root = root

    def write_file(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return f"wrote {path}"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    (root / "inner").symlink_to(root)
    yield root
    assert sorted(path.name for path in tmp_path.iterdir()) == ["workspace"], "something was written outside"


@pytest.mark.parametrize("path", ["../out.txt", "a/../../out.txt", "link/out.txt", "{abs}/out.txt"])
def test_paths_that_lead_out_are_refused(workspace: Path, path: str) -> None:
    tools = names_of(repaired("confine-paths", WRITE, "Tools.write_file", (5, 9)))["Tools"](workspace)
    assert "outside" in tools.write_file(path.replace("{abs}", str(workspace.parent)), "x")


@pytest.mark.parametrize("path", ["a.txt", "sub/dir/a.txt", "sub/../a.txt", "inner/a.txt", "..a.txt", "{abs}/a.txt"])
def test_paths_that_stay_inside_are_written(workspace: Path, path: str) -> None:
    tools = names_of(repaired("confine-paths", WRITE, "Tools.write_file", (5, 9)))["Tools"](workspace)
    path = path.replace("{abs}", str(workspace))
    assert tools.write_file(path, "x") == f"wrote {path}"
    assert (workspace / path).resolve().read_text() == "x"


# --- require-approval, gate-completion, validate-final, check-finish-reason -------------------------------------------

GATED = """\
def run_command(command):
    if not confirm(f"Run {command}?"):
        return "the user said no"
    return "ran"


def delete_folder(path):
    DONE.append(path)
    return f"deleted {path}"
"""


@pytest.mark.parametrize("agrees", [True, False])
def test_an_action_waits_for_approval(agrees: bool, caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []
    done: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return agrees

    source = repaired("require-approval", GATED, "delete_folder", (7, 9))
    answer = names_of(source, confirm=confirm, DONE=done)["delete_folder"]("/data")
    assert asked == ["delete_folder /data?"]
    assert (done, answer) == ((["/data"], "deleted /data") if agrees else ([], "the user said no"))
    assert bool(caplog.records) is not agrees


FINISH = """\
def verify(answer):
    return answer.isdigit()


def run(model, messages):
    for _ in range(3):
        answer = model(messages)
        verify(answer)
        if answer:
            return answer
        messages.append({"role": "user", "content": "go on"})
    return None
"""


@pytest.mark.parametrize(
    ("answers", "handed_in", "notes"), [(["42"], "42", 0), (["x", "42"], "42", 1), (["x", "y", "z"], None, 3)]
)
def test_only_what_passes_the_check_is_handed_in(
    answers: list[str], handed_in: str | None, notes: int, caplog: pytest.LogCaptureFixture
) -> None:
    run = names_of(repaired("gate-completion", FINISH, "run", (8, 8), check="verify"))["run"]
    messages: list[dict[str, str]] = []
    left = iter(answers)
    assert run(lambda seen: next(left), messages) == handed_in
    assert len(messages) == len(caplog.records) == notes


FINAL = """\
def run(model, messages):
    for _ in range(3):
        reply = model(messages)
        if reply is not None:
            return reply
        messages.append({"role": "user", "content": "go on"})
    return None
"""


@pytest.mark.parametrize(
    ("replies", "handed_in"),
    [(["0"], "0"), ([" x "], " x "), ([""], None), ([" \n", "x"], "x"), ([0], 0), ([0.5], 0.5), ([None, "x"], "x")],
)
def test_only_an_empty_answer_is_sent_back(replies: list[object], handed_in: object) -> None:
    run = names_of(repaired("validate-final", FINAL, "run", (5, 5)))["run"]
    left = iter([*replies, None, None])
    found = run(lambda seen: next(left), [])
    assert found == handed_in


CHOICE = """\
class CutOff(Exception):
    pass


def ask(response):
    if not response.choices:
        raise CutOff("no choices")
    return response.choices[0].message
"""


@pytest.mark.parametrize(("reason", "passes"), [("stop", True), ("tool_calls", True), (None, True), ("length", False)])
def test_only_a_cut_off_reply_is_refused(reason: str | None, passes: bool) -> None:
    names = names_of(repaired("check-finish-reason", CHOICE, "ask", (8, 8)))
    response = SimpleNamespace(choices=[SimpleNamespace(message="text", finish_reason=reason)])
    if passes:
        assert names["ask"](response) == "text"
    else:
        with pytest.raises(names["CutOff"], match="cut off"):
            names["ask"](response)


# --- return-parse-error, contain-step-error ---------------------------------------------------------------------------

PARSE = """\
import json

TOOLS = {"add": lambda a, b: str(a + b)}


def answer(name, raw):
    arguments = json.loads(raw)
    if name not in TOOLS:
        return "no such tool"
    return TOOLS[name](**arguments)
"""


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ('{"a": 1, "b": 2}', "^3$"),
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        (None, "not valid JSON"),
        ("[1, 2]", "must be a JSON object, not list"),
        ("null", "not NoneType"),
        ("9" * 5000, "not valid JSON|not int"),
    ],
)
def test_malformed_arguments_are_answered_and_good_ones_run(raw: str | None, words: str) -> None:
    answer = names_of(repaired("return-parse-error", PARSE, "answer", (7, 7)))["answer"]
    assert re.search(words, answer("add", raw))


STEP = """\
def run(model, messages, tools):
    for _ in range(3):
        name = model()
        result = tools[name]()
        messages.append({"role": "user", "content": result})
"""


def test_a_failing_step_is_answered_and_an_interrupt_still_ends_the_run(caplog: pytest.LogCaptureFixture) -> None:
    run = names_of(repaired("contain-step-error", STEP, "run", (4, 4)))["run"]
    messages: list[dict[str, str]] = []
    wanted = iter(["ok", "bad", "missing"])
    run(lambda: next(wanted), messages, {"ok": lambda: "fine", "bad": lambda: 1 / 0})
    assert [m["content"] for m in messages] == [
        "fine",
        "error: ZeroDivisionError: division by zero",
        "error: KeyError: 'missing'",
    ]
    assert len([record for record in caplog.records if record.exc_info]) == 2

    def interrupt() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(lambda: "x", [], {"x": interrupt})


# --- scope-credentials, redact, scope-sentinel ------------------------------------------------------------------------

SECRETS = ["OPENAI_API_KEY", "GH_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "SSH_AUTH_SOCK"]
ORDINARY = ["PATH", "HOME", "LANG", "KEYBOARD", "TOKENIZERS_PARALLELISM", "MONKEY", "AUTHOR", "PYTHONPATH"]


def test_a_command_gets_its_environment_but_no_credentials() -> None:
    source = "import os\nimport subprocess\n\n\ndef run(command):\n    return subprocess.run(command, timeout=5)\n"
    helper = names_of(repaired("scope-credentials", source, "run", (6, 6)))["_without_credentials"]
    environment = dict.fromkeys([*SECRETS, *ORDINARY], "x")
    assert sorted(helper(environment)) == sorted(ORDINARY)
    assert "GH_TOKEN" in helper(environment, keep=("GH_TOKEN",))


@pytest.mark.parametrize(
    ("value", "hidden", "kept"),
    [
        ({"Authorization": "Bearer abc.def", "Accept": "json"}, ["abc.def"], ["Accept", "json"]),
        ({"api_key": "k-1", "region": "north"}, ["k-1"], ["north"]),
        ("token=abc123 user=ada", ["abc123"], ["user=ada"]),
        ("key sk-abcdefghijklmnop", ["abcdefghijklmnop"], ["key"]),
        ("the tokenizer counts tokens: 12 of them", [], ["12", "tokenizer"]),
        ("skip-this-long-hyphenated-word", [], ["skip-this-long-hyphenated-word"]),
        ("monkey: banana", [], ["banana"]),
    ],
)
def test_credentials_are_masked_and_the_rest_is_kept(value: object, hidden: list[str], kept: list[str]) -> None:
    source = "def prompt(settings):\n    return f'You use {settings}.'\n"
    said = names_of(repaired("redact", source, "prompt", (2, 2), expression="settings"))["prompt"](value)
    assert not [text for text in hidden if text in said]
    assert not [text for text in kept if text not in said]


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        ("DONE", True),
        ("I am\nDONE\n", True),
        ("  DONE  ", True),
        ("say DONE when ready", False),
        ("", False),
        ("UNDONE", False),
    ],
)
def test_a_stop_word_counts_alone_on_its_line(text: str, stops: bool) -> None:
    source = 'def finished(reply):\n    return "DONE" in reply\n'
    assert names_of(repaired("scope-sentinel", source, "finished", (2, 2)))["finished"](text) is stops


# --- bound-loop, classify-retry, fix-limit ----------------------------------------------------------------------------


def counting(answers: Sequence[object]) -> Callable[[], object]:
    left = iter(answers)

    def ask() -> object:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


@pytest.mark.parametrize(("rounds", "ends"), [(1, True), (3, True), (4, False)])
def test_a_loop_ends_at_its_limit_and_not_before(rounds: int, ends: bool, caplog: pytest.LogCaptureFixture) -> None:
    source = "def run(ask):\n    while True:\n        if ask() == 'done':\n            return 'done'\n"
    run = names_of(repaired("bound-loop", source, "run", (2, 4), limit=3))["run"]
    ask = counting(["go"] * (rounds - 1) + ["done"])
    with caplog.at_level(logging.WARNING):
        if ends:
            assert run(ask) == "done"
        else:
            with pytest.raises(RuntimeError, match="used up"):
                run(ask)
    assert bool(caplog.records) is not ends


def test_a_retry_is_bounded_and_raises_the_last_error() -> None:
    source = (
        "def query(ask):\n    while True:\n        try:\n            return ask()\n"
        "        except ConnectionError:\n            continue\n"
    )
    query = names_of(repaired("classify-retry", source, "query", (2, 6), attempts=3))["query"]
    assert query(counting([ConnectionError("1"), ConnectionError("2"), "answer"])) == "answer"
    with pytest.raises(ConnectionError, match="3"):
        query(counting([ConnectionError("1"), ConnectionError("2"), ConnectionError("3"), "too late"]))


def test_a_permanent_error_is_not_tried_again() -> None:
    source = (
        "def query(ask):\n    for attempt in range(4):\n        try:\n            return ask()\n"
        "        except Exception as error:\n            print(error)\n    return None\n"
    )
    query = names_of(repaired("classify-retry", source, "query", (2, 6), permanent=["PermissionError"]))["query"]
    with pytest.raises(PermissionError):
        query(counting([PermissionError("no"), "answer"]))
    assert query(counting([OSError("busy"), "answer"])) == "answer"


@pytest.mark.parametrize(("given", "limit"), [(None, 8), (0, 0), (3, 3)])
def test_zero_is_a_limit(given: int | None, limit: int) -> None:
    source = "def limit_of(step_limit, default):\n    return step_limit or default\n"
    assert names_of(repaired("fix-limit", source, "limit_of", (2, 2)))["limit_of"](given, 8) == limit


# --- isolate-run, preserve-payload, surface-failure -------------------------------------------------------------------


def test_instances_no_longer_share_their_state() -> None:
    source = "class Agent:\n    messages = []\n\n    def add(self, text):\n        self.messages.append(text)\n"
    agent = names_of(repaired("isolate-run", source, "Agent", (1, 5)))["Agent"]
    first, second = agent(), agent()
    first.add("x")
    assert (first.messages, second.messages) == (["x"], [])


@pytest.mark.parametrize("text", ["DONE\na\nb\n", "DONE\r\na\r\nb", "DONE\n", "DONE\n\n a \n\n"])
def test_a_submission_keeps_its_bytes(text: str) -> None:
    source = (
        "def finished(output):\n    lines = output.splitlines()\n    if lines and lines[0] == 'DONE':\n"
        "        return '\\n'.join(lines[1:])\n    return None\n"
    )
    finished = names_of(repaired("preserve-payload", source, "finished", (4, 4)))["finished"]
    assert finished(text) == text.partition("\n")[2]
    assert finished("other\nDONE\n") is None


@pytest.mark.parametrize(
    ("command", "answer"), [("echo out", "out\n"), ("echo out; echo err >&2; exit 3", "exit code 3\nout\nerr\n")]
)
def test_a_failed_command_says_so(command: str, answer: str) -> None:
    source = (
        "import subprocess\n\n\ndef run(command):\n"
        "    done = subprocess.run(command, shell=True, capture_output=True, text=True)\n    return done.stdout\n"
    )
    assert names_of(repaired("surface-failure", source, "run", (5, 5)))["run"](command) == answer
