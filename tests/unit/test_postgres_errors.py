"""What the driver of PostgreSQL raises, and what a caller gets to see of it."""

import asyncpg
import pytest
from asyncpg.exceptions import (
    ConnectionDoesNotExistError,
    IdleInTransactionSessionTimeoutError,
    NumericValueOutOfRangeError,
    UndefinedTableError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from marketbel_adapters.postgres.errors import translated
from marketbel_core.errors import PortError, ProtocolError, RefusedError, UnavailableError


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (IdleInTransactionSessionTimeoutError("idle"), UnavailableError, "postgres.unavailable"),
        (ConnectionDoesNotExistError("closed"), UnavailableError, "postgres.unavailable"),
        (asyncpg.InterfaceError("connection is closed"), UnavailableError, "postgres.unavailable"),
        # What the server says before it hangs up may arrive when the driver expects nothing.
        (
            asyncpg.InternalClientError("cannot switch to state 12; another operation (2)"),
            UnavailableError,
            "postgres.unavailable",
        ),
        (ConnectionRefusedError("refused"), UnavailableError, "postgres.unavailable"),
        (PoolTimeoutError("none was free"), UnavailableError, "postgres.unavailable"),
        (NumericValueOutOfRangeError("too much"), RefusedError, "catalog.refused_value"),
        (UndefinedTableError("no table"), ProtocolError, "postgres.unexpected"),
    ],
)
def test_the_drivers_errors_leave_as_ours(
    error: Exception, kind: type[PortError], code: str
) -> None:
    with pytest.raises(kind) as caught, translated():
        raise error

    assert caught.value.code == code
    assert caught.value.__cause__ is error


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), translated():
        raise ZeroDivisionError
