"""The exception tree of harnessfix.

    HarnessfixError
    ├── BadInputError        a file or a stream is not what it should be
    │   └── UnknownFormatError  … because no reader recognises it
    ├── BadDocumentError     an HTIR document whose citations do not resolve
    ├── SettingsError        configuration that cannot be used
    ├── StoreError           the store cannot be opened, read or written
    │   └── NewerStoreError  … because a later harnessfix wrote it
    ├── RecordError          a program could not be started or recorded
    └── PatchError           a patch could not be made, applied or undone
        ├── StaleFileError   … because a file changed since it was read
        └── ScopeError       … because it leaves what its specification allows

Each carries `hint`, one sentence that says what to do.
"""


class HarnessfixError(Exception):
    """Base of all errors that harnessfix raises on purpose.

    Args:
        message: what went wrong, with the file and the place where there is one.
        hint: what the person can do about it, one sentence; may be empty.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BadInputError(HarnessfixError):
    """A file or a stream is not what it should be."""


class UnknownFormatError(BadInputError):
    """No reader recognises a file."""


class BadDocumentError(HarnessfixError):
    """An HTIR document cites a step, link or text that it does not hold."""


class SettingsError(HarnessfixError):
    """A configuration file or an option cannot be used."""


class StoreError(HarnessfixError):
    """The store cannot be opened, read or written."""


class NewerStoreError(StoreError):
    """The store was written by a later version of harnessfix."""


class RecordError(HarnessfixError):
    """A program could not be started or recorded."""


class PatchError(HarnessfixError):
    """A patch could not be made, applied or undone."""


class StaleFileError(PatchError):
    """A file changed since the diagnosis read it."""


class ScopeError(PatchError):
    """A patch leaves the scope that its specification allows."""
