"""E105: a module that the harness imports is not among its declared dependencies."""

from collections.abc import Iterable

from harnessfix.rules._errors import raised
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import ancestors, as_anchor, names, nearest_anchors, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, LinkKind, Property, Severity, StepKind

_AGENT = r'''def read_table(path):
    """Read a table."""
    import table_reader_of_nobody

    return table_reader_of_nobody.read(path)


TOOLS = {"read_table": read_table}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"] == "done":
                return
            messages.append({"role": "user", "content": self.execute(reply["content"])})

    def execute(self, path):
        try:
            return TOOLS["read_table"](path)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
'''
_MAIN = r"""from agent import Agent
from model import Model, say

Agent(Model(say("prices.tab"), say("done"))).run("What does it cost?")
"""
_PROJECT = '[project]\nname = "pricer"\nversion = "1"\ndependencies = ["requests>=2"]\n'


class UndeclaredDependency(Rule):
    code = "E105"
    name = "undeclared-dependency"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "The harness imports a package that it does not declare."
    why = (
        "It works where somebody happened to install the package and fails everywhere else, often late, in the "
        "one tool that needs it; the model then is told that a module is missing and tries to install it."
    )
    fix = "Declare the package, or import it as optional and take the tool off the list when it is not there."
    references = (
        "https://packaging.python.org/en/latest/guides/writing-pyproject-toml/#dependencies-and-requirements",
    )
    by_hand = (
        "A module's name need not be that of the distribution which provides it, and anybody can publish under a free "
        "name: which one to declare is not in this code."
    )
    bad = harness(_AGENT, _MAIN, more={"pyproject.toml": _PROJECT})
    good = edited(
        bad,
        "agent.py",
        ("    import table_reader_of_nobody\n\n    return table_reader_of_nobody.read(path)\n", '    return "7.50"\n'),
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Packages that are imported for certain and declared nowhere, in a harness that declares others."""
        for package in model.of_role(ElementRole.DEPENDENCY):
            if package.fact("undeclared"):
                places = names(package.value("imported-at"))
                yield Finding(
                    message=f"`{package.name}` is imported at {', '.join(places[:3]) or package.anchor.place} and "
                    "not among the declared dependencies.",
                    anchors=[as_anchor(package, "imports what is not declared"), *_declarations(model)],
                    key=package.name,
                    confidence=0.6,
                    severity=Severity.INFO,
                    evidence=Evidence.DERIVED,
                    parameters={"package": package.name},
                    missing=("a run in which the import fails",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Imports of the harness's own that failed in the run, of packages that it does not declare."""
        packages = list(model.of_role(ElementRole.DEPENDENCY))
        if not any(package.fact("declared") for package in packages):
            return  # a harness that declares nothing leaves it to whoever installs it
        undeclared = {package.name: package for package in packages if not package.fact("declared")}
        spoken: set[str] = set()
        for error in raised(run, "ModuleNotFoundError", "ImportError"):
            message = error.error.message if error.error is not None else ""
            package = _named(message, undeclared)
            if package is None or package.name in spoken or _done_without(run, error):
                continue
            spoken.add(package.name)
            yield Finding(
                message=f"The import of `{package.name}` failed in {error.id} ({quote(message, 80)!r}): the "
                "harness imports it and does not declare it.",
                anchors=one_of_each(
                    [
                        as_anchor(package, "imports what is not declared"),
                        *_declarations(model),
                        *nearest_anchors(run, error),
                    ]
                ),
                responsible_step=error.id,
                symptom_step=error.id,
                path=(error.id,),
                key=package.name,
                confidence=0.9,
                severity=Severity.ERROR,
                parameters={"package": package.name},
            )


def _done_without(run: Htir, error: TraceStep) -> bool:
    """Whether it failed while files were imported, outside the work of a tool or model, and was taken: the harness does
    without the package."""
    at_import = bool(error.anchors) and error.anchors[0].qualname == "<module>"
    working = any(s.kind in (StepKind.TOOL_CALL, StepKind.MODEL_CALL) for s in ancestors(run, error))
    return at_import and not working and bool(run.links_from(error.id, LinkKind.HANDLED_BY))


def _named(message: str, undeclared: dict[str, Element]) -> Element | None:
    words = message.replace("'", " ").replace(".", " ").split()
    return next((undeclared[word] for word in words if word in undeclared), None)


def _declarations(model: HarnessModel) -> list[Anchor]:
    """Where the harness declares the others: the list that the package is missing from."""
    imported = [e for e in model.of_role(ElementRole.DEPENDENCY) if e.fact("declared") and e.anchor.path[-3:] != ".py"]
    return [as_anchor(element, "declares the others") for element in imported[:1]]
