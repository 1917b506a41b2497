"""The Google service account: who it is, and the tokens that it is given."""

import asyncio
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from marketbel_core.errors import RefusedError, UnavailableError

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials

__all__ = ["ServiceAccount"]

_SCOPES: Final = (
    "https://www.googleapis.com/auth/drive.readonly",
    "https://www.googleapis.com/auth/spreadsheets.readonly",
)
_TOKEN_SECONDS_MAX: Final = 30.0
_CURE: Final = "`marketbel doctor` looks at the key (GOOGLE_CREDENTIALS_PATH)"


class ServiceAccount:
    """The account whose JSON key lies at `path`; without a key there is none.

    The key may be put there, replaced or taken away at any time. Methods block and run in threads.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._credentials: Credentials | None = None
        self._stamp: tuple[int, int] | None = None
        self._lock = asyncio.Lock()

    async def credentials(self) -> "Credentials | None":
        """Return credentials with a valid token; `None` when there is no key.

        Raises:
            RefusedError: the key is none or is not accepted (`sheets.credentials`), or the
                packages are missing (`extra.missing`).
            UnavailableError: Google's token service cannot be reached (`http.unavailable`).
        """
        async with self._lock:  # one token for all who wait
            return await asyncio.to_thread(self._refreshed)

    def _refreshed(self) -> "Credentials | None":
        try:
            found = self._path.stat()
        except OSError:
            return None
        stamp = (found.st_mtime_ns, found.st_size)
        try:
            if self._credentials is None or stamp != self._stamp:
                self._credentials, self._stamp = self._read(), stamp
            if not self._credentials.valid:
                _refresh(self._credentials)
        except ModuleNotFoundError as error:
            raise RefusedError(
                "extra.missing",
                f"Google Sheets need the package {error.name}: pip install 'marketbel[sheets]'",
            ) from error
        return self._credentials

    def _read(self) -> "Credentials":
        from google.oauth2.service_account import Credentials  # noqa: PLC0415 - slow to import

        try:
            key = json.loads(self._path.read_bytes())
            credentials: Credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                key, scopes=_SCOPES
            )
        except (OSError, ValueError, AttributeError, TypeError):  # what it says may hold the key
            raise RefusedError(
                "sheets.credentials", f"the Google service account's key cannot be used: {_CURE}"
            ) from None
        return credentials


def _refresh(credentials: "Credentials") -> None:
    """Give `credentials` a new token."""
    from google.auth.exceptions import GoogleAuthError, TransportError  # noqa: PLC0415
    from google.auth.transport.requests import Request  # noqa: PLC0415

    try:
        credentials.refresh(  # type: ignore[no-untyped-call]
            functools.partial(Request(), timeout=_TOKEN_SECONDS_MAX)
        )
    except TransportError as error:
        raise UnavailableError(
            "Google's token service cannot be reached", code="http.unavailable"
        ) from error
    except GoogleAuthError as error:
        if error.retryable:
            raise UnavailableError(
                "Google's token service gives no token now", code="http.unavailable"
            ) from error
        raise RefusedError(
            "sheets.credentials",
            f"Google does not accept the service account's key ({type(error).__name__}): {_CURE}",
        ) from error
