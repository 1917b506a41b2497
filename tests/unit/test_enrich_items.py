"""Items get the facts that their names state, and keep those that they have."""

import pytest

from marketbel_adapters.testing.builders import NOW, a_row, a_supplier, fresh_id
from marketbel_core.catalog import as_listed
from marketbel_core.errors import ItemNotFoundError
from marketbel_core.ids import SupplierItemId
from marketbel_core.ports import EnrichStep, ImportFigures
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.tasks import enrich_item_task


async def items_of(world: InMemory, *names: str, **known: object) -> list[SupplierItemId]:
    async with world.catalog.unit() as unit:
        supplier = await unit.suppliers.add(a_supplier())
        rows = [a_row(name=name, characteristics=known) for name in names]
        await unit.items.merge(supplier.id, rows, at=NOW)
    return [item.id for item in world.catalog.items()]


async def test_facts_are_added_and_values_that_are_there_stay() -> None:
    world = memory()
    item_ids = await items_of(world, "Дрель 750Вт 220В 2 кг", voltage=110, weight_kg="-")

    result = await world.container.enrich_items()(item_ids)

    [item] = world.catalog.items()
    assert item.characteristics == {
        "voltage": 110,
        "weight_kg": 2.0,
        "power_watts": 750,
        "_enriched": {"weight_kg": "-", "power_watts": None},
    }
    assert result.added == {item.id: {"weight_kg": 2.0, "power_watts": 750}}


async def test_a_second_time_adds_nothing() -> None:
    world = memory()
    item_ids = await items_of(world, "Дрель 750Вт")
    await world.container.enrich_items()(item_ids)

    assert (await world.container.enrich_items()(item_ids)).added == {}


async def test_more_items_than_a_transaction_takes_are_all_done() -> None:
    world = memory()
    item_ids = await items_of(world, *(f"Лампа {watts} Вт" for watts in range(1, 602)))

    result = await world.container.enrich_items()(item_ids)

    assert len(result.added) == 601


async def test_an_item_that_is_not_there_is_told_after_the_others_are_done() -> None:
    world = memory()
    item_ids = await items_of(world, "Дрель 750Вт")

    with pytest.raises(ItemNotFoundError):
        await world.container.enrich_items()([*item_ids, SupplierItemId(fresh_id())])

    assert world.catalog.items()[0].characteristics["power_watts"] == 750


async def test_the_task_tells_what_it_found_and_what_of_it_was_new() -> None:
    world = memory()
    [item_id] = await items_of(world, "Дрель 750Вт 220В", voltage=110)

    result = await enrich_item_task(
        {"container": world.container, "job_try": 1}, task_id="t", supplier_item_id=str(item_id)
    )

    assert result["features_extracted"] == {"voltage": 220, "power_watts": 750}
    assert result["characteristics_updated"] == ["power_watts"]
    assert result["extractors_applied"] == ["electronics", "dimensions"]


async def test_all_of_a_suppliers_items_get_facts_some_hundred_a_step() -> None:
    world = memory()
    await items_of(world, *(f"Лампа {watts} Вт" for watts in range(1, 602)), "Ложка")
    supplier_id = world.catalog.suppliers()[0].id
    await world.queue.ask(EnrichStep(supplier_id=supplier_id, asked_at=NOW))

    assert await world.run() == 2

    told = [item for item in world.catalog.items() if "power_watts" in item.characteristics]
    assert len(told) == 601
    assert await world.container.enrich_supplier()(EnrichStep(supplier_id=supplier_id)) == 0


async def test_a_list_that_matched_has_facts_and_is_unchanged_the_next_time() -> None:
    world = memory()
    await items_of(world, "Дрель 750Вт 220В")
    supplier_id = world.catalog.suppliers()[0].id
    row = a_row(sku=world.catalog.items()[0].sku, name="Дрель 750Вт 220В", characteristics={})

    await world.container.match_items()(supplier_id=supplier_id)
    await world.run()
    async with world.catalog.unit() as unit:
        figures = await unit.items.merge(supplier_id, [row], at=NOW)

    assert world.catalog.items()[0].characteristics["voltage"] == 220
    assert figures == ImportFigures(unchanged=1)


async def test_facts_that_are_extracted_anew_keep_what_the_list_said_in_mind() -> None:
    world = memory()
    item_ids = await items_of(world, "Дрель 750Вт 220В", voltage=110)
    enrich = world.container.enrich_items()
    await enrich(item_ids, extractors=["electronics"], preserve_existing=False)
    await enrich(item_ids, extractors=["dimensions"])

    [item] = world.catalog.items()
    assert item.characteristics["voltage"] == 220
    assert as_listed(item.characteristics) == {"voltage": 110}
