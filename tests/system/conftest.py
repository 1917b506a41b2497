"""What the system tests share: settings on services of their own, and waiting for a fact."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from marketbel_runtime.settings import Settings

type Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

_WAIT_SECONDS_MAX = 180.0


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let Ctrl-C reach us and the processes that we start.

    A shell has what it starts in the background ignore SIGINT, and children inherit that.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """The shared folder."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(migrated_database_url: str, redis_url: str, uploads: Path) -> Settings:
    """Settings on a migrated database, an empty Redis and a shared folder of the test's own."""
    return Settings.model_validate(
        {
            "database_url": migrated_database_url,
            "redis_url": redis_url,
            "uploads_dir": uploads,
            "queue_name": "test-queue",
            "ml_poll_interval_seconds": 1,
        }
    )


@pytest.fixture
def until() -> Until:
    """Wait until a fact holds, looked at every few milliseconds."""

    async def wait(fact: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(_WAIT_SECONDS_MAX):
            while not await fact():
                await asyncio.sleep(0.02)

    return wait
