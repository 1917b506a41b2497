"""What every catalogue keeps about the row log: each entry once, and no failure of its own."""

from dataclasses import replace
from decimal import Decimal

from marketbel_adapters.testing.builders import NOW, fresh_id
from marketbel_adapters.testing.catalog_peek import CatalogPeek, PeekedLogLine
from marketbel_adapters.testing.catalog_steps import stored_supplier
from marketbel_core.ids import SupplierId
from marketbel_core.ports import Catalog, LogEntry, LogLevel

__all__ = ["RowLogContract"]


def _entry(key: str, *, task_id: str = "task", message: str = "m") -> LogEntry:
    return LogEntry(task_id=task_id, level=LogLevel.INFO, message=message, key=key)


async def _record(catalog: Catalog, *entries: LogEntry) -> int:
    async with catalog.unit() as unit:
        return await unit.log.record(entries, at=NOW)


class RowLogContract:
    """The row log, as the admin interface reads it."""

    async def test_an_entry_comes_out_as_it_went_in(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        entry = LogEntry(
            task_id="7f0c",
            level=LogLevel.ROW,
            message="row.no_price: no price in «шт.»",
            key="sheet:3:row.no_price",
            supplier_id=supplier.id,
            row_number=3,
            details={"sheet": "Лист1", "cells": {"цена": None, "n": [1, 2.5, True]}},
        )

        assert await _record(catalog, entry) == 1

        line = PeekedLogLine(
            task_id="7f0c",
            level="ValidationError",
            message=entry.message,
            supplier_id=supplier.id,
            row_number=3,
            details=entry.details,
            created_at=NOW,
        )
        assert await peek.log() == [line]

    async def test_an_entry_of_one_task_and_key_is_written_once(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        assert await _record(catalog, _entry("a"), _entry("b"), _entry("a", message="n")) == 2

        assert await _record(catalog, _entry("b"), _entry("c"), _entry("a", task_id="other")) == 2

        lines = [(line.task_id, line.message) for line in await peek.log()]
        assert sorted(lines) == [("other", "m"), ("task", "m"), ("task", "m"), ("task", "m")]

    async def test_long_keys_are_told_apart_to_their_ends(self, catalog: Catalog) -> None:
        first, second = _entry("k" * 500 + "1"), _entry("k" * 500 + "2")

        assert await _record(catalog, first, second) == 2
        assert await _record(catalog, first, second) == 0

    async def test_nothing_to_record_is_recorded(self, catalog: Catalog) -> None:
        assert await _record(catalog) == 0

    async def test_a_supplier_that_is_unknown_is_left_out(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        entry = LogEntry(
            task_id="t",
            level=LogLevel.ERROR,
            message="m",
            key="k",
            supplier_id=SupplierId(fresh_id()),
        )

        assert await _record(catalog, entry) == 1

        assert [line.supplier_id for line in await peek.log()] == [None]

    async def test_a_row_number_below_one_is_left_out(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        entry = LogEntry(task_id="t", level=LogLevel.ROW, message="m", key="k", row_number=0)

        await _record(catalog, entry)

        assert [line.row_number for line in await peek.log()] == [None]

    async def test_what_no_database_holds_is_logged_as_text(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        entry = LogEntry(
            task_id="t\x00",
            level=LogLevel.ROW,
            message="\x00 \ud800",
            key="\x00",
            details={"a\x00": [float("nan"), Decimal("1.50"), NOW, {"b": "\x00"}]},
        )

        assert await _record(catalog, entry) == 1

        [line] = await peek.log()
        assert (line.task_id, line.message) == ("t\ufffd", "\ufffd ?")
        assert line.details == {"a\ufffd": ["nan", "1.50", str(NOW), {"b": "\ufffd"}]}

    async def test_the_rejected_rows_of_a_task_are_found_page_by_page(
        self, catalog: Catalog
    ) -> None:
        rows = [
            LogEntry(
                task_id="t",
                level=LogLevel.ROW,
                message=f"row.name_blank: {n}",
                key=str(n),
                row_number=n,
                details={"cells": {"Цена": "=1+1"}},
            )
            for n in range(5, 0, -1)
        ]
        await _record(catalog, *rows, replace(rows[0], level=LogLevel.ERROR, key="e"))
        await _record(catalog, replace(rows[0], task_id="other"))

        async with catalog.unit() as unit:
            first = await unit.log.rejections("t", skip=0, limit=3)
            rest = await unit.log.rejections("t", skip=3, limit=3)

        assert [*first, *rest] == rows[::-1]
