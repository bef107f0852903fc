"""The rules: one file each, in a folder per layer, found without registration."""

from functools import cache

from .base import Example, Finding, Rule, Tuning

__all__ = ["Example", "Finding", "Rule", "Tuning", "all_rules"]


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, ours and those of installed packages (entry-point group `harnessfix.rules`), by code."""
    import harnessfix.rules as package
    from harnessfix_ir.plugins import discover

    return tuple(sorted((rule() for rule in discover(package, Rule, "harnessfix.rules")), key=lambda rule: rule.code))
