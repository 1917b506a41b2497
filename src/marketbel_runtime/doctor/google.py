"""The key of the Google service account: is it there, is it one, and who else can read it."""

import json
import stat
from pathlib import Path
from typing import Final

from marketbel_runtime.doctor.findings import Finding, State, foreign_text

__all__ = ["look_at_google_credentials"]

_NAME: Final = "google-credentials"
_BYTES_MAX: Final = 65_536
"""A key has 2 to 3 KB."""

_ABSENT_CURE: Final = (
    "to read Google Sheets that are not open to anyone with the link: make a service account, put "
    "its JSON key at GOOGLE_CREDENTIALS_PATH, and share each sheet with the account's client_email"
)
_NEW_KEY: Final = "download the service account's JSON key anew to GOOGLE_CREDENTIALS_PATH"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def look_at_google_credentials(path: Path) -> Finding:
    """Return what can be said of the file at `path`, and nothing of its private key."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return Finding(
            name=_NAME,
            state=State.WARNING,
            message=f"there is no file {path} (GOOGLE_CREDENTIALS_PATH)",
            cure=_ABSENT_CURE,
        )
    except OSError as error:
        return _wrong(f"{path} cannot be looked at: {error.strerror}", "let this user read it")
    if not stat.S_ISREG(mode):
        return _wrong(
            f"{path} (GOOGLE_CREDENTIALS_PATH) is no file"
            + (", but a folder" if stat.S_ISDIR(mode) else ""),
            "remove it and mount the key there: mounting a file that is missing makes a folder",
        )
    try:
        with path.open("rb") as file:
            content = file.read(_BYTES_MAX)
    except OSError as error:
        return _wrong(f"{path} cannot be read: {error.strerror}", "let this user read it")
    return _judged(content, path=path, open_to_others=bool(mode & _OTHERS))


def _judged(content: bytes, *, path: Path, open_to_others: bool) -> Finding:
    try:
        key = json.loads(content)
    except ValueError:  # also when it is no text
        return _wrong(f"{path} (GOOGLE_CREDENTIALS_PATH) is not JSON", _NEW_KEY)
    fields = key if isinstance(key, dict) else {}
    absent = [name for name in ("client_email", "private_key") if not _is_text(fields.get(name))]
    if absent:
        return _wrong(
            f"{path} (GOOGLE_CREDENTIALS_PATH) is no key of a service account: "
            f"it has no {' and no '.join(absent)}",
            _NEW_KEY,
        )
    if not fields["private_key"].lstrip().startswith("-----BEGIN "):
        return _wrong(
            f"the private_key in {path} (GOOGLE_CREDENTIALS_PATH) is not in PEM form", _NEW_KEY
        )
    account = foreign_text(fields["client_email"])
    if open_to_others:
        return Finding(
            name=_NAME,
            state=State.WARNING,
            message=f"the key of {account} can be read by other users of this machine",
            cure=f"chmod 600 {path}",
        )
    return Finding(
        name=_NAME,
        state=State.OK,
        message=f"the key of {account}; sheets must be shared with that address",
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _wrong(message: str, cure: str) -> Finding:
    return Finding(name=_NAME, state=State.ERROR, message=message, cure=cure)
