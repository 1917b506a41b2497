"""PostgreSQL and Valkey from wheels, supervised; or room of our own on servers of others."""

from marketbel_adapters.embedded.errors import (
    AdminUrlError,
    ClosedFolderError,
    EmbeddedServerError,
    ExtraMissingError,
    NoEmptyDatabaseError,
)
from marketbel_adapters.embedded.own_database import create_database, own_database
from marketbel_adapters.embedded.own_redis_db import empty_redis_db, own_redis_db
from marketbel_adapters.embedded.postgres import embedded_postgres
from marketbel_adapters.embedded.process import tied_command
from marketbel_adapters.embedded.services import Services, services
from marketbel_adapters.embedded.site import EmbeddedServer
from marketbel_adapters.embedded.valkey import embedded_valkey

__all__ = [
    "AdminUrlError",
    "ClosedFolderError",
    "EmbeddedServer",
    "EmbeddedServerError",
    "ExtraMissingError",
    "NoEmptyDatabaseError",
    "Services",
    "create_database",
    "embedded_postgres",
    "embedded_valkey",
    "empty_redis_db",
    "own_database",
    "own_redis_db",
    "services",
    "tied_command",
]
