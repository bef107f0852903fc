"""The texts of a protobuf message, one by one."""

from collections.abc import Callable
from typing import Any


def change_texts(message: Any, change: Callable[[str], str]) -> None:
    """Put `change(text)` for every text in a message and in the messages inside it.

    Args:
        message: of any type; changed in place.
        change: gives back the very same text where nothing is to be changed.
    """
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in value if field.is_repeated else (value,):
                change_texts(inner, change)
        elif field.type == field.TYPE_STRING and not field.is_repeated:
            changed = change(value)
            if changed != value:
                setattr(message, field.name, changed)
