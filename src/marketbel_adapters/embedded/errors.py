"""What can go wrong when servers are started, found or borrowed: the machine is at fault."""

from pathlib import Path

from marketbel_core.errors import PortError

__all__ = [
    "AdminUrlError",
    "ClosedFolderError",
    "EmbeddedServerError",
    "ExtraMissingError",
    "NoEmptyDatabaseError",
]


class EmbeddedServerError(PortError):
    """An embedded server did not start, or there is no place where it could.

    Attributes:
        log_tail: The last lines of the server's log since this start; empty if it wrote none.
    """

    code = "embedded.failed"

    def __init__(self, message: str, *, log_tail: str = "") -> None:
        self.log_tail = log_tail
        super().__init__(f"{message}\n{log_tail}" if log_tail else message)


class ClosedFolderError(EmbeddedServerError):
    """Root gave a folder that the servers' unprivileged account cannot reach."""

    code = "embedded.closed_folder"

    def __init__(self, folder: Path, *, account: str) -> None:
        self.folder = folder
        self.account = account
        super().__init__(
            f"started by root, the servers run as {account!r}, and that account cannot enter "
            f"{folder}: choose a folder whose parents are open to others"
        )


class ExtraMissingError(PortError):
    """A package that comes with one of the extras is not installed."""

    code = "embedded.extra_missing"

    def __init__(self, *, package: str, extra: str) -> None:
        self.package = package
        self.extra = extra
        super().__init__(f"{package} is not installed: install marketbel[{extra}]")


class AdminUrlError(PortError):
    """The server behind an administrator's URL cannot be used; the message says why."""

    code = "services.refused"


class NoEmptyDatabaseError(AdminUrlError):
    """Every database number of the Redis server holds keys, so none may be taken."""

    code = "services.no_empty_database"

    def __init__(self, *, databases: int) -> None:
        self.databases = databases
        super().__init__(
            f"none of the {databases} Redis databases is empty, and a database in use is never "
            "touched: empty one with FLUSHDB, or leave REDIS_URL unset"
        )
