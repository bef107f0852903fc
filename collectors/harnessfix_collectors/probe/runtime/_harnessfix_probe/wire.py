"""HTTP/1.1 messages as they go over the wire: enough of the format to know what was asked and answered."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Message:
    """One message.

    Args:
        data: its bytes, perhaps not all of them.
    """

    def __init__(self, data: bytes) -> None:
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.first = lines[0]
        self.headers: list[tuple[str, str]] = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                self.headers.append((name.strip().lower(), value.strip()))
        self._rest = rest
        self._has_head = b"\r\n\r\n" in data

    def header(self, name: str) -> str:
        """A header's value, empty without it."""
        return next((value for known, value in self.headers if known == name), "")

    def body(self) -> bytes:
        """The body without its transfer coding, as far as it is there."""
        return self._framed()[0]

    def complete(self, closed: bool = False) -> bool:
        """Whether nothing is lacking; `closed` when the connection ended after these bytes."""
        return self._has_head and self._framed()[1] in ((True,) if not closed else (True, None))

    def _framed(self) -> tuple[bytes, bool | None]:
        """Body, and whether it is whole: None when only the end of the connection can tell."""
        if "chunked" in self.header("transfer-encoding").lower():
            return dechunked(self._rest)
        length = self.header("content-length")
        if length.isdigit():
            return self._rest[: int(length)], len(self._rest) >= int(length)
        if not self.first.startswith("HTTP/"):
            return self._rest, True
        return self._rest, None


def dechunked(data: bytes) -> tuple[bytes, bool]:
    """A chunked body without its framing, and whether its last chunk is there."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return b"".join(parts), False
        try:
            size = int(data[at:end].partition(b";")[0], 16)
        except ValueError:
            return b"".join(parts), False
        if size == 0:
            return b"".join(parts), True
        parts.append(data[end + 2 : end + 2 + size])
        if len(parts[-1]) < size:
            return b"".join(parts), False
        at = end + 2 + size + 2


def decoded(body: bytes, encoding: str) -> bytes | None:
    """A body without its content coding; None when the coding is unknown here or the body is cut off."""
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        if name == "identity":
            continue
        try:
            body = _DECODERS[name](body)
        except Exception:
            return None
    return body


def _gzip(body: bytes) -> bytes:
    import zlib

    return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body)


def _deflate(body: bytes) -> bytes:
    import zlib

    try:
        return zlib.decompress(body)
    except zlib.error:
        return zlib.decompress(body, -zlib.MAX_WBITS)


def _brotli(body: bytes) -> bytes:
    """The program asked for this coding, so it has a library for it."""
    try:
        import brotli  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        import brotlicffi as brotli  # type: ignore[import-not-found,unused-ignore]
    out: bytes = brotli.decompress(body)
    return out


def _zstd(body: bytes) -> bytes:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]

        out: bytes = zstd.decompress(body)
    except ImportError:
        import zstandard

        out = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return out


_DECODERS = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate, "br": _brotli, "zstd": _zstd}


def response_bytes(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """A response over the wire; the connection ends after it."""
    lines = [f"HTTP/1.1 {status} Replayed"]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in ("content-length", "connection")]
    lines += [f"content-length: {len(body)}", "connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + body
