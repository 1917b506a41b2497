"""All checks at once: none waits for another's trouble, and each ends in time."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass

from marketbel_core.ports import Clock
from marketbel_runtime.doctor.attempt import Attempts, broken_checks, missing_extra
from marketbel_runtime.doctor.choices import look_at_poll_interval, look_at_settings
from marketbel_runtime.doctor.clocks import MachineClock
from marketbel_runtime.doctor.findings import Finding, Report, skipped
from marketbel_runtime.doctor.folder import look_at_shared_folder
from marketbel_runtime.doctor.google import look_at_google_credentials
from marketbel_runtime.doctor.names import DATABASE_NAMES, REDIS_NAMES
from marketbel_runtime.doctor.secrets import secrets_of
from marketbel_runtime.doctor.threads import AbandoningExecutor
from marketbel_runtime.settings import SettingFault, Settings, SettingsError, read_settings

__all__ = ["examine", "run_doctor"]

type _Look = Callable[[], Coroutine[None, None, list[Finding]]]


def run_doctor() -> Report:
    """Examine what the environment names, and return the report."""

    async def main() -> Report:
        asyncio.get_running_loop().set_default_executor(AbandoningExecutor())
        return await examine(settings, faults=faults, clock=MachineClock())

    try:
        settings, faults = read_settings()
    except SettingsError as error:
        settings = Settings(_env_file=None)
        faults = (SettingFault(variable=".env", message=str(error)),)
    return asyncio.run(main())


async def examine(
    settings: Settings, *, clock: Clock, faults: Sequence[SettingFault] = ()
) -> Report:
    """Return what was found.

    Args:
        settings: Where to look.
        clock: Compared with the clocks of the neighbours.
        faults: What is wrong among the settings; what depends on it is not looked at.
    """
    wrong = frozenset(name for fault in faults for name in fault.variable.split(" or "))
    visit = _Visit(
        settings=settings,
        clock=clock,
        wrong=wrong,
        attempts=Attempts(secrets=secrets_of(settings)),
    )
    look_at = visit.group
    groups = await asyncio.gather(
        look_at(DATABASE_NAMES, visit.database, uses=["DATABASE_URL"], extra="postgres"),
        look_at(REDIS_NAMES, visit.redis, uses=visit.redis_variables(), extra="redis"),
        look_at(["shared-folder"], visit.shared_folder, uses=["UPLOADS_DIR", "MAX_FILE_SIZE_MB"]),
        look_at(
            ["ml-analyze"],
            visit.ml_analyze,
            uses=["ML_ANALYZE_URL", "USE_ML_PROCESSING"],
            extra="http",
        ),
        look_at(["google-credentials"], visit.google, uses=["GOOGLE_CREDENTIALS_PATH"]),
        look_at(["poll-interval"], visit.poll_interval, uses=["ML_POLL_INTERVAL_SECONDS"]),
    )
    return Report(
        findings=(look_at_settings(settings, faults), *itertools.chain.from_iterable(groups))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """One examination: each method looks at one neighbour, whose driver is imported there.

    Attributes:
        wrong: Names of the variables with a value that they must not have.
    """

    settings: Settings
    clock: Clock
    wrong: frozenset[str]
    attempts: Attempts

    async def group(
        self, names: Sequence[str], look: _Look, *, uses: Iterable[str], extra: str = "all"
    ) -> list[Finding]:
        """Return a finding for each of `names`, whatever happens.

        Args:
            names: Of the checks.
            look: Makes their findings.
            uses: The variables that are needed for it.
            extra: Where the package comes from that is needed for it.
        """
        unusable = [name for name in uses if name in self.wrong]
        if unusable:
            return skipped(names, f"{' and '.join(unusable)} is wrong, see settings")
        # Gathered, so that a fault of one check itself does not end the others.
        [found] = await asyncio.gather(look(), return_exceptions=True)
        match found:
            case SettingsError():
                return skipped(names, f"{str(found).partition(':')[0]}, see settings")
            case ModuleNotFoundError():
                return missing_extra(names, package=found.name, extra=extra)
            case Exception():
                return broken_checks(names, found)
            case BaseException():
                raise found
            case _:
                return found

    def redis_variables(self) -> list[str]:
        """Return the variables of which the address of Redis is made."""
        if self.settings.redis_url is not None:
            return ["REDIS_URL"]
        return ["REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD"]

    async def database(self) -> list[Finding]:
        url = self.settings.require_database_url()
        from marketbel_runtime.doctor.database import look_at_database  # noqa: PLC0415

        return await look_at_database(url, clock=self.clock, attempts=self.attempts)

    async def redis(self) -> list[Finding]:
        url = self.settings.require_redis_url()
        from marketbel_runtime.doctor.redis_server import look_at_redis  # noqa: PLC0415

        queue_name = None if "QUEUE_NAME" in self.wrong else self.settings.queue_name
        return await look_at_redis(
            url, queue_name=queue_name, clock=self.clock, attempts=self.attempts
        )

    async def ml_analyze(self) -> list[Finding]:
        from marketbel_runtime.doctor.ml_analyze import look_at_ml_analyze  # noqa: PLC0415

        return [
            await look_at_ml_analyze(
                self.settings.ml_analyze_url,
                is_needed=self.settings.use_ml_processing,
                attempts=self.attempts,
            )
        ]

    async def shared_folder(self) -> list[Finding]:
        return [
            await self._in_thread("shared-folder", lambda: look_at_shared_folder(self.settings))
        ]

    async def google(self) -> list[Finding]:
        path = self.settings.google_credentials_path
        return [
            await self._in_thread("google-credentials", lambda: look_at_google_credentials(path))
        ]

    async def poll_interval(self) -> list[Finding]:
        return [look_at_poll_interval(self.settings.ml_poll_interval_seconds)]

    async def _in_thread(self, name: str, look: Callable[[], Finding]) -> Finding:
        return await self.attempts.look(
            name, lambda: asyncio.to_thread(look), cure="the file system hangs: look at its mounts"
        )
