"""G101: a harness asks before some actions and not before a more dangerous one."""

from collections.abc import Iterable

from harnessfix.rules._query import as_anchor, names
from harnessfix.rules.base import Example, Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity

_TOOLS = r'''import shutil
import subprocess


def confirm(question):
    """Ask the user for permission."""
    return input(f"{question} [y/N] ").strip().lower() == "y"


def run_command(command):
    """Run a shell command, if the user agrees."""
    if not confirm(f"Run {command}?"):
        return "the user said no"
    return subprocess.run(command, shell=True, capture_output=True, text=True, errors="replace", timeout=60).stdout


def delete_folder(path):
    """Delete a folder and all that is in it."""
    shutil.rmtree(path)
    return f"deleted {path}"


TOOLS = {"run_command": run_command, "delete_folder": delete_folder}
'''


class UngatedDestructiveAction(Rule):
    code = "G101"
    name = "ungated-destructive-action"
    keeps = Property.ORDER
    severity = Severity.WARNING
    summary = "One destructive tool asks for permission, another does not."
    why = (
        "The gate shows that somebody meant such actions to be approved. A tool that deletes, pays or pushes "
        "without it makes the promise void: the model needs only to choose the other tool."
    )
    fix = "Put the same approval in front of every destructive tool, before anything is changed."
    references = ("https://genai.owasp.org/llmrisk/llm062025-excessive-agency/",)
    operator = "require-approval"
    bad = Example(files={"tools.py": _TOOLS})
    good = Example(
        files={
            "tools.py": _TOOLS.replace(
                "    shutil.rmtree(path)\n",
                '    if not confirm(f"Delete {path}?"):\n        return "the user said no"\n    shutil.rmtree(path)\n',
            )
        }
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Destructive tools without an approval, in a harness that has one in front of another destructive tool."""
        approvals = list(model.of_role(ElementRole.APPROVAL))
        gates = {a.anchor.symbol for a in approvals}
        guarded = {name.rpartition(":")[2] for approval in approvals for name in names(approval.value("guards"))}
        asking = {caller for gate in gates for caller in model.callers.get(gate, ())}
        destructive = [tool for tool in model.of_role(ElementRole.TOOL) if tool.fact("destructive")]
        gated = [tool for tool in destructive if tool.anchor.symbol in asking or tool.anchor.qualname in guarded]
        for tool in destructive if gated else ():
            if tool in gated:
                continue
            yield Finding(
                message=f"`{tool.name}` {tool.value('destructive')} and asks nobody, while {gated[0].name} "
                f"({gated[0].anchor.place}) asks for permission first.",
                anchors=[as_anchor(tool, "acts without asking")],
                confidence=0.65,
                evidence=Evidence.DERIVED,
                parameters={
                    "gate": sorted(gates)[0].rpartition(":")[2].rpartition(".")[2],
                    "like": gated[0].anchor.qualname,
                },
            )
