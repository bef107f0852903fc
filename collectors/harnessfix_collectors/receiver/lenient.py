"""Messages whose texts are not UTF-8, as exporters write them that cut a text in the middle of a character.

Protobuf refuses such a message as a whole. Read with the same schema in which every string is a sequence of bytes, all
of it is there; the broken bytes are then replaced by U+FFFD and the rest of the batch is kept.
"""

from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from harnessfix_collectors.otlp.frames import Signal

from .shapes import SHAPES


def mended(signal: Signal, body: bytes) -> tuple[bytes, int]:
    """The message with all texts in UTF-8, and how many had to be mended.

    Raises:
        google.protobuf.message.DecodeError: it is no message of that signal at all.
    """
    message = _bytes_class(signal).FromString(body)
    count = _mend(message)
    if not count:
        raise DecodeError("not a message of that signal")
    data: bytes = message.SerializeToString()
    return data, count


def _mend(message: Any) -> int:
    count = 0
    for field, value in message.ListFields():
        if field.type == FieldDescriptorProto.TYPE_MESSAGE:
            count += sum(map(_mend, value)) if field.is_repeated else _mend(value)
        elif field.type == FieldDescriptorProto.TYPE_BYTES and field.full_name in _texts():
            old = list(value) if field.is_repeated else [value]
            new = [each.decode("utf-8", "replace").encode() for each in old]
            changed = sum(a != b for a, b in zip(old, new))
            if changed and field.is_repeated:
                value[:] = new
            elif changed:
                setattr(message, field.name, new[0])
            count += changed
    return count


@cache
def _files() -> dict[str, FileDescriptorProto]:
    """The files of both requests by name, those that others import first."""
    found: dict[str, FileDescriptorProto] = {}

    def visit(descriptor: Any) -> None:
        for dependency in descriptor.dependencies:
            visit(dependency)
        if descriptor.name not in found:
            found[descriptor.name] = FileDescriptorProto.FromString(descriptor.serialized_pb)

    for shape in SHAPES.values():
        visit(shape.request.DESCRIPTOR.file)
    return found


@cache
def _texts() -> frozenset[str]:
    """Full names of the fields that are strings in the real schema."""
    return frozenset(
        f"{file.package}.{path}.{field.name}"
        for file in _files().values()
        for top in file.message_type
        for path, message in _nested(top.name, top)
        for field in message.field
        if field.type == FieldDescriptorProto.TYPE_STRING
    )


def _nested(path: str, message: Any) -> Any:
    yield path, message
    for inner in message.nested_type:
        yield from _nested(f"{path}.{inner.name}", inner)


@cache
def _bytes_class(signal: Signal) -> Any:
    pool = DescriptorPool()
    for file in _files().values():
        changed = FileDescriptorProto.FromString(file.SerializeToString())
        for top in changed.message_type:
            for _, message in _nested(top.name, top):
                for field in message.field:
                    if field.type == FieldDescriptorProto.TYPE_STRING:
                        field.type = FieldDescriptorProto.TYPE_BYTES
        pool.Add(changed)
    return GetMessageClass(pool.FindMessageTypeByName(SHAPES[signal].request.DESCRIPTOR.full_name))
