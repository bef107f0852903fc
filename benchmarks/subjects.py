"""What the harness model says of installed agent frameworks.

    python benchmarks/subjects.py [FOLDER] [--show PACKAGE]

looks in the virtual environments below FOLDER (default: ~/.cache/harnessfix-subjects) for the packages named here,
reads each one's source, and prints a table: files, lines, files that could not be read, processor milliseconds per
thousand lines, and how many elements of each role were found. With `--show` the agent loops, model calls and tools of
one package are listed with their places, to be compared with its source. The exit code is 1 when a package lacks a
loop, a model call or a tool that it should have, a file that this Python can parse could not be read, or a model cites
what it does not hold.
"""

import argparse
import ast
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harnessfix_ir.errors import BadDocumentError
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.integrity import check_model
from harnessfix_ir.source import read_harness
from harnessfix_ir.vocabulary import ElementRole

PACKAGES = (
    "minisweagent",
    "smolagents",
    "agents",
    "pydantic_ai",
    "langgraph",
    "langchain",
    "inspect_ai",
    "ag2",
    "autogen_agentchat",
    "crewai",
    "dspy",
    "harbor",
)
CENTRAL = (ElementRole.AGENT_LOOP, ElementRole.MODEL_CALL, ElementRole.TOOL)
# What a package does not have: langgraph runs any graph, whose tools are its user's; autogen-agentchat is handed its
# tools, which live in other packages.
WITHOUT = {
    "langgraph": frozenset({ElementRole.TOOL}),
    "autogen_agentchat": frozenset({ElementRole.TOOL}),
}
COLUMNS = (
    *CENTRAL,
    ElementRole.PARSER,
    ElementRole.CONTEXT_BUILDER,
    ElementRole.TRUNCATION,
    ElementRole.RETRY,
    ElementRole.HANDLER,
    ElementRole.LIMIT,
    ElementRole.HOOK,
    ElementRole.VERIFIER,
    ElementRole.APPROVAL,
    ElementRole.PROMPT,
    ElementRole.CONFIG_CLASS,
    ElementRole.SECRET,
)


@dataclass(frozen=True)
class Subject:
    """A package, its model, and what reading it took in processor seconds."""

    name: str
    folder: Path
    model: HarnessModel
    seconds: float

    @property
    def kloc(self) -> float:
        """Thousands of lines of Python that were read."""
        return sum(file.lines for file in self.model.files if file.language == "python" and not file.error) / 1000

    def wrongly_unread(self) -> list[str]:
        """Python files that `ast` can parse and the model could not, but for those that are too large."""
        return [
            f"{file.path}: {file.error}"
            for file in self.model.files
            if file.error and file.language == "python" and "more than" not in file.error and self._parses(file.path)
        ]

    def lacking(self) -> list[str]:
        """Central roles of which nothing was found."""
        found = {element.role for element in self.model.elements}
        return [role.value for role in CENTRAL if role not in found and role not in WITHOUT.get(self.name, ())]

    def dangling(self) -> list[str]:
        """What the model cites and does not hold."""
        try:
            check_model(self.model)
        except BadDocumentError as error:
            return [str(error)]
        return []

    def _parses(self, path: str) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                ast.parse((Path(self.model.root) / path).read_bytes())
            except (OSError, SyntaxError, ValueError, RecursionError):
                return False
        return True


def subjects(folder: Path, names: Sequence[str] = PACKAGES) -> Iterator[Subject]:
    """The packages of these names that are installed below a folder, each read without a cache."""
    for name in names:
        for package in sorted(folder.glob(f"*/lib/python*/site-packages/{name}"))[:1]:
            started = time.process_time()
            model = read_harness([package])
            yield Subject(name, package, model, time.process_time() - started)


def table(found: Sequence[Subject]) -> Iterator[str]:
    """Lines of a table, a package on each."""
    heads = ["package", "files", "kloc", "unread", "ms/kloc", *(role.value.replace("_", " ") for role in COLUMNS)]
    rows = [heads]
    for subject in found:
        roles = Counter(element.role for element in subject.model.elements)
        unread = sum(bool(file.error) for file in subject.model.files)
        per_kloc = 1000 * subject.seconds / max(subject.kloc, 0.001)
        counts = [roles[role] for role in COLUMNS]
        numbers = [len(subject.model.files), f"{subject.kloc:.1f}", unread, f"{per_kloc:.0f}", *counts]
        rows.append([subject.name, *map(str, numbers)])
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        yield "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width) for n, (cell, width) in enumerate(zip(row, widths))
        )


def listing(subject: Subject, roles: Sequence[ElementRole]) -> Iterator[str]:
    """What was found of some roles, with places and facts."""
    for role in roles:
        yield f"\n{role.value.replace('_', ' ')}:"
        for element in subject.model.of_role(role):
            facts = ", ".join(f"{fact.name}={fact.value!r:.60}" for fact in element.facts)
            yield f"  {element.anchor.place}  {element.anchor.qualname}  [{element.name}]  {facts}"


def main(arguments: Sequence[str]) -> int:
    """Print the table, or what was found in one package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path.home() / ".cache" / "harnessfix-subjects")
    parser.add_argument("--show", metavar="PACKAGE")
    parser.add_argument("--role", action="append", type=ElementRole, help="roles to list with --show")
    options = parser.parse_args(arguments)
    found = list(subjects(options.folder, [options.show] if options.show else PACKAGES))
    if not found:
        print(f"none of the packages is installed below {options.folder}", file=sys.stderr)
        return 2
    print("\n".join(table(found)))
    if options.show:
        print("\n".join(listing(found[0], options.role or CENTRAL)))
    wrong = [
        *(f"{subject.name}: no {role}" for subject in found for role in subject.lacking()),
        *(f"{subject.name}: {file}" for subject in found for file in subject.wrongly_unread()),
        *(f"{subject.name}: {words}" for subject in found for words in subject.dangling()),
    ]
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
