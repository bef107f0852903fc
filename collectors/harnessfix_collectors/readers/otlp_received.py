"""What `harnessfix collect` keeps of a run: the OTLP messages that spoke of its trace, as they came."""

from collections.abc import Iterator

from harnessfix_collectors.files import TraceFile
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.otlp.assemble import recordings
from harnessfix_collectors.otlp.frames import MAGIC, read_frames
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

from .base import Reader


class OtlpReceived(Reader):
    """A block of `TracesData` and `LogsData` messages, see `otlp/frames.py`."""

    name = "otlp-received"
    title = "OTLP messages as `harnessfix collect` received them"
    priority = 10

    maps = "As otlp-json."
    keeps = "As otlp-json."

    def recognises(self, opening: Opening) -> bool:
        """By its first line."""
        return opening.head.startswith(MAGIC)

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording per trace."""
        data, filename = file.data(), file.name
        try:
            from google.protobuf.message import DecodeError

            from harnessfix_collectors.otlp.decode_proto import spans_of_messages
        except ImportError as error:
            raise BadInputError(
                f"{filename}: received runs cannot be read: {error.name} is not installed",
                hint="pip install 'harnessfix[collect]'",
            ) from None
        try:
            spans = list(spans_of_messages(read_frames(data)))
        except (ValueError, DecodeError) as error:
            raise BadInputError(f"{filename}: {error}", hint="Restore the store from a backup.") from None
        yield from recordings(spans, self.name, filename, ())
