"""The diagnoser: from one compiled run and its source to diagnoses, and from many diagnoses to flaws."""

from .consolidate import consolidate
from .diagnose import Report, diagnose_run, diagnose_source
from .identity import flaw_id
from .outdated import split_outdated
from .result import Diagnosed

__all__ = ["Diagnosed", "Report", "consolidate", "diagnose_run", "diagnose_source", "flaw_id", "split_outdated"]
