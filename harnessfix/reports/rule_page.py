"""The Markdown page of a rule, made from the rule itself."""

from collections.abc import Iterator

from harnessfix.rules import Example, Rule

from .rules_json import rule_document


def rule_page(rule: Rule) -> str:
    """One page: what it finds, why it matters, examples, repair and references."""
    return "\n".join(_lines(rule)).rstrip() + "\n"


def _lines(rule: Rule) -> Iterator[str]:
    facts = rule_document(rule)
    yield f"# {rule.name} ({rule.code})"
    yield ""
    yield f"Layer **{rule.layer.value}** · property **{rule.keeps.value}** · severity **{rule.severity.value}**"
    yield ""
    yield from ("## What it finds", "", rule.summary, "")
    yield from ("## Why it matters", "", rule.why, "")
    yield from ("## Bad", "")
    yield from _example(rule.bad)
    yield from ("## Good", "")
    yield from _example(rule.good)
    if rule.fix:
        yield from ("## What to do", "", rule.fix, "")
    if facts["fix_safety"]:
        yield from ("## Fix safety", "", f"Operator `{rule.operator}`, {facts['safety']}. {facts['fix_safety']}", "")
    if rule.by_hand:
        often = "often " if rule.operator else ""
        yield from (f"## Why it is {often}repaired by hand", "", rule.by_hand, "")
    if rule.options:
        yield from ("## Options", "", f"In `[tool.harnessfix.rules.{rule.code}]`, each with its default:", "")
        yield from (f"- `{name} = {default:g}`" for name, default in rule.options.items())
        yield ""
    if rule.references:
        yield from ("## References", "")
        yield from (f"- <{reference}>" for reference in rule.references)


def _example(example: Example) -> Iterator[str]:
    for path, text in example.files.items():
        language = {"py": "python", "yaml": "yaml", "yml": "yaml", "toml": "toml", "json": "json"}
        yield f"`{path}`"
        yield ""
        yield f"```{language.get(path.rsplit('.', 1)[-1], 'text')}"
        yield text.rstrip("\n")
        yield "```"
        yield ""
