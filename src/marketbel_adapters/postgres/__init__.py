"""PostgreSQL: the tables, their migrations, and the catalogue that is kept in them."""

from marketbel_adapters.postgres.archive import PostgresJobArchive
from marketbel_adapters.postgres.catalog import PostgresCatalog
from marketbel_adapters.postgres.checks import DatabaseUnsuitableError, check_database
from marketbel_adapters.postgres.migrate import (
    DatabaseNotMigratedError,
    MigrationFailedError,
    MigrationReport,
    check_migrated,
    migrate,
)
from marketbel_adapters.postgres.session import aclose_sessions, get_session
from marketbel_adapters.postgres.tables import Product, Supplier, SupplierItem
from marketbel_adapters.postgres.url import DatabaseUrlError, asyncpg_url, create_engine

__all__ = [
    "DatabaseNotMigratedError",
    "DatabaseUnsuitableError",
    "DatabaseUrlError",
    "MigrationFailedError",
    "MigrationReport",
    "PostgresCatalog",
    "PostgresJobArchive",
    "Product",
    "Supplier",
    "SupplierItem",
    "aclose_sessions",
    "asyncpg_url",
    "check_database",
    "check_migrated",
    "create_engine",
    "get_session",
    "migrate",
]
