"""`--select` and `--ignore`: rules by code, by the beginning of a code, or by name."""

from collections.abc import Mapping, Sequence

from harnessfix_ir.errors import SettingsError

from . import all_rules
from .base import Rule, Tuning


def select_rules(
    select: Sequence[str] = (), ignore: Sequence[str] = (), tunings: Mapping[str, Tuning] | None = None
) -> list[Rule]:
    """Rules that `select` names (all when it is empty) and `ignore` does not.

    Args:
        select: codes, beginnings of codes (`C`, `T1`) or names, in any case.
        ignore: the same.
        tunings: rule code or name to what is changed of it.

    Raises:
        SettingsError: one of them names no rule, or an option that the rule does not have.
    """
    rules = all_rules()
    tunings = tunings or {}
    for wanted in (*select, *ignore, *tunings):
        if wanted.upper() != "ALL" and not any(_names(wanted, rule) for rule in rules):
            raise SettingsError(f"no rule is called {wanted!r}", hint="`harnessfix rules` lists them.")
    return [
        _tuned(rule, tunings)
        for rule in rules
        if (not select or any(_names(wanted, rule) for wanted in select))
        and not any(_names(unwanted, rule) for unwanted in ignore)
    ]


def _names(wanted: str, rule: Rule) -> bool:
    return wanted.upper() == "ALL" or rule.code.startswith(wanted.upper()) or rule.name == wanted.lower()


def _tuned(rule: Rule, tunings: Mapping[str, Tuning]) -> Rule:
    tuning = next((each for name, each in tunings.items() if name.upper() == rule.code or name == rule.name), None)
    return rule if tuning is None else rule.tuned(tuning)
