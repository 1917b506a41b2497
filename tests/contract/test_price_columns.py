"""From the bytes of a list to the columns of prices, in every catalogue."""

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

import pytest
from sqlalchemy import text

from marketbel_adapters.memory.catalog import MemoryCatalog
from marketbel_adapters.memory.files import MemoryFileStore
from marketbel_adapters.postgres.catalog import PostgresCatalog
from marketbel_adapters.postgres.url import create_engine
from marketbel_adapters.sources.rows import LocalRowReader
from marketbel_adapters.testing.catalog_steps import merged, stored_supplier
from marketbel_core.catalog import FileType
from marketbel_core.ids import FileKey
from marketbel_core.intake import ReadRows
from marketbel_core.ports import Catalog, whole

type Columns = dict[str, tuple[Decimal, Decimal | None, Decimal | None, dict[str, object]]]
"""By sku: `current_price`, `price_opt`, `price_rrc`, `characteristics`."""

LIST = """\
Код;Наименование;Цена, BYN;Опт, BYN;РРЦ;Закупка;Валюта
1;Чай;5,00;4,50;6,00;3,00;
2;Кофе;15,00;$4,10;$6,20;;BYN
3;Рис;2,00;1,80;2,50;;USD
4;Мак;9,00;7,00 BYN;звоните;;KZT
"""
DOLLARS_BESIDE = """\
Код;Наименование;Цена;Опт, USD;Рекомендованная цена, BYN
1;Чай;5,00;1,50;6,00
"""


async def rows_of(content: str) -> ReadRows:
    files, key = MemoryFileStore(), FileKey("list.csv")

    async def chunks() -> AsyncIterator[bytes]:
        yield content.encode()

    await files.store(key, chunks(), size_bytes_max=10_000)
    return await whole(LocalRowReader(files).read(key, file_type=FileType.CSV))


async def columns_in_memory(content: str) -> Columns:
    catalog = MemoryCatalog()
    await store(catalog, content)
    return {
        stored.item.sku: (
            stored.item.price.amount,
            stored.price_opt,
            stored.price_rrc,
            dict(stored.item.characteristics),
        )
        for stored in catalog.stored_items()
    }


async def store(catalog: Catalog, content: str) -> None:
    rows = await rows_of(content)
    assert rows.rejected == ()
    await merged(catalog, (await stored_supplier(catalog)).id, *rows.accepted)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
async def columns_of(request: pytest.FixtureRequest) -> Callable[[str], Awaitable[Columns]]:
    """What a catalogue holds after the import of a list."""
    if request.param == "memory":
        return columns_in_memory
    url: str = request.getfixturevalue("migrated_database_url")

    async def columns_in_postgres(content: str) -> Columns:
        engine = create_engine(url)
        try:
            await store(PostgresCatalog(engine), content)
            async with engine.begin() as connection:
                found = await connection.execute(text("SELECT * FROM supplier_items"))
                return {
                    row.supplier_sku: (
                        row.current_price,
                        row.price_opt,
                        row.price_rrc,
                        row.characteristics,
                    )
                    for row in found
                }
        finally:
            await engine.dispose()

    return columns_in_postgres


async def test_prices_of_a_list_reach_the_columns_of_their_kinds(
    columns_of: Callable[[str], Awaitable[Columns]],
) -> None:
    assert await columns_of(LIST) == {
        "1": (
            Decimal("5.00"),
            Decimal("4.50"),
            Decimal("6.00"),
            {"_price_wholesale": "4.50", "_price_retail": "6.00", "_price_purchase": "3.00"},
        ),
        "2": (
            Decimal("15.00"),
            None,
            None,
            {
                "_price_wholesale": "4.10",
                "_price_wholesale_currency": "USD",
                "_price_retail": "6.20",
                "_price_retail_currency": "USD",
            },
        ),
        "3": (
            Decimal("2.00"),
            None,
            None,
            {"_price_wholesale": "1.80", "_price_retail": "2.50", "_currency": "USD"},
        ),
        "4": (
            Decimal("9.00"),
            Decimal("7.00"),
            None,
            {
                "_price_wholesale": "7.00",
                "_price_wholesale_currency": "BYN",
                "_currency": "KZT",
            },
        ),
    }


async def test_only_prices_in_belarusian_roubles_reach_the_columns(
    columns_of: Callable[[str], Awaitable[Columns]],
) -> None:
    assert await columns_of(DOLLARS_BESIDE) == {
        "1": (
            Decimal("5.00"),
            None,
            Decimal("6.00"),
            {
                "_price_wholesale": "1.50",
                "_price_wholesale_currency": "USD",
                "_price_retail": "6.00",
            },
        )
    }


async def test_the_main_price_is_in_the_column_of_its_kind_as_well(
    columns_of: Callable[[str], Awaitable[Columns]],
) -> None:
    columns = await columns_of("Код;Наименование;Опт;Розница\n1;Чай;4,50;6,00\n")

    assert columns["1"][:3] == (Decimal("4.50"), Decimal("4.50"), Decimal("6.00"))
