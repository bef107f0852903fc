"""What every sample says arrives whole: through the receiver, over JSON, and from files of protobuf messages."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.conservation import lost_texts
from harnessfix_collectors.otlp.frames import write_frames
from harnessfix_collectors.readers import read_bytes

SAMPLES = sorted((Path(__file__).parents[1] / "collectors" / "samples").glob("*.jsonl"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_text_that_was_sent_is_in_the_steps_or_kept_beside_them(running: Any, path: Path) -> None:
    for line in path.read_bytes().splitlines():
        assert running.post(line, kind="application/json").status == 200
    messages = [(chunk.signal, chunk.data) for chunk in running.sink.chunks]
    assert messages
    received = list(read_bytes(write_frames(messages), "received", "otlp-received"))
    assert lost_texts(path.read_bytes(), received) == []
    file = b"".join(len(data).to_bytes(4, "big") + data for _, data in messages)
    assert lost_texts(path.read_bytes(), list(read_bytes(file, "traces.bin", "otlp-protobuf"))) == []
