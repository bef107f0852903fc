"""Make `formats.md` from the readers and dialects there are: `python docs/make_formats.py`."""

import sys
from pathlib import Path

from harnessfix_collectors.dialects import all_dialects
from harnessfix_collectors.readers import all_readers

PAGE = Path(__file__).parent / "formats.md"
HEAD = """# Trace formats

`harnessfix import FILES` reads these, plain or gzip, recognised by their content; `--from NAME` insists on one.
This page is made by `python docs/make_formats.py` from what the readers say of themselves.

What a reader does not understand is never dropped: it stays in the attributes of the step it belongs to
(`harnessfix show RUN STEP` prints them), or of the run. Of a record that was mapped only what the step does not
hold is kept; a list that lost items is kept as an object that names the places of the others. A broken line loses
only itself and is named in the run's notes. Secrets are replaced before anything is stored.

**Marks are kept away from steps.** Rewards, scores, human annotations and the expected answers that benchmark files
carry are in the run's attributes under `evaluation`, and become its label where they say how the run ended; they
are never text of a step. Whoever shows a run to a model must leave that key out.

**Size.** A file of lines, or one long list, is read as a stream; a large one (from 64 MiB) is cut into pieces of
whole runs, so that memory follows the largest run and not the file. A single document of more than 1 GiB is
refused.

## Readers

"""
MIDDLE = """
## Dialects

Spans are understood by the attributes that are present, whatever their schema URL says; the first that recognises a
span reads it. Two records of one model call, of a client and of the framework around it, become one step with both
span ids.

| Dialect | What |
|---|---|
"""


def page() -> str:
    """The text of the page."""
    parts = []
    for reader in sorted(all_readers(), key=lambda reader: reader.name):
        large = (
            "cut by run when large" if reader.many else "one run a file" if reader.name != "inspect" else "by sample"
        )
        parts.append(
            f"### `{reader.name}`\n\n{reader.title}; {large}.\n\n{reader.maps}  \nKept beside: {reader.keeps}\n"
        )
    rows = []
    for dialect in all_dialects():
        module = sys.modules[type(dialect).__module__]
        what = " ".join((module.__doc__ or "").split("\n\n")[0].split())
        rows.append(f"| `{dialect.name}` | {what} |\n")
    return HEAD + "\n".join(parts) + MIDDLE + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
