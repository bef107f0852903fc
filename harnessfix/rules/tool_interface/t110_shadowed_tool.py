"""T110: two tools under one name: the second replaces the first without a word."""

from collections import defaultdict
from collections.abc import Iterable

from harnessfix.rules._query import as_anchor
from harnessfix.rules.base import Example, Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity

_TOOLS = r'''TOOLS = {}


def tool(function):
    TOOLS[function.__name__] = function
    return function


@tool
def search(text):
    """Search the notes."""
    return f"notes with {text}"


@tool
def search(address):
    """Search the web."""
    return f"pages about {address}"


def execute(name, arguments):
    """Run the tool that the model asked for."""
    return TOOLS[name](**arguments) if name in TOOLS else f"there is no tool {name}"
'''


class ShadowedTool(Rule):
    code = "T110"
    name = "shadowed-tool"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "Two tools of one harness have the same name."
    why = (
        "The registry keeps the last one. The model reads one description and another function runs, or one of the two "
        "capabilities that it was promised does not exist."
    )
    fix = "Give each tool its own name, and let the registry refuse a name that is taken."
    by_hand = "Which of the two tools keeps its name is a decision, and prompts and recorded sessions name them too."
    references = ("https://platform.openai.com/docs/guides/function-calling",)
    operator = None
    bad = Example(files={"tools.py": _TOOLS})
    good = Example(files={"tools.py": _TOOLS.replace("def search(address)", "def search_web(address)")})

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Names that a registry holds twice, or that two functions of one module register by the same means."""
        for registry in model.of_role(ElementRole.TOOL_REGISTRY):
            tools = registry.value("tools")
            doubled = (
                [name for name in dict.fromkeys(tools) if tools.count(name) > 1]
                if registry.value("collection") == "dict" and isinstance(tools, list)
                else []
            )
            for name in doubled:
                yield _finding(str(name), [registry], f"{registry.name} names {name!r} more than once")
        groups: dict[tuple[str, str, str], list[Element]] = defaultdict(list)
        for tool in model.of_role(ElementRole.TOOL):
            if tool.value("registered-by") == "decorator":
                scope = tool.anchor.qualname.rpartition(".")[0]
                around = model.function(tool.anchor.path, scope) if scope else None
                if around is not None:
                    continue  # a function makes one or the other, as a branch of it decides
                groups[(tool.anchor.path, scope, str(tool.value("tool-name") or tool.name))].append(tool)
        for (path, _, name), tools_of_name in groups.items():
            lines = sorted({tool.anchor.start_line for tool in tools_of_name})
            if len(lines) > 1:
                where = " and ".join(str(line) for line in lines)
                yield _finding(name, tools_of_name[::-1], f"{path} registers {name!r} at lines {where}")


def _finding(name: str, elements: list[Element], words: str) -> Finding:
    return Finding(
        message=f"{words}: the last one is called, whatever the model was told of the others.",
        anchors=[as_anchor(element, f"is called {name}") for element in elements],
        key=name,
        confidence=0.8,
        evidence=Evidence.DERIVED,
        parameters={"name": name},
    )
