"""Content addressing of texts: the same text is stored once, however often an agent resends it."""

import hashlib


def digest(text: str) -> str:
    """Address of a text: the first 32 hex digits of the SHA-256 of its UTF-8 bytes (lone surrogates kept)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class TextPool:
    """Collects texts under their digests while a recording is read.

    Args:
        texts: digest to text; new texts are added to this very dictionary.
    """

    def __init__(self, texts: dict[str, str] | None = None) -> None:
        self.texts: dict[str, str] = {} if texts is None else texts
        self._known: dict[str, str] = {}

    def put(self, text: str) -> str:
        """Store `text` and return its digest. A text met again costs a look-up, not another hash of its bytes."""
        key = self._known.get(text)
        if key is None:
            key = self._known[text] = digest(text)
            self.texts.setdefault(key, text)
        return key
