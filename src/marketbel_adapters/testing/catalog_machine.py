"""The random half of the catalogue's contract: any work in any order, beside dicts.

    class MyCatalogMachine(CatalogMachine):
        def __init__(self) -> None:
            super().__init__(open_my_catalog)

    run_state_machine_as_test(MyCatalogMachine)

The model below knows the rules by itself and uses nothing of the adapter under test.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from marketbel_adapters.testing.builders import NOW, a_product, a_row, a_supplier
from marketbel_adapters.testing.catalog_peek import CatalogPeek
from marketbel_adapters.testing.catalog_steps import (
    claimed,
    doubted,
    drafted,
    linked,
    merged,
    recalculated,
    recorded,
)
from marketbel_core.catalog import Money, SupplierItem
from marketbel_core.ids import ProductId, SupplierId
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.matching import MatchOutcome
from marketbel_core.ports import Catalog, ImportFigures

__all__ = ["CatalogMachine", "OpenCatalog"]

type OpenCatalog = Callable[[], AbstractAsyncContextManager[tuple[Catalog, CatalogPeek]]]
"""Opens an empty catalogue and the raw reads of the same store."""

_CENTS: Final = st.integers(0, 4)  # few prices, so that many rows say what is stored already
_ROWS: Final = st.lists(
    st.builds(
        lambda sku, cents, in_stock, currency: a_row(
            sku=sku,
            name=f"item {sku}",
            price=Money(Decimal(cents) / 100, currency),
            characteristics={"in_stock": in_stock},
        ),
        st.sampled_from("abcde"),
        _CENTS,
        st.booleans(),
        st.sampled_from(["BYN", "BYN", "USD"]),
    ),
    max_size=6,
)
_WHO: Final = st.integers(0, 1)


@dataclass(slots=True)
class _ModelItem:
    """What the model remembers of an item."""

    row: AcceptedRow
    prices: list[Decimal]
    product_id: UUID | None = None
    status: str = "unmatched"


class CatalogMachine(RuleBasedStateMachine):
    """Two suppliers, two products, and lists, matches and recalculations in any order."""

    def __init__(self, open_catalog: OpenCatalog) -> None:
        super().__init__()
        self.runner = asyncio.Runner()  # hypothesis has no rules that are coroutines
        self.opened = AsyncExitStack()
        self.catalog, self.peek = self._run(self.opened.enter_async_context(open_catalog()))
        self.items: dict[tuple[SupplierId, str], _ModelItem] = {}
        self.figures: dict[ProductId, tuple[Decimal | None, bool]] = {}
        self.reviewed = 0

    @initialize(second_is_active=st.booleans())
    def begin(self, second_is_active: bool) -> None:
        self.suppliers = [a_supplier(), a_supplier(is_active=second_is_active)]
        self.products = [a_product(), a_product()]
        self._run(self._store_first())
        self.figures = {product.id: (None, False) for product in self.products}

    @rule(who=_WHO, rows=_ROWS)
    def merge(self, who: int, rows: list[AcceptedRow]) -> None:
        supplier = self.suppliers[who]
        figures = self._run(merged(self.catalog, supplier.id, *rows, at=NOW))
        assert figures == self._merge_into_model(supplier.id, rows)

    @rule(who=_WHO, rows=_ROWS)
    def merge_and_change_ones_mind(self, who: int, rows: list[AcceptedRow]) -> None:
        try:
            self._run(self._merge_and_raise(self.suppliers[who].id, rows))
        except ZeroDivisionError:
            return
        raise AssertionError("the unit swallowed an error")

    @rule(who=st.none() | _WHO, limit=st.integers(1, 6), choice=st.data())
    def match(self, who: int | None, limit: int, choice: st.DataObject) -> None:
        supplier_id = None if who is None else self.suppliers[who].id
        items = self._run(claimed(self.catalog, supplier_id, limit=limit))
        waiting = [
            key
            for key, item in self.items.items()
            if item.status == "unmatched" and supplier_id in {None, key[0]}
        ]
        assert len(items) == min(limit, len(waiting))
        assert {(item.supplier_id, item.sku) for item in items} <= set(waiting)
        outcomes = [self._decide(item, choice.draw(st.integers(0, 3))) for item in items]
        self._run(recorded(self.catalog, *outcomes))

    @rule()
    def recalculate(self) -> None:
        expected = {product_id: self._expected_figures(product_id) for product_id in self.figures}
        changed = self._run(recalculated(self.catalog, list(self.figures)))
        assert changed == sum(
            expected[product_id] != figures for product_id, figures in self.figures.items()
        )
        self.figures = expected

    @invariant()
    def items_are_those_of_the_model(self) -> None:
        for supplier in self.suppliers:
            stored = self._run(self.peek.items(supplier.id))
            told = {
                sku: (item.name, item.price, item.product_id, item.match_status)
                for sku, item in stored.items()
            }
            assert told == {
                sku: (item.row.name, item.row.price.amount, item.product_id, item.status)
                for (owner, sku), item in self.items.items()
                if owner == supplier.id
            }

    @invariant()
    def prices_are_those_of_the_model(self) -> None:
        for supplier in self.suppliers:
            stored = Counter(
                (line.sku, line.price) for line in self._run(self.peek.prices(supplier.id))
            )
            assert stored == Counter(
                (sku, price)
                for (owner, sku), item in self.items.items()
                for price in item.prices
                if owner == supplier.id
            )

    @invariant()
    def products_are_those_of_the_model(self) -> None:
        stored = self._run(self.peek.products())
        told = {key: (product.min_price, product.availability) for key, product in stored.items()}
        assert told == self.figures

    @invariant()
    def reviews_are_those_of_the_model(self) -> None:
        assert len(self._run(self.peek.reviews())) == self.reviewed

    def teardown(self) -> None:
        self._run(self.opened.aclose())
        self.runner.close()

    async def _store_first(self) -> None:
        async with self.catalog.unit() as unit:
            for supplier in self.suppliers:
                await unit.suppliers.add(supplier)
            await unit.products.add(self.products)

    async def _merge_and_raise(self, supplier_id: SupplierId, rows: list[AcceptedRow]) -> None:
        async with self.catalog.unit() as unit:
            await unit.items.merge(supplier_id, rows, at=NOW)
            raise ZeroDivisionError

    def _merge_into_model(self, owner: SupplierId, rows: list[AcceptedRow]) -> ImportFigures:
        last = {row.sku: row for row in rows}
        inserted = updated = repriced = 0
        for sku, row in last.items():
            known = self.items.get((owner, sku))
            if known is None:
                self.items[owner, sku] = _ModelItem(row, [row.price.amount])
                inserted += 1
                continue
            updated += (known.row.price, known.row.characteristics) != (
                row.price,
                row.characteristics,
            )
            if known.row.price != row.price:
                known.prices.append(row.price.amount)
                repriced += 1
            known.row = row
        return ImportFigures(
            inserted=inserted,
            updated=updated,
            unchanged=len(last) - inserted - updated,
            merged=len(rows) - len(last),
            repriced=repriced,
        )

    def _decide(self, item: SupplierItem, chosen: int) -> MatchOutcome:
        """Return an outcome for the item; the model takes it in."""
        known = self.items[item.supplier_id, item.sku]
        if chosen < len(self.products):
            known.product_id, known.status = self.products[chosen].id, "auto_matched"
            return linked(item, self.products[chosen])
        if chosen == len(self.products):
            known.status = "potential_match"
            self.reviewed += 1
            return doubted(item, self.products[0])
        outcome = drafted(item)
        known.product_id, known.status = outcome.product.id, "auto_matched"
        self.figures[outcome.product.id] = (None, False)
        return outcome

    def _expected_figures(self, product_id: ProductId) -> tuple[Decimal | None, bool]:
        active = {supplier.id for supplier in self.suppliers if supplier.is_active}
        rows = [
            item.row
            for (owner, _), item in self.items.items()
            if item.product_id == product_id and owner in active
        ]
        prices = [row.price.amount for row in rows if row.price.currency == "BYN"]
        in_stock = any(row.characteristics["in_stock"] for row in rows)
        return min(prices, default=None), in_stock

    def _run[T](self, coroutine: Coroutine[object, object, T]) -> T:
        return self.runner.run(coroutine)
