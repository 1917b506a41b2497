"""Decisions, neighbours' edits, expiry and matching in any order: what must hold, holds."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from marketbel_adapters.embedded import own_database
from marketbel_adapters.memory.catalog import MemoryCatalog
from marketbel_adapters.postgres.catalog import PostgresCatalog
from marketbel_adapters.postgres.url import create_engine
from marketbel_adapters.testing.builders import a_product, a_row, a_supplier
from marketbel_adapters.testing.catalog_peek import CatalogPeek, PeekedItem
from marketbel_core.catalog import MatchStatus, Money, Supplier
from marketbel_core.errors import RefusedError
from marketbel_core.ids import ProductId, SupplierItemId
from marketbel_core.intake.supplier_plan import SupplierUpdate
from marketbel_core.matching import Action, PairVerdict, ReviewDecision, Reviewer, ruled_out
from marketbel_core.ports import Catalog
from marketbel_core.use_cases import ReviewRequest
from marketbel_runtime.lifespan import memory
from tests.contract.catalog_peeks import MemoryPeek, PostgresPeek

type OpenCatalog = Callable[[], AbstractAsyncContextManager[tuple[Catalog, CatalogPeek]]]

_ANNA: Final = Reviewer(name="Анна")
_NAMES: Final = {  # the first is its product, two resemble products, the last resembles none
    "A": "Насос Makita X1 600 Вт",
    "B": "Насос Makita X1 700 Вт",
    "C": "Пила Bosch GKS 190 1400 Вт",
    "D": "Краска белая",
}
_PRODUCTS: Final = (
    "Насос Makita X1 600 Вт",
    "Насос Makita X1 800 Вт",
    "Пила Bosch GKS 165 1400 Вт",
)
_ITEM: Final = st.integers(0, 7)
_PRODUCT: Final = st.integers(0, 2)
_ACTIONS: Final = st.sampled_from(
    [Action.LINK, Action.UNLINK, Action.RESET, Action.APPROVE, Action.REJECT, Action.UNSURE]
)


class ReviewMachine(RuleBasedStateMachine):
    """Two suppliers with four items each, three products, one person and a neighbour."""

    def __init__(self, open_catalog: OpenCatalog) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened = AsyncExitStack()
        self.catalog, self.peek = self._run(self.opened.enter_async_context(open_catalog()))
        self.world = memory()
        container, catalog = self.world.container, self.catalog
        links = container.links(catalog=catalog)
        self.links = links
        self.match = container.match_items(catalog=catalog, links=links)
        self.review = container.review_matches(catalog=catalog, links=links)
        self.undo = container.undo_review(catalog=catalog, links=links)
        self.expire = container.expire_reviews(catalog=catalog)
        self.recalculate = container.recalculate_aggregates(catalog=catalog)
        self.is_touched = False  # by a neighbour, and nobody has looked yet

    @initialize(second_is_active=st.booleans())
    def begin(self, second_is_active: bool) -> None:
        self.suppliers = [a_supplier(), a_supplier(is_active=second_is_active)]
        self.products = [a_product(name=name) for name in _PRODUCTS]
        self._run(self._store_first())

    @rule()
    def match_what_waits(self) -> None:
        self._run(self.match())
        self.is_touched = False
        self._recalculate()

    @rule(number=_ITEM, action=_ACTIONS, product=_PRODUCT)
    def decide(self, number: int, action: Action, product: int) -> None:
        self._decide(number, action, product)

    @precondition(lambda self: not self.is_touched)
    @rule(number=_ITEM, action=_ACTIONS, product=_PRODUCT)
    def decide_and_take_back(self, number: int, action: Action, product: int) -> None:
        before = self._everything()
        decision = self._decide(number, action, product)
        if decision is None or decision.after == decision.before:
            return
        self._run(self.undo(decision.item_id, by=_ANNA))
        assert self._everything() == before

    @rule(number=_ITEM)
    def take_something_back(self, number: int) -> None:
        try:
            self._run(self.undo(self._items()[number].id, by=_ANNA))
        except RefusedError as refused:
            if refused.code not in {
                "review.nothing_to_undo",
                "review.changed_since",
                "review.product_gone",
            }:
                raise

    @rule(number=_ITEM, product=_PRODUCT)
    def a_neighbour_links(self, number: int, product: int) -> None:
        item = self._items()[number]
        if item.product_id is None:
            self._set_link(item, self.products[product].id)

    @rule(number=_ITEM)
    def a_neighbour_unlinks(self, number: int) -> None:
        item = self._items()[number]
        if item.product_id is not None:
            self._set_link(item, None)

    @rule()
    def reconcile(self) -> None:
        self._run(self.links.reconcile())
        self.is_touched = False
        again = self._run(self.links.reconcile())
        assert (again.linked, again.unlinked, again.adopted) == (0, 0, 0)

    @rule(days=st.integers(1, 31))
    def time_goes_by(self, days: int) -> None:
        self.world.clock.tick(timedelta(days=days))
        self._run(self.expire())

    @rule(
        who=st.integers(0, 1),
        cents=st.integers(1, 5),
        in_stock=st.booleans(),
        currency=st.sampled_from(["BYN", "BYN", "RUB"]),
    )
    def a_list_comes(self, who: int, cents: int, *, in_stock: bool, currency: str) -> None:
        self._run(self._merge(who, cents, in_stock=in_stock, currency=currency))
        self._recalculate()

    @rule(who=st.integers(0, 1))
    def a_supplier_is_switched(self, who: int) -> None:
        supplier = self.suppliers[who]
        self.suppliers[who] = replace(supplier, is_active=not supplier.is_active)
        self._run(self._amend(self.suppliers[who]))
        self.reconcile()

    @invariant()
    def aggregates_are_what_the_rows_say(self) -> None:
        if self.is_touched:
            return
        for product_id, stored in self._run(self.peek.products()).items():
            assert (stored.min_price, stored.availability) == self._expected(product_id)

    @invariant()
    def what_was_ruled_out_is_neither_offered_nor_linked(self) -> None:
        if self.is_touched:
            return
        items = {item.id: item for item in self._items()}
        said = self._run(self._verdicts(list(items)))
        for item_id, row in self._run(self.peek.reviews()).items():
            if row.status == "pending":
                offered = {product_id for product_id, _ in row.candidates}
                assert not offered & ruled_out(said.get(item_id, ()))
        for item in items.values():
            assert item.product_id not in ruled_out(said.get(item.id, ()))

    @invariant()
    def a_line_of_the_queue_waits_for_an_item_that_waits(self) -> None:
        if self.is_touched:
            return
        items = {item.id: item for item in self._items()}
        rows = self._run(self.peek.reviews())
        pending = {item_id for item_id, row in rows.items() if row.status == "pending"}
        assert pending == {
            item_id for item_id, item in items.items() if item.match_status == "potential_match"
        }
        for item in items.values():
            is_settled = item.match_status in {"auto_matched", "verified_match"}
            assert is_settled == (item.product_id is not None)

    def teardown(self) -> None:
        self._run(self.opened.aclose())
        self.runner.close()

    def _decide(self, number: int, action: Action, product: int) -> ReviewDecision | None:
        request = ReviewRequest(
            item_id=self._items()[number].id,
            action=action,
            by=_ANNA,
            product_id=self.products[product].id
            if action in {Action.LINK, Action.APPROVE}
            else None,
        )
        try:
            return self._run(self.review(request))
        except RefusedError as refused:
            if refused.code in {"review.settled", "review.not_linked", "review.not_waiting"}:
                return None
            raise

    def _set_link(self, item: PeekedItem, product_id: ProductId | None) -> None:
        self._run(self.peek.set_match(item.id, MatchStatus(item.match_status), product_id))
        self.is_touched = True

    def _everything(self) -> object:
        items = {item.id: item for item in self._items()}
        return (
            items,
            self._run(self.peek.reviews()),
            self._run(self.peek.products()),
            self._run(self._verdicts(list(items))),
        )

    def _items(self) -> list[PeekedItem]:
        found = [self._run(self.peek.items(supplier.id)) for supplier in self.suppliers]
        return [of_one[sku] for of_one in found for sku in sorted(of_one)]

    def _expected(self, product_id: ProductId) -> tuple[Decimal | None, bool]:
        active = [supplier for supplier in self.suppliers if supplier.is_active]
        items = [
            item
            for supplier in active
            for item in self._run(self.peek.items(supplier.id)).values()
            if item.product_id == product_id
        ]
        prices = [item.price for item in items if "_currency" not in item.characteristics]
        available = any(item.characteristics["in_stock"] for item in items)
        return min(prices, default=None), available

    def _recalculate(self) -> None:
        self._run(self.recalculate(product_ids=list(self._run(self.peek.products()))))

    async def _verdicts(
        self, item_ids: list[SupplierItemId]
    ) -> dict[SupplierItemId, tuple[PairVerdict, ...]]:
        async with self.catalog.unit() as unit:
            return await unit.verdicts.of(item_ids)

    async def _store_first(self) -> None:
        async with self.catalog.unit() as unit:
            for supplier in self.suppliers:
                await unit.suppliers.add(supplier)
            await unit.products.add(self.products)
        for who in (0, 1):
            await self._merge(who, 9)

    async def _amend(self, supplier: Supplier) -> None:
        update = SupplierUpdate(
            supplier_id=supplier.id,
            name=supplier.name,
            source_type=supplier.source_type,
            metadata={"is_active": supplier.is_active},
            changed=("is_active",),
        )
        async with self.catalog.unit() as unit:
            await unit.suppliers.amend(changed=[update], at=self.world.clock.now())

    async def _merge(
        self, who: int, cents: int, *, in_stock: bool = True, currency: str = "BYN"
    ) -> None:
        rows = [
            a_row(
                sku=sku,
                name=name,
                price=Money(Decimal(cents + number) / 100, currency),
                characteristics={"in_stock": in_stock},
            )
            for number, (sku, name) in enumerate(_NAMES.items())
        ]
        async with self.catalog.unit() as unit:
            await unit.items.merge(self.suppliers[who].id, rows, at=self.world.clock.now())

    def _run[T](self, coroutine: Coroutine[object, object, T]) -> T:
        return self.runner.run(coroutine)


def test_reviews_in_memory_hold_what_must_hold() -> None:
    @asynccontextmanager
    async def in_memory() -> AsyncGenerator[tuple[Catalog, CatalogPeek]]:
        catalog = MemoryCatalog()
        yield catalog, MemoryPeek(catalog)

    class Machine(ReviewMachine):
        def __init__(self) -> None:
            super().__init__(in_memory)

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=40, stateful_step_count=25, deadline=None)
    )


@pytest.fixture(scope="module")
def review_database_url(postgres_admin_url: str, migrated_template: str) -> Iterator[str]:
    with own_database(postgres_admin_url, template=migrated_template) as url:
        yield url


@pytest.mark.postgres
def test_reviews_in_postgres_hold_what_must_hold(review_database_url: str) -> None:
    @asynccontextmanager
    async def in_postgres() -> AsyncGenerator[tuple[Catalog, CatalogPeek]]:
        engine = create_engine(review_database_url)
        peek = PostgresPeek(engine)
        await peek.empty()
        yield PostgresCatalog(engine), peek
        await engine.dispose()

    class Machine(ReviewMachine):
        def __init__(self) -> None:
            super().__init__(in_postgres)

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=6, stateful_step_count=25, deadline=None)
    )
