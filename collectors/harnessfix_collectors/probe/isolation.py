"""What a call changed or left behind that is not its own, as events of its step."""

from collections.abc import Iterator
from typing import Any

from harnessfix_ir.document import JsonValue
from harnessfix_ir.steps import StepEvent

from .draft import Draft
from .expand import Expander
from .lines import SpanLines, integer, mapping, string

MOST_PATHS = 12
DEEPEST = 6
_CHANGED: dict[str, JsonValue] = {"how": "changed"}


def add_isolation(span: SpanLines, draft: Draft, expander: Expander) -> None:
    """Add to a step what differs between its entry and its end."""
    end = span.end or {}
    fields = {name: value for name, value in mapping(span.start.get("fields")).items() if isinstance(value, str)}
    if fields:
        draft.attributes["fields"] = fields
    given = mapping(span.start.get("args"))
    for name, after in mapping(end.get("changed")).items():
        before = expander.expand(given[name]) if name in given else None
        how = _change(before, expander.expand(after)) if name in given else _CHANGED
        _add(draft, "field_changed" if name.startswith("self.") else "argument_changed", {"name": name, **how})
    for name, told_of in mapping(end.get("kept")).items():
        if isinstance(told_of, list) and len(told_of) == 2:
            first, now = told_of
            _add(
                draft, "field_kept", {"name": name, "first": first, "now": now, "renewed": integer(end.get("renewed"))}
            )
    for setting in _objects(end.get("settings")):
        kept = {key: value for key in ("kind", "what", "path") if (value := string(setting.get(key))) is not None}
        sizes = {key: integer(setting.get(key)) for key in ("before", "after")}
        _add(draft, "setting_changed", {**kept, **sizes})
    variables: dict[str, Any] = {key: _strings(names) for key, names in mapping(end.get("env")).items()}
    if variables:
        _add(draft, "environment_changed", variables)
    folders = _strings(end.get("cwd"))
    if len(folders) == 2:
        _add(draft, "folder_changed", {"before": folders[0], "after": folders[1]})
    for event, key, names in (("tasks_alive", "tasks", ("name", "function")), ("threads_alive", "threads", ("name",))):
        left = list(_objects(end.get(key)))
        if left:
            told: dict[str, Any] = {f"{name}s": [string(each.get(name)) or "" for each in left] for name in names}
            told |= {"daemons": sum(each.get("daemon") is True for each in left)} if key == "threads" else {}
            _add(draft, event, told)


def _add(draft: Draft, name: str, told: dict[str, Any]) -> None:
    draft.events.append(StepEvent(name=name, time_ns=draft.ended_ns, attributes=told))


def _change(before: Any, after: Any) -> dict[str, JsonValue]:
    """How a value came to differ: items were appended to a list, or which places have other content."""
    if isinstance(before, list) and isinstance(after, list) and before == after[: len(before)]:
        return {"how": "appended", "items": len(after) - len(before)}
    paths = list(dict.fromkeys(_paths(before, after, "", 0)))
    return {**_CHANGED, "paths": [*paths[:MOST_PATHS]], "more": max(0, len(paths) - MOST_PATHS)}


def _paths(before: Any, after: Any, path: str, depth: int) -> Iterator[str]:
    """Dotted places that differ; of a list the first one and what was added or taken away."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict) and depth < DEEPEST:
        for key in dict.fromkeys((*before, *after)):
            if key != "$type":
                yield from _paths(before.get(key), after.get(key), f"{path}.{key}" if path else str(key), depth + 1)
        return
    if isinstance(before, list) and isinstance(after, list) and depth < DEEPEST:
        for number, (old, new) in enumerate(zip(before, after)):
            yield from _paths(old, new, f"{path}[{number}]", depth + 1)
        if len(before) != len(after):
            yield f"{path}[{min(len(before), len(after))}:]"
        return
    yield path


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
