"""The store: runs with their original bytes, findings, patches, verdicts and what was learnt from them.

`Store.open(path_or_url)` is the one entry. SQLAlchemy is imported only when `Store` is first asked for, so a command
that needs no store imports this package for nothing: import `Store` inside the function that opens one.
"""

from typing import TYPE_CHECKING

from .documents import (
    RECORDED,
    Brief,
    CacheUse,
    EarlierBlock,
    Label,
    Merged,
    Pruned,
    RunFacts,
    RunRow,
    StepHit,
    StepRow,
    StoreInfo,
    foreign_name,
)
from .locate import default_store_path, find_store

if TYPE_CHECKING:
    from .store import Store

__all__ = [
    "RECORDED",
    "Brief",
    "CacheUse",
    "EarlierBlock",
    "Label",
    "Merged",
    "Pruned",
    "RunFacts",
    "RunRow",
    "StepHit",
    "StepRow",
    "Store",
    "StoreInfo",
    "default_store_path",
    "find_store",
    "foreign_name",
]


def __getattr__(name: str) -> object:
    if name == "Store":
        from .store import Store

        return Store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
