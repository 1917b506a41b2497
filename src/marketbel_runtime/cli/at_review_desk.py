"""What the commands about matches share: the way to the database, and to nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.container import Container

__all__ = ["at_review_desk"]

_VARIABLES: Final = (
    *("DATABASE_URL", "CATALOGUE_CURRENCY", "CURRENCY_RATES"),
    *("MATCH_AUTO_THRESHOLD", "MATCH_POTENTIAL_THRESHOLD", "MATCH_REVIEW_EXPIRATION_DAYS"),
)


def at_review_desk[T](body: Callable[[Container], Awaitable[T]]) -> T:
    """Return what `body` returns on the real database.

    Raises:
        SettingsError: DATABASE_URL is missing, or a variable is wrong.
        PortError: the database cannot be used.
    """
    from marketbel_runtime.logs import configure_logging  # noqa: PLC0415
    from marketbel_runtime.review_desk import review_desk  # noqa: PLC0415 - slow to import

    settings = settings_of(*_VARIABLES)
    configure_logging(settings.model_copy(update={"log_level": "WARNING"}))

    async def run() -> T:
        async with review_desk(settings) as container:
            return await body(container)

    return asyncio.run(run())
