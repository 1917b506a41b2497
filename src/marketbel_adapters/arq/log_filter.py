"""Keeps arguments of jobs out of arq's log: an address among them may carry a secret."""

import logging
from typing import Final, override

__all__ = ["hide_arguments"]

_ARGUMENTS_PLACE: Final = 2
_START_ARGUMENTS: Final = 4
"""arq tells the start of a job as: seconds, function, arguments, what is unusual about it."""


class _WithoutArguments(logging.Filter):
    @override
    def filter(self, record: logging.LogRecord) -> bool:
        told = record.args
        if "(%s)" in str(record.msg) and isinstance(told, tuple) and len(told) == _START_ARGUMENTS:
            record.args = (*told[:_ARGUMENTS_PLACE], "…", *told[_ARGUMENTS_PLACE + 1 :])
        return True


_FILTER: Final = _WithoutArguments()


def hide_arguments() -> None:
    """Have arq's workers of this process log jobs without their arguments, at every level.

    It outlives a new logging configuration, such as the one of arq's own command.
    """
    logging.getLogger("arq.worker").addFilter(_FILTER)
