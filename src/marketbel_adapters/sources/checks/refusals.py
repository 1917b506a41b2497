"""How a check says no: a code for machines, a sentence with the cure for people.

This package must not import `marketbel_core`, whose start costs more than most checks; whoever
started the process turns this error into the core's own.
"""

__all__ = ["RefusalError"]


class RefusalError(Exception):
    """The file was looked at and refused.

    Attributes:
        code: Of the published table, such as `xlsx.bomb`.
        message: What is wrong and what the sender can do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
