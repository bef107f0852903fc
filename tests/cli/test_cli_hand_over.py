"""What is done with a patch: handed over as a branch, a pull request or a change proposal; remembered; refused."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def versioned(project: Path) -> Path:
    """The project in a git repository, everything committed."""
    (project / ".gitignore").write_text(".harnessfix/\n__pycache__/\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "as it was"]):
        _git(project, *words)
    return project


def _git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.invalid"]
    return subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def _patches(run: Run, folder: Path, *flaws: str) -> list[dict[str, str]]:
    found = json.loads(run(folder, "repair", *flaws, "--format", "json").stdout)
    return list(found["patches"])


def test_a_branch_has_one_commit_per_flaw_and_touches_nothing_else(run: Run, versioned: Path) -> None:
    _git(versioned, "config", "user.name", "A")
    _git(versioned, "config", "user.email", "a@example.invalid")
    source, head = (versioned / "agent.py").read_bytes(), _git(versioned, "rev-parse", "HEAD")
    patches = _patches(run, versioned)
    assert len(patches) > 1
    done = run(versioned, "repair", "--branch", "fixes")
    assert done.exit_code == 0, done.stderr
    log = _git(versioned, "log", "--format=%s%n%b", "HEAD..fixes")
    assert sorted(line for line in log.splitlines() if line.startswith("Harnessfix-Patch:"))
    assert log.count("Harnessfix-Patch:") == len(patches)
    assert (versioned / "agent.py").read_bytes() == source
    assert _git(versioned, "rev-parse", "HEAD") == head
    assert _git(versioned, "status", "--porcelain") == ""
    again = run(versioned, "repair", "--branch", "fixes")
    assert again.exit_code == 2
    assert "there is a branch fixes already" in again.stderr


def test_uncommitted_changes_are_in_no_commit(run: Run, versioned: Path) -> None:
    (versioned / "agent.py").write_text((versioned / "agent.py").read_text() + "# not committed\n")
    done = run(versioned, "repair", "--branch", "fixes")
    assert done.exit_code == 2
    assert "agent.py is not as in the last commit: commit it first" in done.stderr
    assert _git(versioned, "branch", "--list", "fixes") == ""


def test_without_git_there_is_no_branch(run: Run, project: Path) -> None:
    done = run(project, "repair", "--branch", "fixes")
    assert done.exit_code == 2
    assert "is in no git repository" in done.stderr


def test_a_pull_request_says_evidence_change_proof_and_falsifier(run: Run, project: Path) -> None:
    (patch,) = (one for one in _patches(run, project) if one["rule"] == "T102")
    told = run(project, "repair", patch["flaw"], "--format", "markdown").stdout
    for part in ("## Evidence", "## Change", "## Proof", "## What would refute it", "```diff", "Not validated yet"):
        assert part in told
    run(project, "validate", patch["flaw"])
    proved = run(project, "repair", patch["flaw"], "--format", "markdown").stdout
    assert "**accepted**" in proved


def test_a_change_proposal_has_the_files_that_openspec_reads(run: Run, project: Path) -> None:
    (patch,) = (one for one in _patches(run, project) if one["rule"] == "T102")
    run(project, "repair", patch["flaw"], "--format", "openspec", "--to", "specs")
    (change,) = (project / "specs" / "changes").iterdir()
    assert (change / "proposal.md").read_text().splitlines()[2] == "## Why"
    assert "- [ ] 1.1 Apply" in (change / "tasks.md").read_text()
    (spec,) = change.glob("specs/*/spec.md")
    text = spec.read_text()
    assert "## ADDED Requirements" in text
    assert text.count("#### Scenario:") == 2
    assert (change / "repair.patch").read_text() == patch["diff"]


def test_a_refused_patch_is_not_proposed_again_until_it_is_allowed(run: Run, project: Path) -> None:
    (patch,) = (one for one in _patches(run, project) if one["rule"] == "T102")
    run(project, "memory", "--reject", patch["id"], "--reason", "the model must not see paths")
    told = json.loads(run(project, "repair", patch["flaw"], "--format", "json").stdout)
    assert told["patches"] == []
    assert told["unrepaired"][0]["status"] == "rejected-before"
    assert "the model must not see paths" in told["unrepaired"][0]["reason"]
    validated = run(project, "validate", patch["flaw"])
    assert "rejected-by-user" in validated.stderr
    run(project, "memory", "--forget", patch["id"])
    assert len(_patches(run, project, patch["flaw"])) == 1


def test_a_refused_patch_is_proposed_for_other_code(run: Run, project: Path) -> None:
    (patch,) = (one for one in _patches(run, project) if one["rule"] == "T102")
    run(project, "memory", "--reject", patch["id"])
    source = (project / "agent.py").read_text()
    (project / "agent.py").write_text(
        source.replace("    except Exception:\n", "    except Exception:  # whatever it is\n")
    )
    assert [one for one in _patches(run, project) if one["rule"] == "T102"]


def test_memory_is_exported_and_taken(run: Run, project: Path, tmp_path: Path) -> None:
    (patch,) = (one for one in _patches(run, project) if one["rule"] == "T102")
    run(project, "validate", patch["flaw"])
    exported = run(project, "memory", "--format", "json").stdout
    (known,) = json.loads(exported)["repairs"]
    assert (known["outcome"], known["by"]) == ("accepted", "validation")
    assert any("target flaw: " in words for words in known["evidence"])
    assert "accepted" in run(project, "repair", patch["flaw"]).stdout
    file = tmp_path / "memory.json"
    file.write_text(exported)
    run(project, "memory", "--forget", patch["id"])
    assert "nothing is remembered" in run(project, "memory").stdout
    run(project, "memory", "--import", str(file))
    assert json.loads(run(project, "memory", "--format", "json").stdout) == json.loads(exported)
    file.write_text('{"schema": "harnessfix.memory/1", "repairs": [{"patch": 3}]}')
    assert run(project, "memory", "--import", str(file)).exit_code == 2
