"""`harnessfix rules`: the list of rules."""

import click

from harnessfix.cli import data
from harnessfix.cli.options import format_option, rule_options, split_codes


@click.command("rules")
@format_option("text", "json")
@rule_options
def command(output_format: str, select: tuple[str, ...], ignore: tuple[str, ...]) -> None:
    """List the rules: code, name, layer, how much it matters, and the operator that repairs it."""
    from harnessfix.rules.selection import select_rules

    chosen = select_rules(split_codes(select), split_codes(ignore))
    if output_format == "json":
        from harnessfix.reports.rules_json import rule_document

        data.dump({"schema": "harnessfix.rules/1", "rules": [rule_document(rule) for rule in chosen]})
        return
    from rich.table import Table
    from rich.text import Text

    from harnessfix.cli.render.layers import LAYER_STYLE, SEVERITY_STYLE

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for title in ("code", "name", "layer", "severity", "repair", "finds"):
        table.add_column(title, no_wrap=title != "finds")
    for rule in chosen:
        table.add_row(
            Text(rule.code, style="bold"),
            rule.name,
            Text(rule.layer.value, style=LAYER_STYLE[rule.layer]),
            Text(rule.severity.value, style=SEVERITY_STYLE[rule.severity]),
            Text(rule.operator or "", style="dim"),
            Text(rule.summary),
        )
    data.show(table)
