"""Rules as JSON, for `harnessfix rules` and `harnessfix explain`."""

from harnessfix.rules import Rule
from harnessfix_ir.document import JsonValue


def rule_document(rule: Rule) -> dict[str, JsonValue]:
    """One rule, examples included."""
    from harnessfix_repairs.operators import all_operators

    operator = all_operators().get(rule.operator or "")
    return {
        "code": rule.code,
        "name": rule.name,
        "layer": rule.layer.value,
        "property": rule.keeps.value,
        "severity": rule.severity.value,
        "summary": rule.summary,
        "explanation": rule.why,
        "fix": rule.fix,
        "references": list(rule.references),
        "options": dict(rule.options),
        "operator": rule.operator,
        "by_hand": rule.by_hand or None,
        "fix_availability": "none" if operator is None else "sometimes",
        "safety": None if operator is None else operator.safety.value,
        "fix_safety": None if operator is None else operator.fix_safety,
        "bad": dict(rule.bad.files),
        "good": dict(rule.good.files),
    }
