"""Items are given the facts that their names state, beside what their lists said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from marketbel_core.errors import ItemNotFoundError
from marketbel_core.ids import SupplierItemId
from marketbel_core.matching.extraction import EXTRACTORS, Facts, extract, facts_to_add
from marketbel_core.ports import Catalog, Clock

__all__ = ["EnrichItems", "EnrichResult"]

_CHUNK: Final = 500


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
                written = {item_id: found for item_id, found in new.items() if found}
                await unit.enrichments.record(written, at=self._clock.now())
            stated |= facts
            added |= written
            for item_id in wanted:
                if item_id not in facts:
                    raise ItemNotFoundError(item_id)
        return EnrichResult(stated=stated, added=added)
