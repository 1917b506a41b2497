"""The account that the servers run under: the present one, or an unprivileged one under root."""

import os
import pwd
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from marketbel_adapters.embedded.errors import EmbeddedServerError

__all__ = ["Account", "child_environment"]

# PostgreSQL refuses to run as root. The first of these that exists is taken; none is created.
_UNPRIVILEGED: Final = ("nobody", "postgres", "daemon")

# `-r` and `-x` ask the kernel as the account that runs the shell: a real try, not arithmetic
# on permission bits, so that access lists and closed parents count too.
_TRY_READ: Final = 'for p; do [ -r "$p" ] || exit 1; [ ! -d "$p" ] || [ -x "$p" ] || exit 1; done'
_TRY_ENTER: Final = 'for p; do [ -x "$p" ] || exit 1; done'


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who runs a server.

    Attributes:
        name: As in the account database; for messages.
        uid: User id.
        gid: Id of the account's first group; further groups are dropped.
        switched: Whether it is another account than the present one, which then is root.
    """

    name: str
    uid: int
    gid: int
    switched: bool

    @classmethod
    def for_servers(cls, *, existing: Path | None) -> Self:
        """Return the account for a server whose data is, or may be, in `existing`.

        Root takes the account that owns the data already, so that a folder once made by an
        ordinary user stays that user's.

        Raises:
            EmbeddedServerError: root, and no unprivileged account exists.
        """
        uid = os.geteuid()
        if uid != 0:
            return cls(name=str(uid), uid=uid, gid=os.getegid(), switched=False)
        found = (_owner_of(existing) if existing else None) or _first_unprivileged()
        if found is None:
            raise EmbeddedServerError(
                "started by root, and there is no unprivileged account to run the servers under: "
                f"looked for {', '.join(_UNPRIVILEGED)}"
            )
        return cls(name=found.pw_name, uid=found.pw_uid, gid=found.pw_gid, switched=True)

    def can_read(self, paths: Iterable[Path]) -> bool:
        """Return whether the account can read all `paths`, and enter those that are folders."""
        return self._tries(_TRY_READ, paths)

    def can_enter(self, folder: Path) -> bool:
        """Return whether the account can reach what lies in `folder`."""
        return self._tries(_TRY_ENTER, [folder])

    def make_folder(self, path: Path) -> None:
        """Make a folder that only the account may enter. Its parents stay as they are."""
        path.mkdir(mode=0o700)
        if self.switched:
            os.chown(path, self.uid, self.gid)

    def _tries(self, script: str, paths: Iterable[Path]) -> bool:
        command = ["/bin/sh", "-c", script, "sh", *(str(path) for path in paths)]
        try:
            done = subprocess.run(  # noqa: S603 - the script is a constant
                command,
                check=False,
                cwd="/",
                env=child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                user=self.uid if self.switched else None,
                group=self.gid if self.switched else None,
                extra_groups=[] if self.switched else None,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedServerError(f"cannot run as account {self.name!r}: {error}") from error
        return done.returncode == 0


def child_environment() -> dict[str, str]:
    """Return the environment of a server: no locale, no client settings, no secrets of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LC_ALL": "C"}


def _owner_of(path: Path) -> pwd.struct_passwd | None:
    try:
        uid = path.stat().st_uid
        return None if uid == 0 else pwd.getpwuid(uid)
    except (OSError, KeyError):
        return None


def _first_unprivileged() -> pwd.struct_passwd | None:
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None
