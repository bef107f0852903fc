"""`harnessfix explain RULE`."""

import click

from harnessfix.cli import data
from harnessfix.cli.options import format_option


@click.command("explain")
@click.argument("rule")
@format_option("text", "json", "markdown")
def command(rule: str, output_format: str) -> None:
    """Explain a rule, by code (T102) or name: what it finds, why it matters, a bad and a good example, the repair."""
    from harnessfix.reports.rule_page import rule_page
    from harnessfix.reports.rules_json import rule_document
    from harnessfix.rules.selection import select_rules

    for found in select_rules([rule]):
        if output_format == "json":
            data.dump(rule_document(found))
            continue
        page = rule_page(found)
        if output_format == "markdown":
            data.show(page)
        else:
            from rich.markdown import Markdown

            data.show(Markdown(page))
