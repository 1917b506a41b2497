"""What people do with imports: plan one, apply it, approve one that is held, undo one."""

from collections.abc import Callable
from typing import Final

from marketbel_core.errors import RefusedError
from marketbel_core.ids import ImportId
from marketbel_core.ports import Catalog, Clock, Import, ImportState, UndoOutcome
from marketbel_core.use_cases._link_keeper import LinkKeeper
from marketbel_core.use_cases._list_importer import ListImporter
from marketbel_core.use_cases._list_to_import import ImportPlan, ListToImport

__all__ = ["ApplyImport", "ApproveImport", "PlanImport", "UndoImport"]

_EXAMPLES: Final = 10


class PlanImport:
    """Says what importing a stored list would do; changes nothing."""

    def __init__(self, *, importer: ListImporter) -> None:
        self._importer = importer

    async def __call__(
        self,
        wanted: ListToImport,
        *,
        examples: int = _EXAMPLES,
        progress: Callable[[int], None] | None = None,
    ) -> ImportPlan:
        """Return the plan: figures, first differences, and why it would be held.

        Raises:
            RefusedError: the file is no price list.
            UnavailableError: the catalogue cannot be reached.
        """
        return await self._importer.plan(wanted, examples=examples, progress=progress)


class ApplyImport:
    """Imports a stored list without a job."""

    def __init__(self, *, importer: ListImporter) -> None:
        self._importer = importer

    async def __call__(
        self,
        wanted: ListToImport,
        *,
        version: str | None = None,
        waived: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Import:
        """Return the record of the import: applied, held or repeated.

        Args:
            wanted: The list.
            version: Of the plan that a person saw; `None`: whatever the catalogue is like.
            waived: Whether the person waives the limits.
            progress: Told how many rows have been read.

        Raises:
            RefusedError: the file is no price list; the catalogue changed since the plan
                (`import.plan_stale`).
            UnavailableError: the catalogue cannot be reached; nothing was written.
        """
        return await self._importer.carry_out(
            wanted, version=version, waived=waived, progress=progress
        )


class ApproveImport:
    """Waives the limits for the bytes of a held import."""

    def __init__(self, *, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    async def __call__(self, import_id: ImportId, *, by: str) -> Import:
        """Return the approved record; whoever imports the same bytes next applies them.

        Raises:
            ImportNotFoundError: there is none under this id.
            RefusedError: it is not held (`import.not_held`), or its bytes are not known.
            UnavailableError: the catalogue cannot be reached.
        """
        at = self._clock.now()
        async with self._catalog.unit() as unit:
            record = await unit.imports.get(import_id)
            if record.state is not ImportState.HELD or not record.content_key:
                raise RefusedError(
                    "import.not_held", f"the import is {record.state}: only a held one is approved"
                )
            await unit.imports.approve(import_id, by=by, at=at)
            return await unit.imports.get(import_id)


class UndoImport:
    """Takes an applied import back, except for what somebody changed since."""

    def __init__(self, *, catalog: Catalog, links: LinkKeeper, clock: Clock) -> None:
        self._catalog = catalog
        self._links = links
        self._clock = clock

    async def __call__(self, import_id: ImportId) -> UndoOutcome:
        """Return what was reversed, kept and failed; lowest prices follow in the same unit.

        Raises:
            ImportNotFoundError: there is none under this id.
            RefusedError: it is not applied (`import.not_applied`).
            UnavailableError: the catalogue cannot be reached; nothing was changed.
        """
        at = self._clock.now()
        async with self._catalog.unit() as unit:
            record = await unit.imports.get(import_id)
            if record.state is not ImportState.APPLIED:
                raise RefusedError(
                    "import.not_applied",
                    f"the import is {record.state}: only an applied one is undone",
                )
            outcome = await unit.imports.undo(import_id, at=at)
            await self._links.follow(unit, outcome.product_ids, at=at)
        return outcome
