"""`marketbel cleanup`: remove files that have been kept for long enough, or say which ones."""

import asyncio
from datetime import timedelta
from typing import Annotated, Final

import typer

from marketbel_core.use_cases import CleanUpFiles, CleanUpResult
from marketbel_runtime.clean_up import TTL_HOURS_MAX, TTL_HOURS_MIN, clean_up_result, ttl_of
from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.cli.output import console, write_json
from marketbel_runtime.settings import Settings

__all__ = ["cleanup"]

_USED: Final = (
    *("REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "QUEUE_NAME"),
    *("UPLOADS_DIR", "FILE_CLEANUP_TTL_HOURS", "LOG_LEVEL", "LOG_FORMAT"),
)


def cleanup(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Remove nothing; say what would be removed.")
    ] = False,
    ttl_hours: Annotated[
        float | None,
        typer.Option(
            help="How long files are kept; without it, FILE_CLEANUP_TTL_HOURS.",
            min=TTL_HOURS_MIN,
            max=TTL_HOURS_MAX,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Remove files in UPLOADS_DIR that were stored long ago and that no job needs.

    Workers do the same every 6 hours. Redis must answer: it knows which jobs are on their way.
    After a loss of Redis run `marketbel jobs recover` first.
    Exit status 1 when a file could not be judged or removed.
    """
    settings, ttl = settings_of(*_USED), ttl_of(ttl_hours)
    result = asyncio.run(_clean_up(settings, ttl=ttl, dry_run=dry_run))
    out = console(as_json=as_json)
    for line in _lines(result, dry_run=dry_run):
        out.print(line, soft_wrap=True, markup=False)
    if as_json:
        told = clean_up_result(result)
        write_json({"ok": not result.errors, "dry_run": dry_run, **told, "names": result.names})
    if result.errors:
        raise typer.Exit(1)


async def _clean_up(settings: Settings, *, ttl: timedelta | None, dry_run: bool) -> CleanUpResult:
    """Clean up with the folder and Redis alone: a database that is away does not stand in it."""
    # Imported here: `marketbel --help` needs none of these packages.
    from marketbel_adapters import disk, system  # noqa: PLC0415
    from marketbel_adapters import redis as redis_adapters  # noqa: PLC0415
    from marketbel_runtime.logs import configure_logging  # noqa: PLC0415

    configure_logging(settings)
    uploads = settings.require_uploads_dir()
    async with redis_adapters.create_redis(settings.require_redis_url()) as redis:
        clean_up = CleanUpFiles(
            files=disk.DiskFileStore(uploads),
            jobs=redis_adapters.RedisJobStore(redis),
            triggers=redis_adapters.RedisWaitingTriggers(redis, queues=[settings.queue_name]),
            clock=system.SystemClock(),
            telemetry=system.StructlogTelemetry(),
            ttl=settings.file_ttl,
        )
        return await clean_up(ttl=ttl, dry_run=dry_run)


def _lines(result: CleanUpResult, *, dry_run: bool) -> list[str]:
    """Return what a person is told."""
    lines = [f"would be removed: {name}" for name in result.names] if dry_run else []
    hidden = result.files_found - len(result.names)
    if dry_run and hidden:
        lines.append(f"and {hidden} more")
    count, size = (
        (result.files_found, result.bytes_found)
        if dry_run
        else (result.files_deleted, result.bytes_freed)
    )
    lines.append(f"{count} files, {size} bytes {'to remove' if dry_run else 'removed'}")
    kept = ", ".join(f"{reason} {number}" for reason, number in sorted(result.kept.items()))
    lines.append(f"left alone: {kept or 'nothing'}")
    return [*lines, *(f"not removed: {error}" for error in result.errors)]
