"""What runs spend, as tables."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harnessfix.cli.plain import one_line, plain
from harnessfix.diagnoser.costs.memories import MemoryUse
from harnessfix.diagnoser.costs.prefixes import LEAST, CacheUse

POOR = 0.5  # a share below it is shown as a loss


def cache_of_runs(found: Sequence[CacheUse]) -> RenderableType:
    """One line a run."""
    table = _table("run", "requests>", "characters>", "could be reused>", "was reused>", "lost>", "broken by")
    for use in found:
        if not use.requests:
            continue
        breaks = [request for request in use.requests if request.broken_at]
        worst = max(breaks, key=lambda r: r.characters - r.reusable, default=None)
        table.add_row(
            Text(use.run[:8], style="bold"),
            f"{len(use.requests):,}",
            f"{use.characters:,}",
            _share(use.reusable / use.characters if use.characters else 0.0, bad=bool(use.lost)),
            _reported(use.cached_share),
            Text(f"{use.lost:,}" if use.lost else "", style="red"),
            "" if worst is None else one_line(f"{worst.step} {worst.broken_at}", 80, ends=False),
        )
    if not table.rows:
        return Text("no request to a model was recorded", style="dim")
    return Group(table, _legend())


def cache_of_run(use: CacheUse) -> RenderableType:
    """One line a request."""
    if not use.requests:
        return Text("no request to a model was recorded", style="dim")
    table = _table("step", "after", "characters>", "could be reused>", "was reused>", "broken by", "asked at")
    for request in use.requests:
        tokens = request.cached_tokens
        reported = tokens / request.input_tokens if tokens is not None and request.input_tokens else None
        table.add_row(
            Text(request.step, style="bold"),
            request.previous or "",
            f"{request.characters:,}",
            _share(request.share, bad=bool(request.broken_at)) if request.previous else Text("first", style="dim"),
            _reported(reported),
            one_line(request.broken_at, 80, ends=False),
            Text(plain(request.place), style="dim"),
        )
    return Group(table, _legend())


def _legend() -> Text:
    return Text(
        f"Providers reuse what two requests begin with in common, from about {LEAST:,} characters on; "
        "`lost` was sent before and came behind a change.",
        style="dim",
    )


def memory_table(found: Sequence[MemoryUse]) -> RenderableType:
    """One line a backend."""
    if not found:
        return Text("no memory was written or read in these runs, as far as they were recorded", style="dim")
    table = _table(
        "backend",
        "runs>",
        "writes>",
        "written>",
        "never read>",
        "reads>",
        "read>",
        "reached a model>",
        "seconds>",
        "failed>",
    )
    for use in found:
        table.add_row(
            Text(one_line(use.backend, 40), style="bold"),
            f"{use.runs:,}",
            f"{use.writes:,}",
            f"{use.written:,}",
            Text(f"{use.idle:,}", style="red" if use.idle and use.idle * 2 > use.writes else ""),
            f"{use.reads:,}",
            f"{use.read:,}",
            _share(use.used / use.read, bad=use.used / use.read < POOR) if use.read else Text("-", style="dim"),
            f"{use.write_seconds + use.read_seconds:.1f}",
            Text(f"{use.failed:,}", style="red" if use.failed else "dim"),
        )
    return Group(
        table,
        Text("`written` and `read` are characters; `never read`: writes that no later read gave back.", style="dim"),
    )


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        right = title.endswith(">")
        table.add_column(title.rstrip(">"), justify="right" if right else "left", no_wrap=True, overflow="ellipsis")
    return table


def _share(share: float, *, bad: bool) -> Text:
    return Text(f"{100 * share:.0f} %", style="red" if bad else "green")


def _reported(share: float | None) -> Text:
    return Text("not told", style="dim") if share is None else Text(f"{100 * share:.0f} %")
