"""What the match step knows of an item before names are compared: codes, verdicts, categories."""

from decimal import Decimal

from marketbel_adapters.memory import MemoryCatalog
from marketbel_adapters.testing.builders import NOW, a_product, a_row, a_supplier, fresh_id
from marketbel_core.catalog import Category, MatchStatus, Money, Product, SupplierItem
from marketbel_core.ids import CategoryId, ProductId, SupplierId
from marketbel_core.matching import Action, Reviewer, ReviewStatus
from marketbel_core.use_cases import ReviewRequest
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.settings import Settings

EAN = "4600682000013"
ANNA = Reviewer(name="Анна")


async def offered(
    catalog: MemoryCatalog,
    sku: str,
    name: str,
    *,
    supplier_id: SupplierId | None = None,
    price: Money = Money(Decimal("10.00")),  # noqa: B008 - frozen
    **said: object,
) -> SupplierId:
    """Store an item, of a new supplier unless one is named; return the supplier."""
    async with catalog.unit() as unit:
        if supplier_id is None:
            supplier_id = (await unit.suppliers.add(a_supplier())).id
        row = a_row(sku=sku, name=name, price=price, characteristics=said)
        await unit.items.merge(supplier_id, [row], at=NOW)
    return supplier_id


async def stored(catalog: MemoryCatalog, **changes: str) -> Product:
    product = a_product(name=changes["name"])
    async with catalog.unit() as unit:
        await unit.products.add([product])
    return product


async def decided(
    world: InMemory, sku: str, action: Action, product_id: ProductId | None = None
) -> None:
    await world.container.review_matches()(
        ReviewRequest(
            item_id=item_of(world, sku).id, action=action, by=ANNA, product_id=product_id
        )
    )


def item_of(world: InMemory, sku: str) -> SupplierItem:
    return next(item for item in world.catalog.items() if item.sku == sku)


async def test_an_equal_gtin_links_names_that_have_nothing_in_common() -> None:
    world = memory()
    await offered(world.catalog, "A", "Насос Makita X1", barcode=EAN)
    await world.container.match_items()()
    await offered(world.catalog, "B", "Насос поверхностный садовый", barcode=f"0{EAN}")

    result = await world.container.match_items()()

    assert (result.linked, result.drafted) == (1, 0)
    assert item_of(world, "B").product_id == item_of(world, "A").product_id


async def test_codes_count_within_one_batch() -> None:
    world = memory()
    await offered(world.catalog, "A", "Насос Makita X1", barcode=EAN)
    await offered(world.catalog, "B", "Устройство водяное", barcode=EAN)

    result = await world.container.match_items()()

    assert (result.linked, result.drafted) == (1, 1)


async def test_an_equal_makers_article_links_within_one_brand_and_not_across_brands() -> None:
    world = memory()
    await offered(world.catalog, "A", "Дрель ударная", brand="Bosch", vendor_code="GSB-13 RE")
    await world.container.match_items()()
    await offered(world.catalog, "B", "Машина сверлильная", brand="BOSCH", vendor_code="gsb13re")
    await offered(world.catalog, "C", "Фартук кухонный", brand="Ромашка", vendor_code="GSB13RE")

    result = await world.container.match_items()()

    assert (result.linked, result.drafted) == (1, 1)
    assert item_of(world, "B").product_id == item_of(world, "A").product_id


async def test_a_link_that_a_neighbour_made_lends_its_codes() -> None:
    world = memory()
    pump = await stored(world.catalog, name="Помпа")
    await offered(world.catalog, "A", "Насос Makita X1", barcode=EAN)
    await decided(world, "A", Action.LINK, pump.id)
    state = world.catalog._state
    state.keys.clear()
    state.known_links.clear()  # as if the matcher had never met the item
    await offered(world.catalog, "B", "Устройство водяное", barcode=EAN)

    await world.container.match_items()()

    assert item_of(world, "B").product_id == pump.id


async def test_a_supplier_that_gives_an_item_a_new_number_keeps_its_link() -> None:
    world = memory()
    pump = await stored(world.catalog, name="Помпа для скважины")
    supplier_id = await offered(world.catalog, "OLD", "Насос X-200 (арт. старый)")
    await decided(world, "OLD", Action.LINK, pump.id)
    await world.container.match_items()()
    await offered(world.catalog, "NEW", "Насос X-200 (арт. старый)", supplier_id=supplier_id)
    await offered(world.catalog, "ELSE", "Насос X-200 (арт. старый)")

    await world.container.match_items()()

    assert item_of(world, "NEW").product_id == pump.id
    assert item_of(world, "ELSE").product_id != pump.id


async def test_what_a_person_called_different_is_not_offered_again_even_with_an_equal_gtin() -> (
    None
):
    world = memory()
    pump = await stored(world.catalog, name="Насос Makita X1")
    await offered(world.catalog, "A", "Насос Makita X1", barcode=EAN)
    await offered(world.catalog, "B", "Насос Makita X1", barcode=EAN)
    await world.container.match_items()()
    assert item_of(world, "B").product_id == pump.id

    await decided(world, "B", Action.UNLINK)
    await world.container.match_items()()

    assert item_of(world, "B").product_id not in {None, pump.id}


async def test_a_price_far_off_is_looked_at_by_a_person() -> None:
    world = memory()
    await stored(world.catalog, name="Насос Makita X1 600 Вт")
    await offered(world.catalog, "A", "Насос Makita X1 600 Вт", price=Money(Decimal(100)))
    await world.container.match_items()()
    await offered(world.catalog, "B", "насос makita X1 600Вт", price=Money(Decimal(1000)))
    await offered(world.catalog, "C", "насос makita X1 600Вт", price=Money(Decimal(1000), "RUB"))

    await world.container.match_items()()

    assert item_of(world, "B").match_status is MatchStatus.POTENTIAL_MATCH
    assert item_of(world, "C").match_status is MatchStatus.AUTO_MATCHED  # nobody knows its worth


def categorised(world: InMemory, *names: str) -> list[CategoryId]:
    made = [Category(id=CategoryId(fresh_id()), name=name) for name in names]
    world.catalog.categorise(*made)
    return [category.id for category in made]


async def known(world: InMemory, *products: Product) -> None:
    async with world.catalog.unit() as unit:
        await unit.products.add(products)


async def test_products_of_other_categories_are_not_candidates() -> None:
    world = memory()
    pumps, toys = categorised(world, "Насосы", "Игрушки")
    toy = a_product(name="Насос Makita X1", category_id=toys)
    pump = a_product(name="Насос Makita X1 600 Вт", category_id=pumps)
    await known(world, toy, pump)
    await offered(world.catalog, "A", "Насос Makita X1", _category="Игрушки")
    await offered(world.catalog, "B", "Насос Makita X1", _category="Сад / насосы")

    await world.container.match_items()()

    assert item_of(world, "A").product_id == toy.id
    task = world.catalog.reviews().get(item_of(world, "B").id)
    shown = [one["product_id"] for one in task.candidates] if task else []
    assert shown == [str(pump.id)] or item_of(world, "B").product_id == pump.id


async def test_an_unknown_category_is_matched_against_everything() -> None:
    world = memory()
    [toys] = categorised(world, "Игрушки")
    toy = a_product(name="Насос Makita X1", category_id=toys)
    await known(world, toy)
    await offered(world.catalog, "A", "Насос Makita X1", _category="Прочее")

    await world.container.match_items()()

    assert item_of(world, "A").product_id == toy.id


async def test_a_category_hides_no_equal_gtin() -> None:
    world = memory()
    _, toys = categorised(world, "Насосы", "Игрушки")
    toy = a_product(name="Помпа", category_id=toys)
    await known(world, toy)
    await offered(world.catalog, "A", "Насос Makita X1", barcode=EAN)
    await decided(world, "A", Action.LINK, toy.id)
    await world.container.match_items()()
    await offered(world.catalog, "B", "Насос", barcode=EAN, _category="Насосы")

    await world.container.match_items()()

    assert item_of(world, "B").product_id == toy.id


async def test_where_the_setting_says_so_an_item_without_a_category_waits_for_one() -> None:
    world = memory(Settings(_env_file=None, match_needs_category=True))
    [pumps] = categorised(world, "Насосы")
    pump = a_product(name="Насос Makita X1", category_id=pumps)
    await known(world, pump)
    await offered(world.catalog, "A", "Насос Makita X1")
    await offered(world.catalog, "B", "Насос Makita X1", _category="Насосы", barcode=EAN)
    await offered(world.catalog, "C", "Устройство водяное", barcode=EAN)

    result = await world.container.match_items()()

    task = world.catalog.reviews()[item_of(world, "A").id]
    assert (task.status, task.candidates) == (ReviewStatus.NEEDS_CATEGORY, ())
    assert item_of(world, "A").match_status is MatchStatus.POTENTIAL_MATCH
    assert item_of(world, "B").product_id == item_of(world, "C").product_id == pump.id
    assert (result.linked, result.for_review, result.drafted) == (2, 1, 0)
