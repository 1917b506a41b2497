"""Where price lists are fetched from."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from marketbel_core.catalog import SourceRef

__all__ = ["FileSource", "IncomingFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFile:
    """A file on its way.

    Attributes:
        filename: The name that the source gave it, unchecked; `None` when it gave none.
        mime_type: What the source says it is; `None` when it says nothing.
        size_bytes: What the source announced; `None` when it announced nothing.
        chunks: The bytes, in order, unchanged; to be read once.
        final_url: Where the bytes came from after all redirects, without query and credentials;
            `None` for what was not fetched from an address.
    """

    filename: str | None
    mime_type: str | None
    size_bytes: int | None
    chunks: AsyncIterator[bytes]
    final_url: str | None = None


@runtime_checkable
class FileSource(Protocol):
    """Opens price lists where they rest. Contract: `marketbel_adapters.testing.sources`."""

    @abstractmethod
    def open(
        self, source: SourceRef, *, size_bytes_max: int
    ) -> AbstractAsyncContextManager[IncomingFile]:
        """Return the file at `source`, to be read inside the `async with`.

        Args:
            source: Where it rests.
            size_bytes_max: Larger files are refused: at once when the size is announced, and
                while reading when the bytes run past the limit.

        Raises:
            RefusedError: the source will not give this file, now or later (`source.*`,
                `sheets.*`, `http.denied`, `http.gone`, `http.redirect_refused`,
                `file.too_large`).
            UnavailableError: the source may give it later (`http.unavailable`,
                `http.truncated`, `http.too_slow`).
        """
