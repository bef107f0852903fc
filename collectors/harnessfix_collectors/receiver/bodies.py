"""Bodies as they come over the wire: decompressed within bounds."""

import zlib

from .answers import Refused

GZIP, ZLIB = 31, 15
STEP = 4 << 20
WINDOWS = {"gzip": GZIP, "x-gzip": GZIP, "deflate": ZLIB, "zlib": ZLIB}


def too_large(what: str, most: int) -> Refused:
    """The refusal of a body beyond `most` bytes."""
    return Refused(f"{what} is larger than {most} bytes; send smaller batches", http=413, grpc="RESOURCE_EXHAUSTED")


def decompress(body: bytes, encoding: str, most: int) -> bytes:
    """A body without its content encoding.

    Args:
        body: as it came.
        encoding: of the header `Content-Encoding`.
        most: bytes that may come out; no more than that and one step is ever held, whatever the body says.

    Raises:
        Refused: the encoding is not known, the body is damaged or ends too soon, or more comes out.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        if len(body) > most:
            raise too_large("the body", most)
        return body
    if encoding not in WINDOWS:
        raise Refused(f"content encoding {encoding[:40]!r} is not known; use gzip or none", http=415)
    out, pending = bytearray(), body
    try:
        while pending:
            engine = zlib.decompressobj(WINDOWS[encoding])
            while not engine.eof:
                got = engine.decompress(pending, min(STEP, most + 1 - len(out)))
                out += got
                pending = engine.unconsumed_tail
                if len(out) > most:
                    raise too_large("the decompressed body", most)
                if not got and not pending and not engine.eof:
                    raise Refused(f"the {encoding} body ends too soon, after {len(out)} bytes of its content")
            pending = engine.unused_data
    except zlib.error as error:
        raise Refused(f"the body is not valid {encoding}: {error}") from None
    return bytes(out)
