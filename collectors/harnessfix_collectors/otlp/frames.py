"""What a receiver keeps of a run: OTLP messages as they came, one after the other, each with its signal and length.

A block is `MAGIC`, then frames: one byte for the signal, four bytes of length (big-endian), a protobuf message
`TracesData` or `LogsData`. Traces and logs cannot simply be concatenated as protobuf allows for one of them: both use
field 1 for their resources.
"""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Literal

Signal = Literal["traces", "logs"]

MAGIC = b"harnessfix-received/1\n"
SIGNALS: dict[bytes, Signal] = {b"T": "traces", b"L": "logs"}
LETTERS = {signal: letter for letter, signal in SIGNALS.items()}
HEAD = Struct(">cI")


def write_frames(messages: Iterable[tuple[Signal, bytes]]) -> bytes:
    """A block of these messages, in their order."""
    parts = [MAGIC]
    for signal, message in messages:
        parts += (HEAD.pack(LETTERS[signal], len(message)), message)
    return b"".join(parts)


def read_frames(block: bytes) -> Iterator[tuple[Signal, bytes]]:
    """The messages of a block.

    Raises:
        ValueError: it is no block, or it is damaged; the message names the byte.
    """
    if not block.startswith(MAGIC):
        raise ValueError("it does not begin as a block of received messages does")
    at = len(MAGIC)
    while at < len(block):
        if at + HEAD.size > len(block):
            raise ValueError(f"a frame is cut off at byte {at}")
        letter, length = HEAD.unpack_from(block, at)
        end = at + HEAD.size + length
        if letter not in SIGNALS or end > len(block):
            raise ValueError(f"a frame is damaged at byte {at}")
        yield SIGNALS[letter], block[at + HEAD.size : end]
        at = end
