"""How fast a backlog is matched through PostgreSQL, end to end, beside the predecessor's rule.

Usage: python benchmarks/match_backlog.py --sets FOLDER [--products 100000] [--items 10000]

Starts PostgreSQL. The catalogue is grown from the sets' real names as in `match_speed.py`, in 50
categories; the items are real lines of other shops, four fifths of them about a product that is
in it, in four suppliers' lists with a category path. The worker's own step drains the backlog:
claims, candidates, comparison, links, review tasks, drafts, keys, and the aggregates of every
product that got a link. `index_s` is what a worker that just started spends on its index before;
`items_s` is without it, `items_s_cold` with it.

Beside it, on the same server and the same backlog, the predecessor's rule: for each 100 items a
transaction that loads every product of the category as ORM rows, `process.extract` with WRatio
over all their names, 95 and 70, ORM rows written one by one, then lowest price and availability
of each linked product one by one. It is run for whole categories in turn until `--baseline` items
are done, and its seconds an item are taken for all: `baseline_items` says how many it did.

The last line is a JSON object. Seconds are those of the clock on the wall.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, cast
from uuid import UUID

import asyncpg
from rapidfuzz import fuzz, process, utils
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from marketbel_adapters.embedded import services
from marketbel_adapters.index import TantivyCandidateIndex
from marketbel_adapters.postgres import PostgresCatalog, create_engine, migrate
from marketbel_adapters.postgres.tables import MatchReview, Product, SupplierItem
from marketbel_adapters.system import SystemClock, TimeOrderedIdSource
from marketbel_core.use_cases import MatchItems, MatchResult, RecalculateAggregates
from marketbel_runtime.lifespan import memory
from marketbel_runtime.settings import Settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for the neighbour below

from benchmarks.match_speed import SEED, grown_names, real_names

CATEGORIES: Final = 50
SUPPLIERS: Final = 4
KNOWN_SHARE: Final = 0.8
BATCH: Final = 100
LINK_MIN: Final = 95.0
REVIEW_MIN: Final = 70.0
BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a supplier's list, and the category it belongs to, 0 to 49."""

    name: str
    category: int


@dataclass(frozen=True, slots=True)
class Market:
    """The catalogue's names with their categories, and the lines that are to be matched."""

    products: list[Line]
    lines: list[Line]


def market(folder: Path, *, products: int, items: int) -> Market:
    """Return a catalogue of grown names, and lines of which a fifth are about none of them."""
    real = real_names(folder, seed=SEED)
    known = int(len(real.names) * KNOWN_SHARE)
    names = list(grown_names(real.names[:known], products, seed=SEED))
    # Siblings come in turn after the real ones: each lies where its real name lies.
    kept = next(at for at in range(len(names) + 1) if at >= min(known, int(products * 0.15)))
    grown = [
        Line(name, (at if at < kept else at - kept) % CATEGORIES) for at, name in enumerate(names)
    ]
    inside = [one for one in real.questions if max(one.truth) < kept]
    outside = [one for one in real.questions if min(one.truth) >= known]
    wanted = int(items * KNOWN_SHARE)
    chosen = [*inside[:wanted], *outside[: items - wanted]]
    if len(chosen) < items:
        raise SystemExit(f"the sets have {len(chosen)} such lines only")
    return Market(grown, [Line(one.name, min(one.truth) % CATEGORIES) for one in chosen])


class Bench:
    """One database with a catalogue and a backlog."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._world = memory(Settings(_env_file=None))
        self._catalog = PostgresCatalog(engine)
        self._new_id = TimeOrderedIdSource().new_id
        self._categories = [UUID(int=at + 1) for at in range(CATEGORIES)]

    async def fill(self, told: Market) -> None:
        """Store catalogue and backlog."""
        suppliers = [UUID(int=(1 << 64) | at) for at in range(SUPPLIERS)]
        await self._copy(
            "suppliers",
            ("id", "name", "source_type", "metadata"),
            [(one, f"Supplier {at}", "excel", "{}") for at, one in enumerate(suppliers)],
        )
        await self._copy(
            "categories",
            ("id", "name"),
            [(one, _category(at)) for at, one in enumerate(self._categories)],
        )
        await self._copy(
            "products",
            ("id", "internal_sku", "name", "category_id", "status", "created_at"),
            [
                (
                    self._new_id(),
                    f"PROD-{at}-AAAA",
                    one.name[:500],
                    self._categories[one.category],
                    "active",
                    BEGAN + timedelta(seconds=at),
                )
                for at, one in enumerate(told.products)
            ],
        )
        await self._copy(
            "supplier_items",
            ("id", "supplier_id", "supplier_sku", "name", "current_price", "characteristics"),
            [
                (
                    self._new_id(),
                    suppliers[at % SUPPLIERS],
                    str(at),
                    one.name[:500],
                    Decimal("9.90"),
                    json.dumps({"_category": _category(one.category), "in_stock": True}),
                )
                for at, one in enumerate(told.lines)
            ],
        )
        await self._run("ANALYZE")

    async def matched(self) -> tuple[MatchResult, float, float]:
        """Drain the backlog; return what came of it, the seconds, and those of the index."""
        index = TantivyCandidateIndex()
        matcher = self._matcher(index)
        began = time.perf_counter()
        async with self._catalog.unit() as unit:
            changes = await unit.products.changes(None)
        await index.refresh(changes)
        built = time.perf_counter()
        result = await matcher()
        await self._aggregates()(product_ids=result.product_ids)
        return result, time.perf_counter() - built, built - began

    async def forget_matches(self) -> None:
        """Put the backlog back as it was."""
        await self._run("DELETE FROM match_review_queue")
        await self._run(
            "UPDATE supplier_items SET product_id = NULL, match_status = 'unmatched',"
            " match_score = NULL, match_candidates = NULL"
        )
        await self._run("DELETE FROM products WHERE status = 'draft'")
        await self._run("UPDATE products SET min_price = NULL, availability = false")
        await self._run("TRUNCATE marketbel.known_links, marketbel.item_keys")
        await self._run("VACUUM ANALYZE")

    async def by_the_old_rule(self, told: Market, *, items: int) -> tuple[int, float]:
        """Match whole categories as the predecessor would; return items done and seconds."""
        by_category: defaultdict[int, int] = defaultdict(int)
        for line in told.lines:
            by_category[line.category] += 1
        done, began = 0, time.perf_counter()
        for at in range(CATEGORIES):
            if done >= items:
                break
            while count := await self._old_batch(at):
                done += count
        return done, time.perf_counter() - began

    async def _old_batch(self, at: int) -> int:
        async with AsyncSession(self._engine) as session, session.begin():
            waiting = await session.scalars(
                select(SupplierItem)
                .where(
                    SupplierItem.product_id.is_(None),
                    SupplierItem.match_status == "unmatched",
                    SupplierItem.characteristics["_category"].astext == _category(at),
                )
                .order_by(SupplierItem.created_at)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            )
            items = list(waiting)
            if not items:
                return 0
            found = await session.scalars(
                select(Product).where(
                    Product.category_id == self._categories[at],
                    Product.status.in_(("active", "draft")),
                )
            )
            products = {product.name: product for product in found}
            touched = [self._old_decision(session, item, products, at) for item in items]
        await self._old_aggregates([one for one in touched if one is not None])
        return len(items)

    def _old_decision(
        self, session: AsyncSession, item: SupplierItem, products: dict[str, Product], at: int
    ) -> UUID | None:
        names = list(products)
        best = process.extract(
            item.name,
            names,
            scorer=fuzz.WRatio,
            processor=utils.default_process,
            score_cutoff=REVIEW_MIN,
            limit=5,
        )
        told = [
            {"product_id": str(products[name].id), "product_name": name, "score": round(score, 2)}
            for name, score, _ in best
        ]
        item.match_candidates = told
        if not best:
            product = Product(
                id=self._new_id(), internal_sku=f"PROD-{self._new_id()}", name=item.name,
                category_id=self._categories[at], status="draft",
            )  # fmt: skip
            session.add(product)
            products[product.name] = product
            item.product_id, item.match_status = product.id, "auto_matched"
            item.match_score = Decimal(100)
            return product.id
        item.match_score = Decimal(str(round(best[0][1], 2)))
        if best[0][1] >= LINK_MIN:
            item.product_id, item.match_status = products[best[0][0]].id, "auto_matched"
            return item.product_id
        item.match_status = "potential_match"
        session.add(
            MatchReview(
                supplier_item_id=item.id,
                candidate_products=told,
                expires_at=SystemClock().now() + timedelta(days=30),
            )
        )
        return None

    async def _old_aggregates(self, product_ids: Sequence[UUID]) -> None:
        async with AsyncSession(self._engine) as session, session.begin():
            for product_id in sorted(set(product_ids)):
                lowest = await session.scalar(
                    select(func.min(SupplierItem.current_price)).where(
                        SupplierItem.product_id == product_id
                    )
                )
                product = await session.get_one(Product, product_id)
                product.min_price, product.availability = lowest, True

    def _matcher(self, index: TantivyCandidateIndex) -> MatchItems:
        container = self._world.container
        matcher: MatchItems = container.match_items(
            links=container.links(catalog=self._catalog),
            catalog=self._catalog,
            candidates=index,
            clock=SystemClock(),
        )
        return matcher

    def _aggregates(self) -> RecalculateAggregates:
        recalculate: RecalculateAggregates = self._world.container.recalculate_aggregates(
            catalog=self._catalog, clock=SystemClock()
        )
        return recalculate

    async def _run(self, sql: str) -> None:
        async with self._engine.connect() as connection:
            plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await plain.execute(text(sql))

    async def _copy(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
    ) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(text("SELECT 1"))  # begins it
            raw = await connection.get_raw_connection()
            driver = cast("asyncpg.Connection[asyncpg.Record]", raw.driver_connection)
            await driver.copy_records_to_table(table, records=rows, columns=list(columns))


def _category(at: int) -> str:
    return f"Раздел {at:02}"


async def measured(
    told: Market, database_url: str, *, items: int, baseline: int
) -> dict[str, float]:
    await migrate(database_url)
    engine = create_engine(database_url)
    try:
        bench = Bench(engine)
        await bench.fill(told)
        result, seconds, index_s = await bench.matched()
        await bench.forget_matches()
        done, old_seconds = await bench.by_the_old_rule(told, items=baseline)
    finally:
        await engine.dispose()
    if result.items != items:
        raise SystemExit(f"{result.items} items were matched, not {items}")
    old_items_s = done / old_seconds
    return {
        "products": len(told.products),
        "items": items,
        "categories": CATEGORIES,
        "linked": result.linked,
        "for_review": result.for_review,
        "drafted": result.drafted,
        "seconds": round(seconds, 2),
        "index_s": round(index_s, 2),
        "items_s": round(items / seconds, 1),
        "items_s_cold": round(items / (seconds + index_s), 1),
        "baseline_items": done,
        "baseline_items_s": round(old_items_s, 2),
        "ratio": round(items / seconds / old_items_s, 1),
        "ratio_cold": round(items / (seconds + index_s) / old_items_s, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--baseline", type=int, default=400)
    args = parser.parse_args()
    told = market(args.sets, products=args.products, items=args.items)
    with services(database_url=None, redis_url=None) as own:
        figures = asyncio.run(
            measured(told, own.database_url, items=args.items, baseline=args.baseline)
        )
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
