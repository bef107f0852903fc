"""Running the user's command in a private tree, bounded in time, output and, where the system can, in reach.

With bubblewrap the tree is mounted over the original folder, so absolute paths, editable installs and environments lead
to the patched code; everything else is read-only, `/tmp` is private, and nothing outlives the run. Without it the
command gets a process group of its own and resource limits, and `PYTHONPATH` puts the tree first. `stated_limits` says
what holds.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO
from uuid import uuid4

from .worktree import Tree

MARK = "HARNESSFIX_RUN"
_LAUNCH = """\
import json, os, resource, sys
for name, value in json.loads(sys.argv[1]).items():
    hard = resource.getrlimit(getattr(resource, name))[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(getattr(resource, name), (value, hard))
os.execvp(sys.argv[2], sys.argv[2:])
"""


@cache
def working_bubblewrap() -> str | None:
    """Path of `bwrap` when it is installed and may be used here, else None."""
    path = shutil.which("bwrap")
    if path is None:
        return None
    probe = [
        path,
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--tmpfs",
        "/tmp",
        "--unshare-pid",
        "true",
    ]
    try:
        done = subprocess.run(probe, capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return path if done.returncode == 0 else None


@dataclass(frozen=True)
class Limits:
    """Bounds of one run.

    Args:
        seconds: wall time, after which everything that was started is killed.
        memory: bytes of address space of each process; None for no bound.
        file_size: bytes of each file written.
        output: bytes kept of each of stdout and stderr, the last ones.
        network: whether the network can be reached; a harness usually asks a model there.
        writable: further folders that may be written to.
        readable: folders that must be seen though they lie in the temporary folder, which is private.
    """

    seconds: float = 600.0
    memory: int | None = None
    file_size: int = 1 << 30
    output: int = 200_000
    network: bool = True
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Completed:
    """How a command ended; `exit_code` is negative for a signal, None when its time was up."""

    exit_code: int | None
    seconds: float
    stdout: str
    stderr: str
    timed_out: bool = False


@dataclass(frozen=True)
class Sandbox:
    """A way to run commands.

    Args:
        bubblewrap: path of `bwrap`, None to do without.
    """

    bubblewrap: str | None = field(default_factory=working_bubblewrap)

    def stated_limits(self, limits: Limits) -> tuple[str, ...]:
        """What bounds a run and what does not, in words."""
        common = [f"killed after {limits.seconds:g} s", f"files up to {limits.file_size >> 20} MiB"]
        if limits.memory is not None:
            common.append(f"{limits.memory >> 20} MiB of memory a process")
        if self.bubblewrap:
            net = "the network is reachable" if limits.network else "no network"
            return (*common, "writes only to the tree and a private /tmp", "no process outlives the run", net)
        return (*common, "files outside the tree are NOT protected", "the network is reachable")

    def wrap(
        self, command: Sequence[str], tree: Tree, limits: Limits, env: Mapping[str, str] | None = None
    ) -> list[str]:
        """The command line that runs `command` in the tree's folder, bounds on time aside; `env` is that of the run."""
        if not self.bubblewrap:
            for place in tree.kept_out():
                (tree.path / place).symlink_to(tree.original / place)
            return [*_launcher(limits), *command]
        # The private /tmp comes first: the tree or the original may lie in it.
        args = [self.bubblewrap, "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--new-session"]
        args += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
        args += [] if limits.network else ["--unshare-net"]
        for home in _needed_in_tmp(command[0], env or os.environ):
            args += ["--ro-bind", home, home]
        for folder in limits.readable:
            args += ["--ro-bind", str(folder), str(folder)] if folder.is_relative_to("/tmp") else []
        args += ["--bind", str(tree.path), str(tree.original)]
        for place in tree.kept_out():
            args += ["--ro-bind", str(tree.original / place), str(tree.original / place)]
        for folder in limits.writable:
            args += ["--bind", str(folder), str(folder)]
        return [*_launcher(limits), *args, "--chdir", str(tree.original), "--", *command]

    def environment(self, tree: Tree, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The caller's environment with what leads Python to the tree."""
        env = {**os.environ, **(extra or {})}
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        if self.bubblewrap:
            env["TMPDIR"] = "/tmp"
        else:
            places = [tree.path, *(tree.path / name for name in ("src", "lib") if (tree.path / name).is_dir())]
            env["PYTHONPATH"] = os.pathsep.join([*map(str, places), *filter(None, [env.get("PYTHONPATH")])])
        return env

    def run(
        self, command: Sequence[str], tree: Tree, limits: Limits | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Run a command in the tree's folder and wait for its end.

        Args:
            command: program and arguments; no shell is involved.
            tree: where.
            limits: bounds; the defaults without it.
            env: variables to set in addition to the caller's.
        """
        limits = limits or Limits()
        mark = uuid4().hex
        env = {**self.environment(tree, env), MARK: mark}
        cwd = tree.original if self.bubblewrap else tree.path
        began = time.monotonic()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            try:
                process = subprocess.Popen(
                    self.wrap(command, tree, limits, env),
                    cwd=cwd,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
            except OSError as error:
                return Completed(127, 0.0, "", f"{command[0]}: {error.strerror}")
            timed_out = False
            try:
                code: int | None = process.wait(limits.seconds)
            except subprocess.TimeoutExpired:
                timed_out, code = True, None
            finally:
                kill_all(process, mark)
            seconds = time.monotonic() - began
            return Completed(code, seconds, _tail(out, limits.output), _tail(err, limits.output), timed_out)


def _needed_in_tmp(program: str, env: Mapping[str, str]) -> list[str]:
    """Environments and libraries that lie in `/tmp`, which the private one would hide."""
    found = shutil.which(program, path=env.get("PATH")) or program
    homes = [Path(found).parent.parent, Path(found).resolve().parent.parent, Path(sys.prefix), Path(sys.base_prefix)]
    homes += [Path(name) for name in (env.get("VIRTUAL_ENV", ""), *env.get("PYTHONPATH", "").split(os.pathsep)) if name]
    homes += [folder for home in homes for folder in _editable(home)]
    return sorted({str(home) for home in homes if home.is_dir() and Path("/tmp") in home.parents})


def _editable(home: Path) -> Iterator[Path]:
    """Folders outside an environment that its `.pth` files name: what is installed there in editable mode."""
    for file in home.glob("lib/python3*/site-packages/*.pth"):
        with suppress(OSError):
            for line in file.read_text("utf-8", "replace").splitlines():
                if line.startswith("/"):
                    yield Path(line.strip())


def kill_all(process: "subprocess.Popen[bytes]", mark: str) -> None:
    """Kill a process, its group, and on Linux whatever carries its mark though it left the group."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    kill_marked(mark)


def kill_marked(mark: str) -> None:
    """Kill, on Linux, whatever carries a mark in its environment."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*") if sys.platform == "linux" else ():
        with suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)


def _launcher(limits: Limits) -> list[str]:
    """A prefix that sets resource limits; nothing where there are none."""
    if os.name != "posix":
        return []
    values = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": limits.file_size}
    if limits.memory is not None:
        values["RLIMIT_AS"] = limits.memory
    return [sys.executable, "-I", "-S", "-c", _LAUNCH, json.dumps(values)]


def _tail(file: IO[bytes], size: int) -> str:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - size))
    return file.read(size).decode("utf-8", "replace")
