"""The one tree of exceptions. Each message says what is wrong, what was expected, what was got and what to do."""


class SenpathError(Exception):
    """Base of every error that senpath raises on purpose.

    `exit_code` is what the command line ends with when this error reaches it.

    Attributes:
        message: the whole text, made of the parts below.
        what: what is wrong.
        expected, got, do: what was expected, what was there instead, and what to do about it; None where that was not said.
    """

    exit_code = 1

    def __init__(self, what: str, *, expected: object = None, got: object = None, do: str = "") -> None:
        self.what = what.rstrip(".")
        self.expected = None if expected is None else str(expected)
        self.got = None if got is None else str(got)
        self.do = do or None
        contrast = ", ".join(f"{name} {value}" for name, value in (("expected", self.expected), ("got", self.got)) if value is not None)
        message = f"{self.what}: {contrast}" if contrast else self.what
        self.message = f"{message}. {do}" if do else message
        super().__init__(self.message)

    def reword(self, message: str, *, what: str | None = None) -> None:
        """Give it another message, where the caller knows more; the parts stay, but for `what` if that is given."""
        self.message, self.args = message, (message,)
        self.what = self.what if what is None else what

    # KeyError and ValueError, which some subclasses also are, would print the message in quotes.
    def __str__(self) -> str:
        return self.message


class InputError(SenpathError, ValueError):
    """Data, labels or a setting that cannot be used."""

    exit_code = 2


class UnknownTaskError(InputError, KeyError):
    """A task of this name is not in the network."""


class TaskExistsError(InputError):
    """A task of this name is in the network already."""


class StoreError(SenpathError):
    """The folder of a network is missing, foreign, damaged or could not be written."""

    exit_code = 3


class FormatVersionError(StoreError):
    """The folder was written by a newer senpath."""


class ConflictError(StoreError):
    """Another writer holds the folder, or what a proposal builds on is gone."""


class MissingExtraError(SenpathError, ImportError):
    """A part that is installed on request (`pip install senpath[...]`) is needed and absent."""

    exit_code = 4


class DownloadError(SenpathError):
    """A file could not be fetched, or is not the file that was expected."""

    exit_code = 5
