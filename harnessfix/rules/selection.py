"""`--select` and `--ignore`: rules by code, by the beginning of a code, or by name."""

from collections.abc import Sequence

from harnessfix_ir.errors import SettingsError

from . import all_rules
from .base import Rule


def select_rules(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
    """Rules that `select` names (all when it is empty) and `ignore` does not.

    Args:
        select: codes, beginnings of codes (`C`, `T1`) or names, in any case.
        ignore: the same.

    Raises:
        SettingsError: one of them names no rule.
    """
    rules = all_rules()
    for wanted in (*select, *ignore):
        if wanted.upper() != "ALL" and not any(_names(wanted, rule) for rule in rules):
            raise SettingsError(f"no rule is called {wanted!r}", hint="`harnessfix rules` lists them.")
    return [
        rule
        for rule in rules
        if (not select or any(_names(wanted, rule) for wanted in select))
        and not any(_names(unwanted, rule) for unwanted in ignore)
    ]


def _names(wanted: str, rule: Rule) -> bool:
    return wanted.upper() == "ALL" or rule.code.startswith(wanted.upper()) or rule.name == wanted.lower()
