"""`harnessfix collect`: what it refuses to do, and why."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from harnessfix.cli import main
from harnessfix.cli.repeats import Repeats
from harnessfix.store.inbox import Inbox

REFUSED = [
    (["--host", "0.0.0.0"], "0.0.0.0 can be reached from other machines, so clients need a token"),
    (["--host", "0.0.0.0", "--token", "short"], "the token has fewer than 16 characters"),
    (["--forward", "ftp://example.org"], "cannot forward to that"),
    (["--forward", "http://localhost:4318"], "is this receiver itself"),
    (["--forward-header", "nonsense"], "has to be NAME=VALUE"),
]


@pytest.mark.parametrize(("options", "reason"), REFUSED, ids=[" ".join(options) for options, _ in REFUSED])
def test_refused(options: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HARNESSFIX_TOKEN", raising=False)
    result = CliRunner().invoke(main, ["collect", "--no-grpc", *options])
    assert result.exit_code == 2
    assert reason in result.output
    assert not (tmp_path / ".harnessfix" / "store.db").exists()


def test_what_was_opened_is_closed_where_it_cannot_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Inbox] = []
    close = Inbox.close

    def noted(inbox: Inbox) -> None:
        closed.append(inbox)
        close(inbox)

    monkeypatch.setattr(Inbox, "close", noted)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["collect", "--no-grpc", "--forward", "ftp://example.org"]).exit_code == 2
    assert len(closed) == 1


def test_a_port_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = CliRunner().invoke(main, ["collect", "--no-grpc", "--port", str(port)])
    assert result.exit_code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in result.output
    assert "--port" in result.output


def test_a_line_is_not_said_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now, said = [0.0], list[str]()
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    tell = Repeats(said.append, pause=10)
    for _ in range(3):
        tell("bad id")
    tell("another")
    now[0] = 11.0
    tell("bad id")
    tell("bad id")
    tell.rest()
    assert said == ["bad id", "another", "bad id (2 more times before)", "bad id (1 more times)"]
