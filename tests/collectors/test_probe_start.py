"""Every way to start a program is recorded alike, or it is said why not; nothing of the start-up is changed."""

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harnessfix_collectors.probe.plan import make_plan
from harnessfix_collectors.record import is_isolated, python_of, record
from harnessfix_ir.errors import RecordError
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.source import read_harness

Play = Callable[..., Any]

ABOUT = """
import os, sys

def about():
    main = sys.modules["__main__"]
    yield sys.argv, getattr(main, "__file__", None), main.__spec__ and main.__spec__.name, main.__package__
    yield sys.path[:2], type(main.__loader__).__name__, getattr(main, "__cached__", None) is None, main.__doc__
    yield os.path.basename(about.__code__.co_filename), sorted(set(vars(main)) - {"__annotations__"})
    yield [entry for entry in sys.path if "harnessfix" in entry], len(sys.path_hooks), sys.flags.safe_path
    yield sys.excepthook is sys.__excepthook__, "json" in sys.modules, "typing" in sys.modules

def tool():
    return 1

if __name__ == "__main__":
    for line in about():
        print(line)
    print(tool())
"""
FILES = {
    "agent.py": ABOUT,
    "pkg/__init__.py": "",
    "pkg/__main__.py": ABOUT,
    "pkg/part.py": ABOUT,
    "app/__main__.py": ABOUT,
}


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["agent.py", "a", "b c"], []),
        (["./agent.py"], ["-P"]),
        (["pkg/part.py"], ["-O", "-X", "utf8"]),
        (["-m", "pkg", "x"], []),
        (["-m", "pkg.part"], []),
        (["app"], []),
        (["-c", "import agent; print(*agent.about(), agent.tool(), sep='\\n')"], []),
    ],
    ids=["script", "safe-path", "in-folder", "package", "module", "folder", "code"],
)
def test_starts_alike(play: Play, python: str, words: list[str], options: list[str]) -> None:
    played = play(python, FILES, *words, options=options)
    played.assert_same()
    assert played.code == 0, played.err
    assert [step.name for step in played.steps if step.name == "tool"] == ["tool"]
    assert not played.result.missing
    assert not played.runs[0].incomplete


def test_symlinked_script_and_package(play: Play, python: str, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "agent.py").write_text(ABOUT + "\nimport tools\nprint(tools.leaf())\n")
    (real / "tools.py").write_text("def leaf():\n    raise_later()\n\ndef raise_later():\n    return {}['x']\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "link.py").symlink_to(real / "agent.py")
    played = play(python, {}, "link.py", harness="../real")
    played.assert_same()
    raised = played.step("raise KeyError")
    assert raised.anchors[0].place == "tools.py:5"
    assert played.step("raise_later").attributes["called_from"][0][:2] == ["tools.py", "leaf"]


def test_odd_source_files(play: Play, python: str) -> None:
    latin = "# -*- coding: latin-1 -*-\ndef tool(x):\n    return 'caf\xe9' + x\nprint(ascii(tool('\xfc')))\n"
    files = {
        "agent.py": latin.encode("latin-1"),
        "bom.py": b"\xef\xbb\xbfdef tool(x):\r\n    return x\r\nprint(tool(1))\r\n",
        "tabs.py": b"def tool(x):\n\tif x:\n\t\treturn 'tab'\n\x0c\nprint(tool(1))",
        "empty.py": b"",
    }
    for name in files:
        played = play(python, files, name)
        played.assert_same()
        assert played.code == 0
        assert name == "empty.py" or played.step("tool").status == "ok"


def test_syntax_error_and_missing_script(play: Play, python: str) -> None:
    for name, files in (("broken.py", {"broken.py": "def f(:\n"}), ("absent.py", {"other.py": "def f(): pass"})):
        played = play(python, files, name)
        played.assert_same()
        assert played.code != 0


@pytest.mark.parametrize(("options", "said"), [(["-I"], "isolated"), (["-E"], "isolated"), (["-S"], "isolated")])
def test_isolated_interpreters_are_said(play: Play, options: list[str], said: str) -> None:
    played = play(sys.executable, ABOUT, options=options)
    assert played.code == 0
    assert said in " ".join(played.result.missing)
    assert "tool" not in [step.name for step in played.steps]


def test_isolated_options_are_told_from_others() -> None:
    assert is_isolated(["python3", "-u", "-I", "a.py"])
    assert is_isolated(["/usr/bin/python", "-uE", "-m", "pkg"])
    assert not is_isolated(["python", "-m", "pkg", "-I"])
    assert not is_isolated(["python", "-mISE"])
    assert not is_isolated(["python", "-X", "-I", "a.py"])
    assert not is_isolated(["python", "-W", "Ignore", "a.py", "-S"])
    assert not is_isolated(["env", "-S", "python a.py"])
    assert not is_isolated([])


def test_other_programs_are_said(tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(ABOUT)
    model = read_harness([tmp_path])
    result = record(["/bin/sh", "-c", "exit 4"], model=model, spool_root=tmp_path / "spool", cwd=tmp_path)
    assert result.exit_code == 4
    assert "no Python process" in result.missing[0]
    result = record([sys.executable, "-c", "pass"], model=model, spool_root=tmp_path / "spool", include=["*"])
    assert "none of the harness's functions was called" in result.missing[0]
    empty = HarnessModel(root=str(tmp_path))
    result = record([sys.executable, "-c", "pass"], model=empty, spool_root=tmp_path / "spool")
    assert "no function with a role" in result.missing[0]
    assert result.folder.is_dir()
    result.discard()
    assert not result.folder.exists()


def test_what_cannot_be_started_is_one_error(tmp_path: Path) -> None:
    model = HarnessModel(root=str(tmp_path))
    with pytest.raises(RecordError, match="cannot start 'no-such-program'"):
        record(["no-such-program"], model=model, spool_root=tmp_path / "spool")
    assert list((tmp_path / "spool").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="nothing can be written"):
        record(["true"], model=model, spool_root=tmp_path / "file" / "spool")


def test_unwritable_spool_is_said(tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text("import os\ndef tool():\n    return 1\nprint(tool())\n")
    (tmp_path / "start.py").write_text(
        "import os, shutil, subprocess, sys\n"
        "os.environ['HARNESSFIX_SPOOL'] += '/gone'\n"
        "sys.exit(subprocess.call([sys.executable, 'agent.py']))\n"
    )
    result = record(
        [sys.executable, "-S", "start.py"], model=read_harness([tmp_path]), spool_root=tmp_path / "spool", cwd=tmp_path
    )
    assert result.exit_code == 0
    assert "the probe could not start: FileNotFoundError" in result.missing[0]


def test_sitecustomize_and_python_path_of_the_user(play: Play, python: str) -> None:
    files = {
        "mine/sitecustomize.py": "import sys\nprint('mine', __name__, __file__[-23:])\nsys.marked = True\n",
        "mine/helper.py": "def helped():\n    return 'helped'\n",
        "agent.py": "import sys, helper, sitecustomize\ndef tool():\n    return helper.helped()\n"
        "print(sys.marked, tool(), sitecustomize.__file__[-10:], [p[-4:] for p in sys.path[:2]])\n",
    }
    played = play(python, files, env={"PYTHONPATH": "mine"})
    played.assert_same()
    assert played.step("tool").status == "ok"
    files["mine/sitecustomize.py"] = "raise ValueError('in the user\\'s own')\n"
    files["agent.py"] = "def tool():\n    return 1\ntool()\n"
    played = play(python, files, env={"PYTHONPATH": "mine"})
    played.assert_same()
    assert "in the user's own" in played.err


def test_a_file_changed_since_the_plan_runs_as_it_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "agent.py").write_text("import tools\nprint(tools.tool())\n")
    (tmp_path / "tools.py").write_text("def tool():\n    return 'old'\n")
    model = read_harness([tmp_path])
    (tmp_path / "tools.py").write_text("def tool():\n    return 'new'\n")
    result = record(
        [sys.executable, "agent.py"], model=model, spool_root=tmp_path / "spool", include=["*"], cwd=tmp_path
    )
    assert capfd.readouterr().out == "new\n"
    assert b"tools.py was not instrumented: it changed since the plan was made" in result.data


def test_code_is_kept_between_runs_and_apart_by_options(play: Play, tmp_path: Path) -> None:
    program = "def tool(x):\n    assert x, 'asserted'\n    return __debug__\nprint(tool(0))\n"
    for options in ([], ["-O"], [], ["-O"]):
        played = play(sys.executable, program, options=options)
        played.assert_same()
        assert played.step("tool").status == ("ok" if options else "error")
    kept = list((tmp_path / "spool" / "code").iterdir())
    own = [path for path in kept if path.name.startswith("probe-")]
    assert (len(kept), len(own)) == (4, 2)
    for path in kept:
        path.write_bytes(b"not code")
    played = play(sys.executable, program, options=["-O"])
    played.assert_same()
    assert played.step("tool").status == "ok"


WHENCE = """
import subprocess, sys

def tool():
    from _harnessfix_probe import boot
    return type(boot.__loader__).__name__, boot.__spec__.origin == boot.__file__

print(tool(), flush=True)
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "child"], check=True)
"""


def test_the_probe_itself_is_compiled_once(play: Play, python: str) -> None:
    played = play(python, WHENCE, both=False)
    assert played.out.splitlines() == ["('SourceFileLoader', True)", "('_Compiled', True)"]
    assert [step.name for step in played.steps] == ["tool", "tool"]


def test_pytest_keeps_its_own_rewriting(play: Play) -> None:
    files = {
        "agent.py": "def tool(x):\n    return x + 1\n",
        "test_agent.py": "import agent\n\ndef test_tool():\n    value = 1\n    assert agent.tool(value) == 3\n",
        "pytest.ini": "[pytest]\n",
    }
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:harnessfix"]
    played = play(sys.executable, files, *words, env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    changing = re.compile(r"0x[0-9a-f]+|in [0-9.]+s")
    assert changing.sub("", played.out) == changing.sub("", played.plain.stdout)
    assert "assert 2 == 3" in played.out
    assert [step.name for step in played.steps][:1] == ["tool"]


def test_interpreter_of_a_command(tmp_path: Path) -> None:
    script = tmp_path / "tool"
    script.write_text(f"#!{sys.executable}\nprint(1)\n")
    script.chmod(0o755)
    assert python_of([str(script)]) == shutil.which(sys.executable)
    assert python_of([sys.executable, "x"]) == sys.executable
    assert python_of(["/bin/sh"]) is None
    assert python_of([]) is None


def test_coverage_counts_the_same_lines(play: Play) -> None:
    program = '''
import json, sys

def tool(x):
    """Documented."""
    for i in range(x):
        if i > 1:
            break
    else:
        return None
    try:
        return json.loads(
            "{")
    except ValueError:
        return i

def trace(frame, event, argument):
    if frame.f_code.co_filename == __file__ and event == "line":
        LINES.add(frame.f_lineno)
    return trace

LINES = set()
sys.settrace(trace)
tool(1)
tool(3)
sys.settrace(None)
print(sorted(LINES))
'''
    played = play(sys.executable, program)
    played.assert_same()
    assert len([step for step in played.steps if step.name == "tool"]) == 2


def test_nothing_is_kept_alive(play: Play, python: str) -> None:
    program = """
import gc, weakref

class Thing(dict):
    pass

class Boom(Exception):
    pass

def tool(thing, *more):
    return [thing]

def fails(thing):
    raise Boom("x")

def generates(thing):
    yield thing

def main():
    gc.disable()
    alive = []
    thing = Thing(text="x" * 1000)
    alive.append(weakref.ref(thing))
    tool(thing, thing)
    next(generates(thing))
    del thing
    thing = Thing(a=1)
    try:
        fails(thing)
    except Boom as error:
        alive.append(weakref.ref(error))
    alive.append(weakref.ref(thing))
    del thing
    print([reference() is None for reference in alive])

main()
"""
    played = play(python, program)
    played.assert_same()
    assert played.out == "[True, True, True]\n"


def test_environment_is_the_users_own(play: Play) -> None:
    program = "import os\ndef tool():\n    return 1\ntool()\nprint(sorted(k for k in os.environ if k not in SKIP))\n"
    ours = {"PYTHONPATH", "TRACEPARENT", *(f"HARNESSFIX_{name}" for name in ("PLAN", "CODE", "SPOOL", "TRACE"))}
    played = play(sys.executable, f"SKIP = {ours}\n{program}")
    played.assert_same()
    assert os.environ.get("HARNESSFIX_TRACE") is None


def test_the_plan_finds_files_of_every_root(tmp_path: Path) -> None:
    for path in ("scripts/run.py", "site/pack/__init__.py", "site/pack/tool.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("def tool():\n    return 1\n")
    plan = make_plan(read_harness([tmp_path / "scripts", tmp_path / "site" / "pack"]))
    assert {Path(path).relative_to(tmp_path).as_posix() for path in plan["files"]} == {
        "scripts/run.py",
        "site/pack/__init__.py",
        "site/pack/tool.py",
    }


def test_finalizers_at_the_very_end_run_as_they_would(play: Play, python: str) -> None:
    program = """
        import sys

        class Client:
            def __del__(self):
                try:
                    self.closed = True
                except ValueError:
                    pass

        sys.keep = Client()
        threads = {}
        class Late:
            client = Client()
        def tool():
            return 1
        tool()
        """
    played = play(python, {"agent.py": "import late\n", "late.py": program})
    played.assert_same()
    assert played.err == ""
