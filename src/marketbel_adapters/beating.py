"""A right that is kept alive beside the work that it is a right to."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import Enum, auto

from marketbel_core.errors import UnavailableError

__all__ = ["Beat", "beating"]


class Beat(Enum):
    """What became of an attempt to prolong the right."""

    GOES_ON = auto()
    ENDED = auto()  # there is nothing to prolong any more; the work may end in peace
    LOST = auto()  # somebody else has it


@asynccontextmanager
async def beating(
    prolong: Callable[[], Awaitable[Beat]], *, every: timedelta, lost: Callable[[], Exception]
) -> AsyncGenerator[None]:
    """Prolong a right every so often while the block runs; break the block off when it is lost.

    A store that cannot be reached takes nothing away: its token decides who may write when it is
    back.

    Raises:
        Exception: what `lost` returns, in place of whatever the block was at.
    """
    work = asyncio.timeout(None)

    async def beat() -> None:
        while True:
            await asyncio.sleep(every.total_seconds())
            try:
                outcome = await prolong()
            except UnavailableError:
                continue
            if outcome is Beat.LOST:
                work.reschedule(asyncio.get_running_loop().time())
            if outcome is not Beat.GOES_ON:
                return

    try:
        async with work:
            beats = asyncio.create_task(beat())
            try:
                yield
            finally:
                beats.cancel()
                await asyncio.gather(beats, return_exceptions=True)
    except TimeoutError as error:
        if not work.expired():
            raise
        raise lost() from error
