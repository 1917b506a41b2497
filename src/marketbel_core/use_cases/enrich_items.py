"""Items are given the facts that their names state, beside what their lists said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from marketbel_core.errors import ItemNotFoundError
from marketbel_core.ids import SupplierItemId
from marketbel_core.matching.extraction import (
    EXTRACTORS,
    Facts,
    extract,
    facts_to_add,
    marked,
)
from marketbel_core.ports import Catalog, Clock, EnrichStep, StepQueue

__all__ = ["EnrichItems", "EnrichResult", "EnrichSupplier"]

_CHUNK: Final = 500

_PAGE: Final = 100
"""Items of a supplier in one transaction: their names are read in a few milliseconds."""

_STEP: Final = 500
"""Items of a supplier in one step: short beside whatever else waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichResult:
    """What names stated, by item, and what of it was new.

    Attributes:
        stated: All that was found.
        added: What was written.
    """

    stated: Mapping[SupplierItemId, Facts] = field(default_factory=dict)
    added: Mapping[SupplierItemId, Facts] = field(default_factory=dict)


class EnrichItems:
    """Adds facts to items. Safe to run any number of times."""

    def __init__(self, *, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    async def __call__(
        self,
        item_ids: Sequence[SupplierItemId],
        *,
        extractors: Sequence[str] = EXTRACTORS,
        preserve_existing: bool = True,
    ) -> EnrichResult:
        """Look at these items, in transactions of a few hundred.

        Args:
            item_ids: Which items.
            extractors: What is looked for, of `EXTRACTORS`.
            preserve_existing: Whether a characteristic that is there stays as it is.

        Raises:
            ItemNotFoundError: the first item that is not there; those before it are done.
            UnavailableError: the catalogue cannot be reached.
        """
        stated: dict[SupplierItemId, Facts] = {}
        added: dict[SupplierItemId, Facts] = {}
        for start in range(0, len(item_ids), _CHUNK):
            wanted = item_ids[start : start + _CHUNK]
            async with self._catalog.unit() as unit:
                items = await unit.enrichments.open(wanted)
                facts = {item.id: extract(item.name, extractors=extractors) for item in items}
                new = {
                    item.id: facts_to_add(
                        facts[item.id], item.characteristics, preserve_existing=preserve_existing
                    )
                    for item in items
                }
                written = {
                    item.id: marked(new[item.id], item.characteristics)
                    for item in items
                    if new[item.id]
                }
                await unit.enrichments.record(written, at=self._clock.now())
            stated |= facts
            added |= {item_id: found for item_id, found in new.items() if found}
            for item_id in wanted:
                if item_id not in facts:
                    raise ItemNotFoundError(item_id)
        return EnrichResult(stated=stated, added=added)


class EnrichSupplier:
    """Adds facts to what a supplier's lists brought, some hundred items a step."""

    def __init__(self, *, catalog: Catalog, queue: StepQueue, clock: Clock) -> None:
        self._catalog = catalog
        self._queue = queue
        self._clock = clock

    async def __call__(self, step: EnrichStep) -> int:
        """Return to how many items something was added; ask for the next ones.

        Items that have facts of ours are passed over: a list that changes one takes them away.

        Raises:
            UnavailableError: the catalogue or the queue cannot be reached; what is added stays.
        """
        after, added = step.after, 0
        for _ in range(_STEP // _PAGE):
            async with self._catalog.unit() as unit:
                items = await unit.enrichments.lacking(step.supplier_id, after=after, limit=_PAGE)
                facts = {
                    item.id: marked(new, item.characteristics)
                    for item in items
                    if (
                        new := facts_to_add(
                            extract(item.name), item.characteristics, preserve_existing=True
                        )
                    )
                }
                await unit.enrichments.record(facts, at=self._clock.now())
            added += len(facts)
            if len(items) < _PAGE:
                return added
            after = items[-1].id
        await self._queue.ask(replace(step, after=after))
        return added
