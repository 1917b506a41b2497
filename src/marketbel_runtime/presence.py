"""How a worker shows that it is there, and how it tells of trouble that does not end it."""

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from marketbel_adapters.arq import SIGN_INTERVAL, WorkerSign, new_sign, show_sign, withdraw_sign
from marketbel_runtime.container import Container
from marketbel_runtime.schedule import Chore, keeping

__all__ = ["signed", "teller"]

_FAREWELL_SECONDS_MAX: Final = 1.5
"""A Redis that is away keeps nobody from stopping: the sign expires by itself."""


@asynccontextmanager
async def signed(
    container: Container, redis: Redis, *, lanes: tuple[str, ...]
) -> AsyncGenerator[WorkerSign]:
    """Show a sign of life for as long as the block runs, and withdraw it at the end."""
    tell = teller(container)
    sign = new_sign(lanes=lanes, now=container.clock().now())
    show = functools.partial(show_sign, redis, sign)
    try:
        chores = [Chore(name="sign of life", every=SIGN_INTERVAL, body=show)]
        async with keeping(chores, on_error=tell):
            yield sign
    finally:
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS_MAX):
                await withdraw_sign(redis, sign)
        except (RedisError, OSError) as error:
            tell("withdrawing the sign of life", error)


def teller(container: Container) -> Callable[[str, Exception], None]:
    """Return what is called with the name of something that failed, and with its error."""

    def tell(what: str, error: Exception) -> None:
        container.telemetry().event("worker.trouble", what=what, error=repr(error)[:500])

    return tell
