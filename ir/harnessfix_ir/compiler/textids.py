"""Small integers for texts: equal texts have one number, whatever digest they were stored under."""

from collections.abc import Mapping

from harnessfix_ir.steps import Part


class TextIds:
    """Numbers the distinct texts of a run, error messages included.

    Args:
        texts: digest to text.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.text: list[str] = []
        self._of_text: dict[str, int] = {}
        self._of_digest = {key: self.add(text) for key, text in texts.items()}

    def add(self, text: str) -> int:
        """The number of a text; a new one when it was not seen before."""
        number = self._of_text.setdefault(text, len(self.text))
        if number == len(self.text):
            self.text.append(text)
        return number

    def held(self, part: Part) -> str:
        """The text of a part. Raises `KeyError`."""
        return self.text[self._of_digest[part.text]]

    def of(self, digest: str) -> int:
        """The number of the text stored under `digest`. Raises `KeyError`."""
        return self._of_digest[digest]
