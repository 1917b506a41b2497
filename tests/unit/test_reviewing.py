"""What people decide, as the tasks of the deployment take it."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from marketbel_adapters.testing.builders import NOW, a_product, a_row, a_supplier, fresh_id
from marketbel_core.catalog import MatchStatus, Money, Product, ProductStatus, SupplierItem
from marketbel_core.matching import Verdict
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.tasks import expire_review_queue_task, handle_manual_match_event

USER = "0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a11"


async def a_doubt(world: InMemory) -> tuple[SupplierItem, Product]:
    """Return an item that waits for a person, and the product that it may be."""
    product = a_product(name="Насос Makita X1 600 Вт")
    row = a_row(name="Насос Makita X1 800 Вт", price=Money(Decimal("7.00")))
    async with world.catalog.unit() as unit:
        supplier = await unit.suppliers.add(a_supplier())
        await unit.products.add([product])
        await unit.items.merge(supplier.id, [row], at=NOW)
    await world.container.match_items()()
    return the_item(world), product


def the_item(world: InMemory) -> SupplierItem:
    [item] = world.catalog.items()
    return item


async def told(world: InMemory, **event: object) -> dict[str, object]:
    ctx = {"container": world.container, "job_id": "d", "job_try": 1}
    return await handle_manual_match_event(ctx, **event)


async def test_an_approval_links_and_the_lowest_price_follows_at_once() -> None:
    world = memory()
    item, product = await a_doubt(world)

    result = await told(
        world,
        event_id="e1",
        supplier_item_id=str(item.id),
        action="approve_match",
        product_id=str(product.id),
        user_id=USER,
    )

    assert (result["status"], result["product_id"]) == ("success", str(product.id))
    assert result["previous_product_id"] is None
    assert the_item(world).match_status is MatchStatus.VERIFIED_MATCH
    assert world.catalog.aggregates()[product.id].min_price == Decimal("7.00")
    row = world.catalog.reviews()[item.id]
    assert (row.status, row.reviewed_by) == ("approved", UUID(USER))


async def test_an_event_that_comes_twice_is_done_once() -> None:
    world = memory()
    item, _ = await a_doubt(world)
    event = {"task_id": "e1", "supplier_item_id": str(item.id), "action": "reject_match"}

    first, second = await told(world, **event), await told(world, **event)

    assert first["product_id"] == second["product_id"]
    assert first["decision_id"] == second["decision_id"]
    assert len(world.catalog.products()) == 2


async def test_a_rejection_founds_a_draft_and_rules_the_candidates_out() -> None:
    world = memory()
    item, product = await a_doubt(world)

    result = await told(
        world, supplier_item_id=str(item.id), action="reject_match", new_product_name=" Насос "
    )

    founded = next(one for one in world.catalog.products() if one.id != product.id)
    assert (founded.name, founded.status) == ("Насос", ProductStatus.DRAFT)
    assert result["product_id"] == str(founded.id)
    async with world.catalog.unit() as unit:
        said = (await unit.verdicts.of([item.id]))[item.id]
    assert {one.product_id: one.verdict for one in said} == {
        product.id: Verdict.DIFFERENT,
        founded.id: Verdict.SAME,
    }


async def test_what_was_unlinked_is_not_linked_right_back() -> None:
    world = memory()
    item, product = await a_doubt(world)
    await told(world, supplier_item_id=str(item.id), action="link", product_id=str(product.id))
    result = await told(world, supplier_item_id=str(item.id), action="unlink")

    await world.container.match_items()()

    assert result["previous_product_id"] == str(product.id)
    assert the_item(world).product_id not in {None, product.id}
    assert world.catalog.aggregates()[product.id].min_price is None


async def test_a_draft_that_its_own_item_was_taken_from_is_not_founded_again() -> None:
    world = memory()
    async with world.catalog.unit() as unit:
        supplier = await unit.suppliers.add(a_supplier())
        await unit.items.merge(supplier.id, [a_row(name="Краска белая")], at=NOW)
    await world.container.match_items()()
    item = the_item(world)

    await told(world, supplier_item_id=str(item.id), action="unlink")
    await world.container.match_items()()

    again = the_item(world)
    assert again.match_status is MatchStatus.AUTO_MATCHED
    assert again.product_id not in {None, item.product_id}


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"action": "frobnicate"}, "review.unknown_action"),
        ({"action": "api_link"}, "review.unknown_action"),
        ({"action": "link"}, "review.no_product"),
        ({"action": "unlink"}, "review.not_linked"),
        ({"action": "link", "product_id": "x"}, "job.bad_id"),
        ({"action": "link", "product_id": str(fresh_id())}, "product.not_found"),
        ({"action": "unlink", "supplier_item_id": str(fresh_id())}, "item.not_found"),
        ({"action": "unlink", "supplier_item_id": None}, "job.bad_id"),
        ({"action": "reject_match", "new_product_name": "x" * 501}, "review.bad_name"),
    ],
)
async def test_an_event_that_does_not_apply_is_refused(
    event: dict[str, object], code: str
) -> None:
    world = memory()
    item, _ = await a_doubt(world)

    result = await told(world, **{"supplier_item_id": str(item.id), **event})

    assert (result["status"], result["code"]) == ("error", code)
    assert the_item(world) == item


async def test_an_archived_product_is_not_linked() -> None:
    world = memory()
    item, _ = await a_doubt(world)
    archived = a_product(status=ProductStatus.ARCHIVED)
    async with world.catalog.unit() as unit:
        await unit.products.add([archived])

    result = await told(
        world, supplier_item_id=str(item.id), action="link", product_id=str(archived.id)
    )

    assert result["code"] == "review.archived"


async def test_an_expired_review_gives_its_item_back_to_the_matcher() -> None:
    world = memory()
    item, _ = await a_doubt(world)
    world.clock.tick(timedelta(days=31))

    result = await expire_review_queue_task({"container": world.container, "job_try": 1})

    assert result["expired_count"] == 1
    assert the_item(world).match_status is MatchStatus.UNMATCHED
    await world.container.match_items()()
    assert world.catalog.reviews()[item.id].status == "pending"
