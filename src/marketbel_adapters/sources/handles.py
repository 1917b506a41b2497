"""Files for children to read: what lies on this machine, or in memory, as an open descriptor."""

import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO, Final

from marketbel_core.errors import RefusedError, UnavailableError

__all__ = ["opened", "spooled"]

_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def opened(path: Path) -> BinaryIO:
    """Return the file, open for reading; links are not followed."""
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError as error:
        raise RefusedError("storage.missing", f"there is no file {path.name}") from error
    except OSError as error:
        raise UnavailableError(
            f"the stored file cannot be read: {error.strerror}", code="storage.unavailable"
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RefusedError("storage.unsafe_path", f"{path.name} is no plain file")
    return os.fdopen(descriptor, "rb")


def spooled(content: bytes) -> BinaryIO:
    """Return the bytes as a file without a name, which the child can move about in."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(content)
    file.flush()
    file.seek(0)
    return file
