"""The operators: one file each, found without registration."""

from functools import cache

from .base import EditExample, GuardExample, Operator, Refusal

__all__ = ["EditExample", "GuardExample", "Operator", "Refusal", "all_operators"]


@cache
def all_operators() -> dict[str, Operator]:
    """Every operator by name, ours and those of installed packages (entry-point group `harnessfix.operators`)."""
    import harnessfix_repairs.operators as package
    from harnessfix_ir.plugins import discover

    found = (operator() for operator in discover(package, Operator, "harnessfix.operators"))
    return {operator.name: operator for operator in sorted(found, key=lambda operator: operator.name)}
