"""The shared folder: is it there, can it be written, and is there room."""

import os
import shutil
import tempfile
from typing import Final

from marketbel_runtime.doctor.findings import Finding, State
from marketbel_runtime.settings import Settings, SettingsError

__all__ = ["judge_room", "look_at_shared_folder"]

_NAME: Final = "shared-folder"
_FREE_SHARE_MIN: Final = 0.1
_MEBIBYTE: Final = 1024 * 1024
_CURE_ROOM: Final = "remove old files from the volume, or give it more room"


def look_at_shared_folder(settings: Settings) -> Finding:
    """Return whether files can be stored in UPLOADS_DIR; a small one is, and goes again."""
    try:
        folder = settings.require_uploads_dir()
    except SettingsError as error:
        message, _, cure = str(error).partition(": ")
        return Finding(name=_NAME, state=State.ERROR, message=message, cure=cure)
    try:
        # A name with a dot: neither the file store nor ml-analyze takes it for a price list.
        with tempfile.TemporaryFile(dir=folder, prefix=".marketbel-doctor-") as file:
            file.write(b"\0")
            file.flush()
            os.fsync(file.fileno())
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return Finding(
            name=_NAME,
            state=State.ERROR,
            message=f"no file can be written to UPLOADS_DIR ({folder}): {error.strerror}",
            cure="give this user the right to write there, and room",
        )
    return judge_room(
        free_bytes=usage.free, total_bytes=usage.total, file_bytes_max=settings.file_size_bytes_max
    )


def judge_room(*, free_bytes: int, total_bytes: int, file_bytes_max: int) -> Finding:
    """Return whether that is room enough: for one largest file at least, better a tenth.

    Args:
        free_bytes: What this user may still write.
        total_bytes: The whole volume.
        file_bytes_max: The largest file that is taken.
    """
    share = free_bytes / total_bytes if total_bytes else 1.0
    room = f"{free_bytes // _MEBIBYTE} MiB ({share:.0%}) free"
    if free_bytes < file_bytes_max:
        return Finding(
            name=_NAME,
            state=State.ERROR,
            message=f"{room}: not enough for one file of MAX_FILE_SIZE_MB",
            cure=_CURE_ROOM,
        )
    if share < _FREE_SHARE_MIN:
        return Finding(name=_NAME, state=State.WARNING, message=f"only {room}", cure=_CURE_ROOM)
    return Finding(name=_NAME, state=State.OK, message=f"can be written, {room}")
