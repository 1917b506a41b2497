"""The sources of a deployment, opened for the worker and for `marketbel fetch` alike."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from marketbel_adapters.sources.client import create_fetch_client
from marketbel_adapters.sources.google_account import ServiceAccount
from marketbel_adapters.sources.google_sheets import GoogleSheetsSource
from marketbel_adapters.sources.http import HttpFileSource
from marketbel_adapters.sources.local import LocalFileSource
from marketbel_adapters.sources.routing import RoutingFileSource
from marketbel_adapters.sources.sharing import SharedFileSource
from marketbel_core.ports import FileSource
from marketbel_runtime.settings import Settings

__all__ = ["open_sources"]


@asynccontextmanager
async def open_sources(
    settings: Settings, *, local_roots: Sequence[Path]
) -> AsyncGenerator[FileSource]:
    """Yield a source for addresses, Google Sheets and the files below `local_roots`."""
    deadline = settings.download_max
    async with create_fetch_client(settings.fetch_policy) as client:
        routed = RoutingFileSource(
            http=HttpFileSource(client, deadline=deadline),
            local=LocalFileSource(local_roots),
            sheets=GoogleSheetsSource(
                client,
                account=ServiceAccount(settings.google_credentials_path),
                deadline=deadline,
            ),
        )
        yield SharedFileSource(routed, per_host_max=settings.fetches_per_host_max)
