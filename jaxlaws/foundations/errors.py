"""The package's errors. A wrong call is a ValueError or TypeError; these are the rest."""


class DataError(ValueError):
    """A table, or a file, holds what it must not: the message names place, value and remedy."""


class NotSolvedError(RuntimeError):
    """A fit or a plan did not reach a solution, and `throw=True` asked to be told so.

    Attributes:
        partial: the result as far as it got, its status included.
    """

    def __init__(self, message: str, partial: object) -> None:
        super().__init__(message)
        self.partial = partial
