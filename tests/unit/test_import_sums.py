"""What holds of every list, whatever it says: nothing is lost, nothing is counted twice."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from marketbel_adapters.memory import ScriptedRowReader
from marketbel_adapters.testing.builders import a_row, a_supplier
from marketbel_adapters.testing.catalog_imports import an_unpriced_row
from marketbel_adapters.testing.catalog_steps import claimed, linked, recorded, stored_product
from marketbel_core.catalog import FileType, Money
from marketbel_core.ids import FileKey
from marketbel_core.intake import ReadRows
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.ports import Import, ListedRow
from marketbel_core.use_cases import ListToImport
from marketbel_runtime.lifespan import InMemory, memory

_KEY: Final = FileKey("list.csv")
_SKUS: Final = st.sampled_from(["a", "A", "a ", "b", "0012", "12", "д-1", "Д-1"])
_PRICED: Final = st.builds(
    lambda sku, name, cents: a_row(sku=sku, name=name, price=Money(Decimal(cents) / 100)),
    _SKUS,
    st.sampled_from(["one", "two", "with\0zero"]),
    st.integers(0, 3),
)
_LISTS: Final = st.lists(
    st.lists(st.one_of(_PRICED, st.builds(an_unpriced_row, _SKUS)), max_size=12),
    min_size=1,
    max_size=4,
)


async def brought(world: InMemory, rows: Sequence[ListedRow]) -> Import:
    reader = ScriptedRowReader()
    reader.tell(
        _KEY,
        ReadRows(
            accepted=tuple(row for row in rows if isinstance(row, AcceptedRow)),
            unpriced=tuple(row for row in rows if not isinstance(row, AcceptedRow)),
            rejected=(),
        ),
    )
    wanted = ListToImport(
        supplier=a_supplier(name="Acme"),
        key=_KEY,
        file_type=FileType.CSV,
        source_name="list.csv",
    )
    importer = world.container.importer(reader=reader)
    world.clock.tick(timedelta(minutes=1))
    return await world.container.apply_import(importer=importer)(wanted, waived=True)


async def all_brought(lists: Sequence[Sequence[ListedRow]]) -> None:
    world = memory()
    history = 0
    for rows in lists:
        stored = {item.sku for item in world.catalog.items()}
        record = await brought(world, rows)
        figures = record.figures
        listed = {item.sku for item in world.catalog.items()} - stored
        assert figures.read == len(rows)
        assert figures.accepted == sum(
            isinstance(row, AcceptedRow) and "\0" not in row.name for row in rows
        )
        assert len(listed) == figures.inserted
        named = figures.accepted - figures.merged
        assert named == figures.inserted + figures.updated + figures.unchanged
        assert len(stored) + figures.inserted == len(world.catalog.items())
        history += figures.inserted + figures.repriced
        assert len(world.catalog.price_history()) == history


@given(lists=_LISTS)
def test_stored_items_and_merges_are_the_accepted_rows(lists: list[list[ListedRow]]) -> None:
    asyncio.run(all_brought(lists))


async def linked_throughout(lists: Sequence[Sequence[ListedRow]]) -> None:
    world = memory()
    await brought(world, lists[0])
    product = await stored_product(world.catalog)
    items = await claimed(world.catalog, None)
    await recorded(world.catalog, *(linked(item, product) for item in items))
    before = {each.item.id: each for each in world.catalog.stored_items()}
    for rows in lists[1:]:
        await brought(world, rows)

    after = {each.item.id: each for each in world.catalog.stored_items()}
    for item_id, was in before.items():
        now = after[item_id]
        assert now.item.sku == was.item.sku
        assert (now.item.product_id, now.item.match_status) == (
            product.id,
            was.item.match_status,
        )
        assert now.match_score == was.match_score
        assert now.match_candidates == was.match_candidates


@given(lists=_LISTS)
def test_no_list_takes_an_items_link_away(lists: list[list[ListedRow]]) -> None:
    asyncio.run(linked_throughout(lists))
