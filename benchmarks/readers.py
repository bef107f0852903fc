"""What the readers make of a folder of trace files, or how they bear one large file.

    python -m benchmarks.readers FOLDER      a line per file: runs, steps by kind, texts lost, notes, CPU seconds
    python -m benchmarks.readers --large MB  a made-up OTLP file of that size: peak memory, and CPU against parsing it

Texts are string values of the file's JSON; one is lost when it is neither in a step nor kept beside one.
"""

import argparse
import json
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.conservation import lost_texts
from harnessfix_collectors.files import TraceFile, Trouble
from harnessfix_collectors.pieces import pieces
from harnessfix_collectors.readers import reader_of
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

REPLACED = "attachment://"
"""How an Inspect log refers to a text that it keeps apart; the reader puts the text in its place."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--large", type=int, metavar="MB")
    parser.add_argument("--summary", action="store_true", help="a line per format instead of one per file")
    wanted = parser.parse_args()
    if wanted.large:
        measure_large(wanted.large)
    elif wanted.folder:
        table(wanted.folder, wanted.summary)
    else:
        parser.error("a folder or --large is needed")


def table(folder: Path, summary: bool) -> None:
    """Read every file below `folder` and print what came of it."""
    by_format: dict[str, Counter[str]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        began = time.process_time()
        try:
            file = TraceFile.at(path)
            reader = reader_of(file)
            runs = list(reader.read(file))
        except BadInputError as error:
            by_format.setdefault("(refused)", Counter())["files"] += 1
            if not summary:
                print(f"{'-':16} {path.name[:44]:44} {str(error).removeprefix(f'{path.name}: ')[:90]}")
            continue
        cpu = time.process_time() - began
        lost = [text for text in lost_texts(file.data(), runs) if not text.startswith(REPLACED)]
        counts = by_format.setdefault(reader.name, Counter())
        counts.update(files=1, runs=len(runs), lost=len(lost), notes=sum(len(run.incomplete) for run in runs))
        counts.update(_kinds(runs))
        if not summary:
            kinds = " ".join(f"{kind} {number}" for kind, number in sorted(_kinds(runs).items()))
            print(f"{reader.name:16} {path.name[:44]:44} {len(runs):4} runs  {len(lost)} lost  {cpu:6.2f} s  {kinds}")
    print()
    for name, counts in sorted(by_format.items()):
        print(f"{name:16} " + "  ".join(f"{key} {number}" for key, number in counts.items()))


def _kinds(runs: list[Recording]) -> Counter[str]:
    return Counter(step.kind.value for run in runs for step in run.steps)


def measure_large(megabytes: int) -> None:
    """Peak memory and CPU time of reading one large file in pieces."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.jsonl"
        spans = 0
        with path.open("w") as file:
            while file.tell() < megabytes << 20:
                file.write(_line(spans))
                spans += 20
        began = time.process_time()
        with path.open("rb") as raw:
            for line in raw:
                json.loads(line)
        parsing = time.process_time() - began
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        found = TraceFile.at(path)
        reader = reader_of(found)
        runs = steps = 0
        for piece in pieces(found, reader, Trouble(found.name)):
            for run in reader.read(piece):
                runs, steps = runs + 1, steps + len(run.steps)
        reading = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"{path.stat().st_size >> 20} MiB, {spans} spans written; {runs} runs, {steps} steps read")
        print(f"peak memory {peak >> 10} MiB, of which {before >> 10} MiB before reading")
        print(f"CPU {reading:.1f} s, {reading / parsing:.1f} times json.loads of every line")


def _line(number: int) -> str:
    """Twenty spans of traces that are interleaved with their neighbours."""
    return (
        json.dumps(
            {
                "resourceSpans": [
                    {"resource": {}, "scopeSpans": [{"scope": {"name": "made"}, "spans": [*_spans(number)]}]}
                ]
            }
        )
        + "\n"
    )


def _spans(first: int) -> Iterator[dict[str, object]]:
    for number in range(first, first + 20):
        trace = number // 400 * 8 + number % 8
        said = [{"role": "user", "parts": [{"type": "text", "content": f"{number}: " + "so it went on. " * 20}]}] * 4
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(said)}
        yield {
            "traceId": f"{trace + 1:032x}",
            "spanId": f"{number + 1:016x}",
            "name": "chat m",
            "startTimeUnixNano": str(number * 1000 + 1),
            "endTimeUnixNano": str(number * 1000 + 500),
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
        }


if __name__ == "__main__":
    main()
