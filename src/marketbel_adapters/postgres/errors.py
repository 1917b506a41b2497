"""The one door through which the driver's errors leave: as errors that a caller may catch."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from marketbel_core.errors import (
    MarketbelError,
    ProtocolError,
    RefusedError,
    SupplierNotFoundError,
    UnavailableError,
)
from marketbel_core.ids import SupplierId

__all__ = ["UNAVAILABLE", "translated"]

UNAVAILABLE: Final = "postgres.unavailable"
_REFUSED_VALUE: Final = "catalog.refused_value"
_UNEXPECTED: Final = "postgres.unexpected"

_FOREIGN_KEY: Final = "23503"
_IDLE_TOO_LONG: Final = "25P03"  # of `idle_in_transaction_max`
_UNIQUE: Final = "23505"
_NOT_NULL: Final = "23502"
_CHECK: Final = "23514"
# By the first two characters, the class of the code (PostgreSQL, appendix A).
_CURABLE_CLASSES: Final = frozenset(
    {
        "08",  # the connection broke
        "40",  # serialization failure, deadlock
        "53",  # out of connections, memory or disk
        "55",  # a lock was not to be had
        "57",  # the server shuts down, or somebody ended the connection
        "58",  # the machine of the server is in trouble
    }
)
_VALUE_CLASS: Final = "22"
# Without a code of the server's.
_CURABLE_ERRORS: Final = (
    asyncpg.InterfaceError,
    # "cannot switch to state …": the server ended the connection while nobody asked it anything.
    asyncpg.InternalClientError,
    OSError,
    PoolTimeoutError,
)


@contextmanager
def translated(*, supplier_id: SupplierId | None = None) -> Generator[None]:
    """Raise ours from the driver's errors raised inside.

    Messages are the server's own sentence, without statement, parameters or address.

    Args:
        supplier_id: The supplier that the statement refers to, if it does.

    Raises:
        UnavailableError: the connection is lost or not to be had, or the transaction met
            another one; it may be tried again.
        SupplierNotFoundError: the supplier is gone.
        RefusedError: the server refuses a value.
        ProtocolError: anything else; the tables are not those that were agreed, usually.
    """
    try:
        yield
    except (
        SQLAlchemyError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        OSError,  # refused, timed out, no such host: asyncpg passes them as they are
    ) as error:
        raise _ours(error, supplier_id) from error


def _ours(error: Exception, supplier_id: SupplierId | None) -> MarketbelError:
    driver = _driver_error(error)
    message = f"PostgreSQL: {str(driver).partition('\n')[0] or type(driver).__name__}"
    state = str(getattr(driver, "sqlstate", None) or "")
    if state == _FOREIGN_KEY and supplier_id is not None and _names_supplier(driver):
        return SupplierNotFoundError(supplier_id)
    if _is_curable(state, driver):
        return UnavailableError(message, code=UNAVAILABLE)
    if _is_about_a_value(state, driver):
        return RefusedError(_REFUSED_VALUE, message)
    return ProtocolError(message, code=_UNEXPECTED)


def _is_curable(state: str, driver: BaseException) -> bool:
    if state:
        # A key that is taken, or was there and is gone: another transaction came in between.
        curable = {_FOREIGN_KEY, _UNIQUE, _IDLE_TOO_LONG}
        return state in curable or state[:2] in _CURABLE_CLASSES
    is_refusal = isinstance(driver, ValueError)  # of asyncpg, before anything was sent
    return not is_refusal and isinstance(driver, _CURABLE_ERRORS)


def _is_about_a_value(state: str, driver: BaseException) -> bool:
    if state:
        return state in {_NOT_NULL, _CHECK} or state[:2] == _VALUE_CLASS
    return isinstance(driver, ValueError | TypeError | OverflowError)


def _driver_error(error: Exception) -> BaseException:
    """Return what asyncpg said, below SQLAlchemy's two layers."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def _names_supplier(driver: BaseException) -> bool:
    return "supplier_id" in str(getattr(driver, "constraint_name", None))
