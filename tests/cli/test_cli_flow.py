"""Record, look, check, repair, undo, validate: as a user would, in a folder of their own."""

import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]


def test_the_recorded_runs_are_listed_with_their_outcome(run: Run, recorded: Path) -> None:
    rows = json.loads(run(recorded, "runs", "--format", "json").stdout)["runs"]
    assert {(row["task"], row["outcome"]) for row in rows} == {("good", "passed"), ("locked", "failed")}


def test_show_tells_the_run_and_each_step(run: Run, recorded: Path) -> None:
    told = run(recorded, "show", "locked").stdout
    for kind in ("task Agent.run", "model_call Model.complete", "tool_call list_files", "raise PermissionError"):
        assert kind in told
    document = json.loads(run(recorded, "show", "locked", "--format", "json").stdout)
    tool = next(step for step in document["steps"] if step["kind"] == "tool_call")
    one = run(recorded, "show", "locked", tool["id"]).stdout
    assert "agent.py:" in one
    missing = run(recorded, "show", "locked", "s999")
    assert missing.exit_code == 2
    assert "has no step 's999'" in missing.stderr


def test_check_prints_the_contract(run: Run, recorded: Path) -> None:
    result = run(recorded, "check", "--format", "json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["schema"] == "harnessfix.check/1"
    assert document["summary"]["runs"] == 2
    found = {finding["rule"]: finding for finding in document["findings"]}
    swallowed = found["T102"]
    assert swallowed["layer"] == "tool_interface"
    assert swallowed["support"]["failed"] == 1
    assert swallowed["support"]["passed"] == 0
    assert swallowed["anchors"][0]["path"] == "agent.py"
    assert swallowed["anchors"][0]["qualname"] == "list_files"
    steps = {step["id"] for step in json.loads(run(recorded, "show", "locked", "--format", "json").stdout)["steps"]}
    assert swallowed["responsible_step"] in steps
    assert set(swallowed["path"]) <= steps
    assert document["summary"]["findings"] == len(document["findings"])


def test_select_ignore_and_exit_zero(run: Run, recorded: Path) -> None:
    only = json.loads(run(recorded, "check", "--select", "T102", "--format", "json").stdout)
    assert [finding["rule"] for finding in only["findings"]] == ["T102"]
    none = run(recorded, "check", "--select", "T102", "--ignore", "T")
    assert none.exit_code == 0
    assert "no flaws found" in none.stdout
    assert run(recorded, "check", "--exit-zero").exit_code == 0
    assert run(recorded, "check", "--select", "nonsense").exit_code == 2


def test_source_alone_needs_no_store(run: Run, recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text((recorded / "agent.py").read_text())
    result = run(tmp_path, "check", ".", "--format", "json")
    document = json.loads(result.stdout)
    assert all(finding["run"] is None for finding in document["findings"])
    assert not (tmp_path / ".harnessfix").exists()


def test_a_comment_silences_one_place(run: Run, project: Path) -> None:
    source = (project / "agent.py").read_text()
    (project / "agent.py").write_text(
        source.replace("    except Exception:", "    except Exception:  # harnessfix: ignore[*] a test")
    )
    assert run(project, "record", "--task", "locked", "--", sys.executable, "agent.py", "locked").exit_code == 1
    document = json.loads(run(project, "check", "--run", "latest", "--select", "T102", "--format", "json").stdout)
    assert document["findings"] == []


def test_repair_shows_applies_and_takes_back(run: Run, project: Path) -> None:
    before = (project / "agent.py").read_bytes()
    shown = run(project, "repair", "--select", "T102")
    assert shown.exit_code == 1
    assert "+++ b/agent.py" in shown.stdout
    assert (project / "agent.py").read_bytes() == before, "--diff writes nothing"
    flaw = json.loads(run(project, "check", "--select", "T102", "--format", "json").stdout)["findings"][0]["flaw"]
    assert run(project, "repair", flaw, "--apply").exit_code == 0
    assert (project / "agent.py").read_bytes() != before
    assert run(project, "record", "--task", "locked", "--", sys.executable, "agent.py", "locked").exit_code == 1
    left = json.loads(run(project, "check", "--select", "T102", "--format", "json").stdout)
    assert left["findings"] == [], "neither the new run nor the old ones speak of code that has changed"
    undone = run(project, "repair", "--undo")
    assert undone.exit_code == 0
    assert (project / "agent.py").read_bytes() == before


def test_validate_proves_the_patch(run: Run, project: Path) -> None:
    flaw = json.loads(run(project, "check", "--select", "T102", "--format", "json").stdout)["findings"][0]["flaw"]
    result = run(project, "validate", flaw, "--format", "json")
    (validation,) = json.loads(result.stdout)["validations"]
    assert validation["outcome"] == "accepted", validation["reason"]
    assert result.exit_code == 0
    target = next(comparison for comparison in validation["comparisons"] if comparison["name"] == "target flaw")
    assert target["before"] > 0
    assert target["after"] == 0


def test_without_tasks_nothing_is_called_accepted(run: Run, project: Path) -> None:
    (project / "harnessfix.toml").write_text("")
    flaw = json.loads(run(project, "check", "--select", "T102", "--format", "json").stdout)["findings"][0]["flaw"]
    result = run(project, "validate", flaw)
    assert result.exit_code == 1
    assert "unproved" in result.stdout
    assert "1 patch: 1 unproved" in result.stdout
    assert "accepted" not in result.stdout
    assert "Nothing was run" in result.stderr
    assert "--replay RUN" in result.stderr
    assert json.loads(run(project, "memory", "--format", "json").stdout)["repairs"][0]["outcome"] == "unproved"


SHELL = '''\
import subprocess
import sys


def run_command(command):
    """Run a shell command."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    return f"exit code {done.returncode}\\n{done.stdout}{done.stderr}"


TOOLS = {"run_command": run_command}


class Model:
    def __init__(self, replies):
        self.replies = list(replies)

    def complete(self, messages):
        return self.replies.pop(0)


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.complete(messages)
            messages.append({"role": "assistant", "content": reply})
            name, _, command = reply.partition(" ")
            if name not in TOOLS:
                return reply
            messages.append({"role": "user", "content": TOOLS[name](command)})
        return "gave up"


if __name__ == "__main__":
    answer = Agent(Model(["run_command echo a.txt", "done"])).run(sys.argv[1])
    sys.exit(0 if answer == "done" else 1)
'''


def test_a_bounded_shell_command_is_accepted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(SHELL)
    settings = f'[validate]\ncommand = "{sys.executable} agent.py {{task}}"\ntasks = ["one"]\nrepeats = 2\n'
    (tmp_path / "harnessfix.toml").write_text(settings)
    run(tmp_path, "record", "--", sys.executable, "agent.py", "one")
    flaw = json.loads(run(tmp_path, "check", "--select", "E101", "--format", "json").stdout)["findings"][0]["flaw"]
    result = run(tmp_path, "validate", flaw, "--format", "json")
    (validation,) = json.loads(result.stdout)["validations"]
    assert validation["outcome"] == "accepted", validation["reason"]
    assert result.exit_code == 0


def test_a_command_that_never_reaches_the_harness_is_said_and_not_run_on(run: Run, project: Path) -> None:
    flaw = json.loads(run(project, "check", "--select", "T102", "--format", "json").stdout)["findings"][0]["flaw"]
    broken = f'"{sys.executable} -m no_such_package {{task}}"'
    settings = (project / "harnessfix.toml").read_text().splitlines()
    (project / "harnessfix.toml").write_text("\n".join([settings[0], f"command = {broken}", *settings[2:]]))
    result = run(project, "validate", flaw, "--format", "json")
    (validation,) = json.loads(result.stdout)["validations"]
    assert validation["outcome"] == "inconclusive"
    assert "all 4 runs without the patch failed before the harness was reached" in validation["reason"]
    assert "No module named no_such_package" in validation["reason"]
    assert [row["patched"] for row in validation["rows"]] == [[], []]
    assert "Does the command work by itself" in run(project, "validate", flaw).stdout


def test_a_label_beats_the_exit_code(run: Run, project: Path) -> None:
    assert run(project, "label", "good", "failed", "--reason", "wrong folder").exit_code == 0
    rows = json.loads(run(project, "runs", "--task", "good", "--format", "json").stdout)["runs"]
    assert (rows[0]["outcome"], rows[0]["outcome_by"]) == ("failed", "user")


def test_the_exit_code_of_the_program_is_passed_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text("import sys; sys.exit(7)\n")
    assert run(tmp_path, "record", "--", sys.executable, "agent.py").exit_code == 7


def test_what_cannot_be_recorded_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text("print('hi')\n")
    shell = run(tmp_path, "record", "--", "true")
    assert shell.exit_code == 0
    assert "no Python process was seen" in shell.stderr
    absent = run(tmp_path, "record", "--", "no-such-program-here")
    assert absent.exit_code == 2
    assert "cannot start 'no-such-program-here'" in absent.stderr
    assert run(tmp_path, "record").exit_code == 2


def test_a_harness_file_that_cannot_be_read_is_named_and_the_rest_is_checked(
    run: Run, recorded: Path, tmp_path: Path
) -> None:
    (tmp_path / "agent.py").write_text((recorded / "agent.py").read_text())
    (tmp_path / "broken.py").write_text("def half(:\n")
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\nname = 'x'\n")
    document = json.loads(run(tmp_path, "check", ".", "--format", "json").stdout)
    said = " ".join(document["summary"]["incomplete"])
    assert "broken.py" in said
    assert "latin.py" in said


def test_a_bad_trace_file_is_refused_and_the_good_one_is_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("not a trace\n")
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "x", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    good = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    (tmp_path / "good.jsonl").write_text(json.dumps(good) + "\n")
    result = run(tmp_path, "import", "bad.jsonl", "good.jsonl", "absent.jsonl", "--format", "json")
    assert result.exit_code == 2
    assert len(json.loads(result.stdout)["runs"]) == 1
    assert "bad.jsonl" in result.stderr
    assert "absent.jsonl" in result.stderr


def test_a_store_of_a_newer_version_is_refused(run: Run, project: Path) -> None:
    with sqlite3.connect(project / ".harnessfix" / "store.db") as connection:
        connection.execute("update harnessfix_version set version_num = '9999'")
    connection.close()
    result = run(project, "runs")
    assert result.exit_code == 2
    assert "store.db" in result.stderr
    assert "hint:" in result.stderr


def test_settings_with_a_wrong_key_name_file_and_key(run: Run, project: Path) -> None:
    (project / "harnessfix.toml").write_text("harnes = ['.']\n")
    result = run(project, "check")
    assert result.exit_code == 2
    assert "harnessfix.toml" in result.stderr
    assert "harnes" in result.stderr


def test_record_says_in_json_what_it_kept(run: Run, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text("import sys; sys.exit(3)\n")
    result = run(tmp_path, "record", "--format", "json", "--", sys.executable, "agent.py")
    document = json.loads(result.stdout)
    assert (document["schema"], document["exit_code"], len(document["runs"])) == ("harnessfix.record/1", 3, 1)
