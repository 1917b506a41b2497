"""The clean-up: files that have been kept for long enough go, and nothing that anybody needs."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from marketbel_core.errors import JobNotFoundError, MarketbelError, RefusedError, UnavailableError
from marketbel_core.ids import JobId
from marketbel_core.intake.stored_file import (
    FoundFile,
    KeepReason,
    mentioned_names,
    reason_to_keep,
)
from marketbel_core.jobs import Job, Phase
from marketbel_core.ports import (
    Clock,
    FileStore,
    JobArchive,
    JobStore,
    Telemetry,
    WaitingTriggers,
)

__all__ = ["CleanUpFiles", "CleanUpResult"]

_TTL_MIN: Final = timedelta(hours=1)
"""An upload is there before the trigger that mentions it: it must not go in between."""

_ACTIVE_MAX: Final = 100_000
"""Jobs of a phase that are looked at; with as many, it is not known what all of them need."""

_PAGE: Final = 1_000
_ERRORS_TOLD: Final = 100
_ON_THEIR_WAY: Final = (Phase.DOWNLOADING, Phase.ANALYZING, Phase.MATCHING)
"""In the order in which jobs move, so that one that moves meanwhile is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUpResult:
    """What a clean-up did. A price list and its sidecar count as one.

    Attributes:
        files_found: Whose time was over and that nobody needs.
        bytes_found: What their removal frees.
        names: What they are called, up to a hundred of them.
        files_deleted: Those that were removed; none in a dry run.
        bytes_freed: Their size.
        errors: A sentence for each that could not be judged or removed, up to a hundred.
        kept: How many were left alone, by reason.
    """

    files_found: int = 0
    bytes_found: int = 0
    names: tuple[str, ...] = ()
    files_deleted: int = 0
    bytes_freed: int = 0
    errors: tuple[str, ...] = ()
    kept: Mapping[KeepReason, int] = field(default_factory=lambda: MappingProxyType({}))


class CleanUpFiles:
    """Removes what was stored or uploaded longer ago than `ttl`. Safe to run twice at once.

    Never removes a file of a job that is on its way, one that such a job or a waiting trigger
    names as its source, or anything that is not ours.
    """

    def __init__(
        self,
        *,
        files: FileStore,
        jobs: JobStore,
        triggers: WaitingTriggers,
        clock: Clock,
        telemetry: Telemetry,
        ttl: timedelta,
        archive: JobArchive | None = None,
    ) -> None:
        """Ask `archive` as well, where there is one: `jobs` may have been lost a while ago."""
        self._archive = archive
        self._files = files
        self._jobs = jobs
        self._triggers = triggers
        self._clock = clock
        self._telemetry = telemetry
        self._ttl = ttl

    async def __call__(
        self, *, ttl: timedelta | None = None, dry_run: bool = False
    ) -> CleanUpResult:
        """Return what was removed, or in a dry run what would be.

        Args:
            ttl: How long files are kept, at least an hour; `None` means the deployment's choice.
            dry_run: Whether to remove nothing.

        Raises:
            RefusedError: `ttl` is too short (`cleanup.ttl`).
            UnavailableError: the store, the jobs or the triggers cannot be read now.
            ProtocolError: where triggers should wait, something else is; nothing was removed.
        """
        ttl = self._ttl if ttl is None else ttl
        if ttl < _TTL_MIN:
            raise RefusedError("cleanup.ttl", f"files are kept for at least {_TTL_MIN}")
        # Triggers first: one that is taken meanwhile has become a job, which is seen afterwards.
        awaited = await self._triggers.mentions()
        needed = await self._needed()
        tally = _Tally()
        now = self._clock.now()
        for found in await self._files.survey():
            reason = reason_to_keep(found, now=now, ttl=ttl)
            if reason is None:
                reason = await self._reason_by_use(found, awaited, needed, tally)
            if reason is not None:
                tally.kept[reason] += 1
                continue
            tally.due(found)
            if not dry_run:
                await self._remove(found, tally)
        return self._told(tally.result(), dry_run=dry_run)

    async def _needed(self) -> frozenset[str]:
        """Return the names of files that jobs on their way read, or were given as their source.

        Of those that the archive alone remembers, the ids as well: their files bear them.

        Raises:
            UnavailableError: there are more jobs than can be looked at.
        """
        names: set[str] = set()
        for phase in _ON_THEIR_WAY:
            jobs = await self._jobs.list_in(phase, limit=_ACTIVE_MAX)
            if len(jobs) >= _ACTIVE_MAX:
                raise UnavailableError(
                    f"too many jobs are {phase} to know which files they need; clean up later",
                    code="cleanup.too_many_jobs",
                )
            for job in jobs:
                names |= _named_by(job)
        async for job in self._unfinished():
            names |= {*_named_by(job), str(job.id)}
        return frozenset(names)

    async def _unfinished(self) -> AsyncIterator[Job]:
        after: JobId | None = None
        while self._archive and (page := await self._archive.unfinished(limit=_PAGE, after=after)):
            after = page[-1].id
            for job in page:
                yield job

    async def _reason_by_use(
        self, found: FoundFile, awaited: frozenset[str], needed: frozenset[str], tally: "_Tally"
    ) -> KeepReason | None:
        if needed & {found.name, *(str(owner) for owner in found.owners)}:
            return KeepReason.ACTIVE_JOB
        if awaited & {found.name, *(str(owner) for owner in found.owners)}:
            return KeepReason.AWAITED
        try:
            # Asked for each one, and late: a retry may have begun since the jobs were listed.
            if await self._has_active_job(found):
                return KeepReason.ACTIVE_JOB
        except UnavailableError:
            raise
        except MarketbelError as error:  # a job that cannot be read may be on its way
            tally.trouble(found, error)
            return KeepReason.ACTIVE_JOB
        return None

    async def _has_active_job(self, found: FoundFile) -> bool:
        for owner in found.owners:
            try:
                if (await self._jobs.get(JobId(owner))).is_active:
                    return True
            except JobNotFoundError:
                continue  # forgotten, or the owner is a supplier
        return False

    async def _remove(self, found: FoundFile, tally: "_Tally") -> None:
        try:
            removed = await self._files.remove(found)
        except MarketbelError as error:
            tally.trouble(found, error)
            return
        if removed:
            tally.gone(found)
        else:
            tally.kept[KeepReason.CHANGED] += 1

    def _told(self, result: CleanUpResult, *, dry_run: bool) -> CleanUpResult:
        self._telemetry.event(
            "files.cleaned_up",
            dry_run=dry_run,
            found=result.files_found,
            deleted=result.files_deleted,
            bytes_freed=result.bytes_freed,
            errors=len(result.errors),
            **{f"kept_{reason}": count for reason, count in result.kept.items()},
        )
        if result.files_deleted:
            self._telemetry.count("cleanup.deleted", result.files_deleted)
        return result


class _Tally:
    """Counts while the clean-up goes on."""

    def __init__(self) -> None:
        self.kept: Counter[KeepReason] = Counter()
        self._names: list[str] = []
        self._errors: list[str] = []
        self._found = self._bytes_found = self._deleted = self._bytes_freed = 0

    def due(self, found: FoundFile) -> None:
        self._found += 1
        self._bytes_found += found.size_bytes
        if len(self._names) < _ERRORS_TOLD:
            self._names.append(_shown(found))

    def gone(self, found: FoundFile) -> None:
        self._deleted += 1
        self._bytes_freed += found.size_bytes

    def trouble(self, found: FoundFile, error: MarketbelError) -> None:
        if len(self._errors) < _ERRORS_TOLD:
            self._errors.append(f"{_shown(found)}: {error} ({error.code})")

    def result(self) -> CleanUpResult:
        return CleanUpResult(
            files_found=self._found,
            bytes_found=self._bytes_found,
            names=tuple(self._names),
            files_deleted=self._deleted,
            bytes_freed=self._bytes_freed,
            errors=tuple(self._errors),
            kept=MappingProxyType(dict(self.kept)),
        )


def _named_by(job: Job) -> frozenset[str]:
    return mentioned_names(job.source.location) | ({job.file_key} if job.file_key else set())


def _shown(found: FoundFile) -> str:
    """Return the name as it can be written: one from a foreign system may not be UTF-8."""
    return found.name.encode(errors="replace").decode()
