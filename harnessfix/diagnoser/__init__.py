"""The diagnoser: from one compiled run and its source to diagnoses, and from many diagnoses to flaws."""

from .attribution.leading import Leading
from .consolidate import consolidate, in_order
from .diagnose import Report, ask_rules, diagnose_run, diagnose_source
from .gather import Case, Gathering
from .identity import flaw_id
from .outdated import split_outdated
from .result import Diagnosed, Work, as_configured

__all__ = [
    "Case",
    "Diagnosed",
    "Gathering",
    "Leading",
    "Report",
    "Work",
    "as_configured",
    "ask_rules",
    "consolidate",
    "diagnose_run",
    "diagnose_source",
    "flaw_id",
    "in_order",
    "split_outdated",
]
