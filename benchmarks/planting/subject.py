"""The sound harnesses that flaws are planted in: two of our own, and released packages with a scripted model."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harnessfix.bench.environments import interpreter
from harnessfix_ir.source import locate_harness

HERE = Path(__file__).resolve().parent
DRIVERS = HERE / "drivers"
REPOSITORY = HERE.parents[1]
OFFLINE = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PYTHONWARNINGS": "ignore",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",  # what is written out of a set stands in the same order each time
}
IGNORED = shutil.ignore_patterns("__pycache__", ".harnessfix", "*.pyc", ".agents")


@dataclass(frozen=True)
class Subject:
    """One harness.

    Args:
        name: of the harness.
        package: dotted name of the package that is the harness; of an example, the folder or file that is it.
        tasks: to run, all of which pass on the sound harness.
        pins: requirements of its environment; none for one of our own examples.
        driver: script in `drivers/` that runs a task; none for an example, which has a command of its own.
        example: folder name in `examples/`.
        command: of an example, with `{task}`.
        repairs: folder of patches that make the example sound.
    """

    name: str
    package: str
    tasks: tuple[str, ...]
    pins: tuple[str, ...] = ()
    driver: str = ""
    example: str = ""
    command: tuple[str, ...] = ()
    repairs: Path | None = None

    def python(self) -> Path:
        """Interpreter that the harness runs on; its environment is made when it is missing."""
        return interpreter(self.pins) if self.pins else Path(sys.executable)

    def unpack(self, tree: Path) -> Path:
        """Put a copy of the sound harness into `tree`; returns the harness in it."""
        if self.example:
            shutil.copytree(REPOSITORY / "examples" / self.example, tree, ignore=IGNORED, dirs_exist_ok=True)
            for patch in sorted(self.repairs.glob("*.diff")) if self.repairs is not None else ():
                ceiling = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
                subprocess.run(["git", "apply", str(patch)], cwd=tree, check=True, env=ceiling)
        else:
            source = locate_harness(self.package, str(self.python()))
            shutil.copytree(source, self.within(tree), ignore=IGNORED, dirs_exist_ok=True)
        return self.within(tree)

    def within(self, tree: Path) -> Path:
        """Where the harness is in a tree that `unpack` made."""
        return tree / (self.package if self.example else self.package.replace(".", "/"))

    def argv(self, task: str, *before: str) -> list[str]:
        """Command that runs one task; `before` goes between interpreter and script."""
        python = str(self.python())
        if self.driver:
            return [python, *before, str(DRIVERS / self.driver), task]
        return [python, *before, *(part.format(task=task) for part in self.command)]

    def script_digest(self) -> str:
        """Digest of the script that plays the tasks: what was recorded with another one is out of date."""
        scripts = sorted(DRIVERS.glob("*.py")) if self.driver else []
        read = b"".join(script.read_bytes() for script in scripts if script.name in (self.driver, "provider.py"))
        return hashlib.sha1(read, usedforsecurity=False).hexdigest()[:12]

    def environment(self, tree: Path) -> dict[str, str]:
        """Environment in which the copy is what gets imported."""
        return {**os.environ, **OFFLINE, "PYTHONPATH": str(tree)}


@contextmanager
def folder_of(subject: Subject, keep: Path | None, purpose: str) -> Iterator[Path]:
    """Where a harness is recorded: below `keep`, for the next time, else in a temporary folder."""
    if keep is not None:
        yield keep.resolve() / subject.name
        return
    with tempfile.TemporaryDirectory(prefix=f"harnessfix-{purpose}-") as folder:
        yield Path(folder).resolve()


def _of_package(name: str, package: str, pins: Sequence[str], driver: str, tasks: str) -> Subject:
    return Subject(name, package, tuple(tasks.split()), tuple(pins), driver)


SUBJECTS: Mapping[str, Subject] = {
    subject.name: subject
    for subject in (
        Subject(
            "tinyloop",
            "tinyloop.py",
            ("metres", "quoted", "unknown-item", "no-such-tool", "long-list", "busy", "cut-off"),
            example="tinyloop",
            command=("run.py", "{task}"),
        ),
        Subject(
            "shipmate",
            "shipmate",
            tuple(sorted(path.stem for path in (REPOSITORY / "examples" / "shipmate" / "tasks").glob("*.json"))),
            example="shipmate",
            command=("-m", "shipmate", "{task}"),
            repairs=REPOSITORY / "tests" / "examples" / "shipmate_repairs",
        ),
        _of_package(
            "mini-swe-agent",
            "minisweagent",
            ("mini-swe-agent==2.4.6", "mcp"),
            "mini_swe_agent.py",
            "hello malformed unknown-tool no-call failing slow long bytes busy limit denied down",
        ),
        _of_package(
            "smolagents",
            "smolagents",
            ("smolagents==1.26.0",),
            "smolagents_.py",
            "look text-call missing raises unknown wrong-type loop "
            "code no-code syntax code-raises code-unknown forbidden much",
        ),
        _of_package(
            "openai-agents",
            "agents",
            ("openai-agents==0.24.0",),
            "openai_agents.py",
            "look malformed no-object empty raises unknown loop handoff no-choices two",
        ),
        _of_package(
            "pydantic-ai",
            "pydantic_ai",
            ("pydantic-ai-slim==2.68.0",),
            "pydantic_ai_.py",
            "look malformed wrong-type no-object raises again unknown loop validated empty two",
        ),
        _of_package(
            "autogen",
            "autogen_agentchat",
            ("autogen-agentchat==0.7.5", "autogen-ext[openai]==0.7.5"),
            "autogen_.py",
            "look malformed unknown raises two team talk",
        ),
        _of_package(
            "inspect-ai",
            "inspect_ai",
            ("inspect-ai==0.3.285", "openai"),
            "inspect_.py",
            "look malformed wrong-type missing no-object raises bytes much unknown no-call two loop busy denied",
        ),
        _of_package(
            "agno",
            "agno",
            ("agno==2.6.19", "openai"),
            "agno_.py",
            "look malformed wrong-type missing no-object raises unknown two loop busy denied history",
        ),
        _of_package(
            "haystack",
            "haystack",
            ("haystack-ai==2.30.2",),
            "haystack_.py",
            "look malformed wrong-type missing no-object raises unknown two loop denied cut-off",
        ),
        _of_package(
            "ag2",
            "autogen",
            ("ag2[openai]==0.10.3",),
            "ag2_.py",
            "look malformed wrong-type missing no-object raises unknown two loop talk denied summary",
        ),
        _of_package(
            "strands",
            "strands",
            ("strands-agents[openai]==1.62.0",),
            "strands_.py",
            "look malformed wrong-type missing no-object raises unknown bad-name two loop busy down denied "
            "too-long cut-off history validated forced swarm handoffs",
        ),
        _of_package(
            "langgraph",
            "langgraph",  # a namespace whose distributions share one folder
            (
                "langgraph==1.2.24",
                "langgraph-prebuilt==1.1.3",
                "langgraph-checkpoint==4.3.2",
                "langchain-openai==1.7.4",
            ),
            "langgraph_.py",
            "look malformed wrong-type missing no-object raises told unknown two loop endless busy down denied "
            "again history taken-up asked typed ill-typed async",
        ),
        _of_package(
            "camel",
            "camel",
            ("camel-ai==0.2.91a5",),
            "camel_.py",
            "look wrong-type missing raises unknown two loop busy down denied history much typed play",
        ),
        _of_package(
            "adk",
            "google.adk",
            ("google-adk==1.4.2",),
            "adk_.py",
            "look missing two loop raises unknown down denied history state typed handoff chain rounds empty",
        ),
        _of_package(
            "dspy",
            "dspy",
            ("dspy==3.4.1",),
            "dspy_.py",
            "look malformed wrong-type missing raises unknown two loop busy down denied too-long "
            "json typed history best parallel",
        ),
        _of_package(
            "llama-index",
            "llama_index.core",
            ("llama-index-core==0.14.25", "llama-index-llms-openai-like==0.8.1"),
            "llama_index_.py",
            "look malformed wrong-type missing no-object raises unknown two loop busy down denied history resumed "
            "memory typed text text-raises text-malformed text-unknown handoff no-agent",
        ),
        _of_package(
            "crewai",
            "crewai",
            ("crewai==1.15.30",),
            "crewai_.py",
            "look malformed wrong-type missing no-object raises unknown two loop empty busy denied chain guarded "
            "typed text text-raises text-malformed text-unknown twice",
        ),
    )
}
