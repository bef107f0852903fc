"""A rule of the source and the operator that it names: the repair is in scope, and the rule is silent on the result."""

from pathlib import Path

import pytest

from harnessfix.diagnoser import diagnose_source
from harnessfix.rules import all_rules
from harnessfix_ir.findings import FlawRecord
from harnessfix_ir.source import read_harness
from harnessfix_repairs.apply import apply, undo
from harnessfix_repairs.patch import Patch, propose

RULES = {rule.code: rule for rule in all_rules() if rule.operator is not None and rule.bad.run is None}


@pytest.mark.parametrize("code", RULES)
def test_the_rule_is_silent_on_what_its_operator_made(code: str, tmp_path: Path) -> None:
    rule = RULES[code]
    for name, text in rule.bad.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = diagnose_source(read_harness([tmp_path]), [rule]).diagnoses
    assert found
    patches = []
    for diagnosis in found:
        patch = propose(tmp_path, FlawRecord(flaw=diagnosis.flaw, best=diagnosis))
        assert isinstance(patch, Patch), patch.reason
        patches.append(patch)
        apply(tmp_path, patch)
    left = diagnose_source(read_harness([tmp_path]), [rule]).diagnoses
    assert not [diagnosis.message for diagnosis in left]
    for patch in reversed(patches):
        undo(tmp_path, patch.id)
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in rule.bad.files} == dict(rule.bad.files)


GONE_THROUGH = """\
from dataclasses import dataclass


@dataclass
class Step:
    calls: list[str] | None = None

    def names(self):
        return [call.upper() for call in self.calls]
"""


@pytest.mark.parametrize(
    ("source", "operator"),
    [
        (GONE_THROUGH, "guard-optional"),
        (GONE_THROUGH.replace("[call.upper() for call in self.calls]", "self.calls[0]"), None),
    ],
)
def test_a_field_that_may_be_none_is_guarded_only_where_it_is_gone_through(
    source: str, operator: str | None, tmp_path: Path
) -> None:
    rule = next(rule for rule in all_rules() if rule.code == "L130")
    (tmp_path / "agent.py").write_text(source)
    (diagnosis,) = diagnose_source(read_harness([tmp_path]), [rule]).diagnoses
    assert diagnosis.operator == operator
    if operator is not None:
        patch = propose(tmp_path, FlawRecord(flaw=diagnosis.flaw, best=diagnosis))
        assert isinstance(patch, Patch), patch.reason
        apply(tmp_path, patch)
        assert not diagnose_source(read_harness([tmp_path]), [rule]).diagnoses
