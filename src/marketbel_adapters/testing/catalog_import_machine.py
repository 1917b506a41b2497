"""Lists, plans, edits by people, matches, links and undoing in any order, beside a model in dicts.

    class MyImportMachine(ImportMachine):
        def __init__(self) -> None:
            super().__init__(open_my_catalog)

    run_state_machine_as_test(MyImportMachine)

The model below knows the rules by itself and uses nothing of the adapter under test.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from marketbel_adapters.testing.builders import a_product, a_row, a_supplier
from marketbel_adapters.testing.catalog_imports import (
    an_import,
    an_unpriced_row,
    imported,
    undone,
)
from marketbel_adapters.testing.catalog_machine import OpenCatalog
from marketbel_adapters.testing.catalog_steps import (
    claimed,
    doubted,
    drafted,
    linked,
    recorded,
)
from marketbel_core.catalog import MatchStatus, Money
from marketbel_core.ids import ImportId
from marketbel_core.intake.plan import ImportFigures, MissingPolicy
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.ports import ImportState, ListedRow, UndoOutcome

__all__ = ["ImportMachine"]

_SKUS: Final = st.sampled_from("abcd")
_ROWS: Final = st.lists(
    st.one_of(
        st.builds(
            lambda sku, cents, in_stock: a_row(
                sku=sku,
                name=f"item {sku}",
                price=Money(Decimal(cents) / 100),
                characteristics={"in_stock": in_stock},
            ),
            _SKUS,
            st.integers(1, 3),
            st.booleans(),
        ),
        st.builds(an_unpriced_row, _SKUS),
    ),
    max_size=5,
)


@dataclass(frozen=True, slots=True)
class _Content:
    """What an import writes of an item."""

    name: str
    price: Decimal
    said: tuple[tuple[str, bool], ...]

    def saying(self, key: str, *, value: bool) -> "_Content":
        return replace(self, said=tuple(sorted({**dict(self.said), key: value}.items())))


@dataclass(slots=True, eq=False)
class _Item:
    """An item from its insertion on; one that comes back after an undo is another one."""

    content: _Content
    prices: list[Decimal]
    is_linked: bool = False  # by a person
    matched: str = ""  # what the matcher made of it: a draft, a link or a review

    @property
    def has_product(self) -> bool:
        return self.is_linked or self.matched in {"draft", "link"}


@dataclass(frozen=True, slots=True)
class _Change:
    """What an import did to an item; nothing was before it when it was inserted."""

    item: _Item
    sku: str
    before: _Content | None
    after: _Content

    @property
    def is_repriced(self) -> bool:
        return self.before is not None and self.before.price != self.after.price


@dataclass(slots=True)
class _Import:
    id: ImportId
    changes: list[_Change] = field(default_factory=list)
    is_undone: bool = False


@dataclass(slots=True)
class _Gap:
    """From which import until which one the lists left an item out, by their places."""

    item: _Item
    since: int
    until: int | None = None


class ImportMachine(RuleBasedStateMachine):
    """One supplier, four skus and a policy, and whatever people do in between."""

    def __init__(self, open_catalog: OpenCatalog) -> None:
        super().__init__()
        self.runner = asyncio.Runner()  # hypothesis has no rules that are coroutines
        self.opened = AsyncExitStack()
        self.catalog, self.peek = self._run(self.opened.enter_async_context(open_catalog()))
        self.items: dict[str, _Item] = {}
        self.imports: list[_Import] = []
        self.gaps: list[_Gap] = []
        self.edits = 0
        self.drafts = 0
        self.products_before = len(self._run(self.peek.products()))

    @initialize(policy=st.sampled_from(MissingPolicy))
    def begin(self, policy: MissingPolicy) -> None:
        self.supplier, self.product, self.policy = a_supplier(), a_product(), policy
        self._run(self._store_first())
        self.products_before += 1

    @rule(rows=_ROWS)
    def apply(self, rows: list[ListedRow]) -> None:
        """A list is planned and applied: the plan is right, and writes nothing."""
        planned = self._run(self._planned(rows))
        self.items_are_those_of_the_model()
        done = self._run(imported(self.catalog, self.supplier.id, *rows, missing=self.policy))
        assert done.figures == planned == self._apply_to_model(done.id, rows)

    @rule(sku=_SKUS)
    def edit(self, sku: str) -> None:
        """A person renames an item, every time to something else."""
        if sku not in self.items:
            return
        self.edits += 1
        item = self.items[sku]
        item.content = replace(item.content, name=f"edit {self.edits}")
        self._run(self._edit(sku, item.content))

    @rule(sku=_SKUS)
    def link(self, sku: str) -> None:
        """A person says which product an item is."""
        if sku not in self.items:
            return
        self.items[sku].is_linked = True
        self._run(self._link(sku))

    @rule(sku=_SKUS, outcome=st.sampled_from(["draft", "link", "review"]))
    def match(self, sku: str, outcome: str) -> None:
        """The matcher decides about an item that waits for it."""
        item = self.items.get(sku)
        if item is None or item.is_linked or item.matched:
            return
        item.matched = outcome
        self._run(self._match(sku, outcome))

    @rule(rows=_ROWS)
    def hold(self, rows: list[ListedRow]) -> None:
        """A list is compared, and goes no further than its record."""
        self.imports.append(_Import(self._run(self._held(rows)), is_undone=True))

    @precondition(lambda self: self.imports)
    @rule(choice=st.data())
    def undo(self, choice: st.DataObject) -> None:
        """The last import, or an earlier one, is taken back; a second time nothing happens."""
        place = choice.draw(st.integers(0, len(self.imports) - 1))
        outcome = self._run(undone(self.catalog, self.imports[place].id))
        self.drafts -= outcome.drafts
        told = replace(outcome, kept_skus=(), product_ids=())
        assert told == self._undo_in_model(place)

    @invariant()
    def items_are_those_of_the_model(self) -> None:
        stored = self._run(self.peek.items(self.supplier.id)) if self.imports else {}
        assert {
            sku: (item.name, item.price, tuple(sorted(item.characteristics.items())))
            for sku, item in stored.items()
        } == {
            sku: (item.content.name, item.content.price, item.content.said)
            for sku, item in self.items.items()
        }
        with_product = {sku for sku, item in stored.items() if item.product_id is not None}
        assert with_product == {sku for sku, item in self.items.items() if item.has_product}

    @invariant()
    def products_are_those_of_the_model(self) -> None:
        assert len(self._run(self.peek.products())) == self.products_before + self.drafts

    @invariant()
    def prices_are_those_of_the_model(self) -> None:
        stored = self._run(self.peek.prices(self.supplier.id)) if self.imports else []
        assert Counter((line.sku, line.price) for line in stored) == Counter(
            (sku, price) for sku, item in self.items.items() for price in item.prices
        )

    def teardown(self) -> None:
        self._run(self.opened.aclose())
        self.runner.close()

    async def _store_first(self) -> None:
        async with self.catalog.unit() as unit:
            await unit.suppliers.add(self.supplier)
            await unit.products.add([self.product])

    async def _planned(self, rows: list[ListedRow]) -> ImportFigures:
        async with self.catalog.unit() as unit:
            staged = await unit.imports.stage(self.supplier.id)
            await staged.add(rows)
            return await staged.compare(price_move_max_percent=Decimal(50))

    async def _edit(self, sku: str, content: _Content) -> None:
        item = (await self.peek.items(self.supplier.id))[sku]
        await self.peek.edit(item.id, name=content.name, characteristics=dict(content.said))

    async def _link(self, sku: str) -> None:
        item = (await self.peek.items(self.supplier.id))[sku]
        await self.peek.set_match(item.id, MatchStatus.VERIFIED_MATCH, self.product.id)

    async def _match(self, sku: str, outcome: str) -> None:
        waiting = {item.sku: item for item in await claimed(self.catalog, self.supplier.id)}
        match outcome:
            case "draft":
                self.drafts += 1
                await recorded(self.catalog, drafted(waiting[sku]))
            case "link":
                await recorded(self.catalog, linked(waiting[sku], self.product))
            case _:
                await recorded(self.catalog, doubted(waiting[sku], self.product))

    async def _held(self, rows: list[ListedRow]) -> ImportId:
        record = replace(an_import(self.supplier.id), state=ImportState.HELD)
        async with self.catalog.unit() as unit:
            staged = await unit.imports.stage(self.supplier.id)
            await staged.add(rows)
            figures = await staged.compare(price_move_max_percent=Decimal(50))
            await unit.imports.note(replace(record, figures=figures))
        return record.id

    def _apply_to_model(self, import_id: ImportId, rows: list[ListedRow]) -> ImportFigures:
        priced = [row for row in rows if isinstance(row, AcceptedRow)]
        last = {row.sku: row for row in priced}
        unpriced = {row.sku for row in rows} - last.keys()
        left_out = self.items.keys() - last.keys() - unpriced
        done = _Import(import_id)
        counts: Counter[str] = Counter(missing=len(left_out), merged=len(priced) - len(last))
        for sku in self.items.keys() & unpriced:
            content = self.items[sku].content.saying("in_stock", value=False)
            counts["unavailable"] += self._take(done, sku, content)["updated"]
        self._leave_out(done, sorted(left_out))
        for sku, row in last.items():
            said = tuple((key, bool(value)) for key, value in row.characteristics.items())
            counts += self._take(done, sku, _Content(row.name, row.price.amount, said))
        self.imports.append(done)
        return ImportFigures(**counts)

    def _take(self, done: _Import, sku: str, content: _Content) -> Counter[str]:
        """Bring one item up to `content`, and count what that is."""
        item = self.items.get(sku)
        if item is None:
            self.items[sku] = _Item(content, [content.price])
            done.changes.append(_Change(self.items[sku], sku, None, content))
            return Counter(inserted=1)
        if item.content == content:
            return Counter(unchanged=1)
        change = _Change(item, sku, item.content, content)
        done.changes.append(change)
        before = item.content.price
        item.content = content
        if not change.is_repriced:
            return Counter(updated=1)
        item.prices.append(content.price)
        is_moved = abs(content.price - before) * 2 > before
        return Counter(updated=1, repriced=1, moved=int(is_moved))

    def _leave_out(self, done: _Import, skus: list[str]) -> None:
        place, items = len(self.imports), [self.items[sku] for sku in skus]
        is_open = {id(gap.item) for gap in self.gaps if gap.until is None}
        for gap in self.gaps:
            if gap.until is None and gap.item not in items:
                gap.until = place
        for sku, item in zip(skus, items, strict=True):
            if id(item) in is_open:
                continue
            self.gaps.append(_Gap(item, place))
            match self.policy:
                case MissingPolicy.KEEP:
                    pass
                case MissingPolicy.STALE:
                    self._take(done, sku, item.content.saying("_stale", value=True))
                case MissingPolicy.UNAVAILABLE:
                    self._take(done, sku, item.content.saying("in_stock", value=False))

    def _undo_in_model(self, place: int) -> UndoOutcome:
        undone_import = self.imports[place]
        if undone_import.is_undone:
            return UndoOutcome()
        undone_import.is_undone = True
        later = {
            id(change.item)
            for each in self.imports[place + 1 :]
            if not each.is_undone
            for change in each.changes
            if change.before is not None
        }
        results = Counter(self._take_back(change, later) for change in undone_import.changes)
        self.gaps = [gap for gap in self.gaps if gap.since != place]
        for gap in self.gaps:
            gap.until = None if gap.until == place else gap.until
        return UndoOutcome(
            reversed=results["reversed"] + results["with a draft"],
            kept=results["kept"],
            failed=results["failed"],
            drafts=results["with a draft"],
        )

    def _take_back(self, change: _Change, later: set[int]) -> str:
        """Take one change back if it may be, and tell what came of it."""
        item = self.items.get(change.sku)
        if item is not change.item:
            return "reversed" if change.before is None else "failed"
        if id(item) in later or item.content != change.after:
            return "kept"
        if change.before is None:
            if item.is_linked:
                return "kept"
            del self.items[change.sku]
            return "with a draft" if item.matched == "draft" else "reversed"
        item.content = change.before
        if change.is_repriced:
            item.prices.remove(change.after.price)
        return "reversed"

    def _run[T](self, coroutine: Coroutine[object, object, T]) -> T:
        return self.runner.run(coroutine)
