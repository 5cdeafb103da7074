"""Errors of the package, beside the ValueError and TypeError of a wrong call."""


class DataError(ValueError):
    """A table or a file is not valid; the message names the place, the value and the remedy."""


class NotSolvedError(RuntimeError):
    """A fit or a plan with `throw=True` did not reach a solution.

    Attributes:
        partial: the incomplete result, with its status.
    """

    def __init__(self, message: str, partial: object) -> None:
        super().__init__(message)
        self.partial = partial
