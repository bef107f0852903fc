"""revive-setting: a key that nobody reads gets the name of the field that it was meant for."""

import difflib
from collections.abc import Mapping

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import RepairSpec
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.config import ConfigFile, with_key
from harnessfix_repairs.editing.operator import source_of

from .base import EditExample, Operator, Refusal

_YAML = """\
# the agent
agent:
  step_limits: 24   # model turns
  cost_limit: 3.0
"""
_TOML = '[agent]\nsytem_prompt = "Be brief."  # shown first\n'
_JSON = '{"agent": {"temprature": 0.2, "model": "m"}}\n'


class ReviveSetting(Operator):
    """Renames one key; its value, its place, comments and the rest of the file stay byte for byte.

    Anchor: the key, by its path.

    Parameters:
        field: the field that the class declares; without it the edit is refused.
    """

    name = "revive-setting"
    summary = "Rename a dead configuration key to the field that exists."
    safety = Safety.UNSAFE
    fix_safety = (
        "The setting takes effect for the first time: what runs with the default until now runs with the value that "
        "is written there. Look at the value before accepting it."
    )
    examples = (
        EditExample(
            _YAML,
            _YAML.replace("step_limits: 24   #", "step_limit: 24   #"),
            path="config.yaml",
            qualname="agent.step_limits",
            line=3,
            parameters={"field": "step_limit"},
        ),
        EditExample(
            _TOML,
            _TOML.replace("sytem", "system"),
            path="agent.toml",
            qualname="agent.sytem_prompt",
            line=2,
            parameters={"field": "system_prompt"},
        ),
        EditExample(
            _JSON,
            _JSON.replace("temprature", "temperature"),
            path="agent.json",
            qualname="agent.temprature",
            parameters={"field": "temperature"},
        ),
        EditExample(
            _YAML, "", path="config.yaml", qualname="agent.step_limits", line=3, parameters={"field": "cost_limit"}
        ),
        EditExample(_YAML, "", path="config.yaml", qualname="agent.step_limits", line=3),
    )

    def symbols(self, files: Mapping[str, str], anchor: Anchor, parameters: Mapping[str, JsonValue]) -> list[str]:
        """The key under its new name."""
        field = parameters.get("field")
        return [f"{anchor.path}:{_renamed(anchor.qualname, field)}"] if isinstance(field, str) else []

    def edit(self, files: Mapping[str, str], anchor: Anchor, spec: RepairSpec) -> dict[str, str]:
        """Rename the key at the anchor."""
        field = parameters.text(spec, "field")
        old = anchor.qualname.rpartition(".")[2]
        if not field or not field.replace("-", "_").isidentifier():
            raise Refusal(f"no declared field resembles {anchor.qualname}, so its new name is not known")
        if difflib.SequenceMatcher(None, old, field).ratio() < 0.5:
            raise Refusal(f"{field} does not resemble {old} enough to be what was meant")
        file = ConfigFile(anchor.path, source_of(files, anchor))
        target = _renamed(anchor.qualname, field)
        names = {entry.path for entry in file.entries}
        if anchor.qualname not in names and target in names:
            return {}
        if target in names:
            raise Refusal(f"{anchor.path} has {target} already")
        entry = file.find(anchor)
        start, end = entry.key
        written = file.text[start:end].replace(old, field, 1)
        if written == file.text[start:end]:
            raise Refusal(f"{anchor.path}:{anchor.start_line} spells {old} in a way that is not edited")
        expected = with_key(file.data, anchor.qualname, field)
        return {anchor.path: file.spliced(start, end, written, expected)}


def _renamed(path: str, field: str) -> str:
    parent = path.rpartition(".")[0]
    return f"{parent}.{field}" if parent else field
