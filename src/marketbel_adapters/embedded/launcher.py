"""Becomes a server: drops root's rights, ties its life to the parent's, then executes it.

A program of its own and not a hook between fork and exec: such a hook may hang in a parent that
has threads. It is run by path with `python -I -S` and imports the standard library only.

Usage: launcher.py PARENT_PID UID GID STOP_SIGNAL COMMAND...   (UID -1: keep the present account)
"""

import os
import signal
import sys
from types import ModuleType

# Here and not where it is used: after the change of account the library may be out of reach.
ctypes: ModuleType | None
try:
    import ctypes
except ImportError:  # some builds lack it; then only an orderly stop remains
    ctypes = None

__all__: list[str] = []

_PR_SET_PDEATHSIG = 1


def _drop_rights(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with_parent(parent_pid: int, stop_signal: int) -> None:
    """Ask the kernel for `stop_signal` when the parent is gone; Linux only.

    After the change of account, which would clear the request again.
    """
    if sys.platform != "linux" or ctypes is None:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the request was made
        sys.exit("the parent is gone")


def _main(arguments: list[str]) -> None:
    parent_pid, uid, gid, stop_signal = (int(argument) for argument in arguments[:4])
    command = arguments[4:]
    try:
        if uid >= 0:
            _drop_rights(uid, gid)
        _die_with_parent(parent_pid, stop_signal)
        os.umask(0o077)
        # The interpreter ignores these two, and what is ignored stays so across exec.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.execv(command[0], command)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error}")


if __name__ == "__main__":
    _main(sys.argv[1:])
