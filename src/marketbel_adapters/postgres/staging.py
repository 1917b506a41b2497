"""A supplier's list on its way into PostgreSQL: COPY into temporary tables, merged from there."""

import json
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, select, text

from marketbel_adapters.catalog_values import (
    REFUSED_MAX,
    UNAVAILABLE_TOLD,
    StorableRow,
    check_refused,
    currency_of,
    staged_rows,
    told_when_missing,
    unstorable,
)
from marketbel_adapters.postgres import staging_sql as sql
from marketbel_adapters.postgres import tables
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_adapters.row_lines import RowLines
from marketbel_core.catalog import CURRENCY_KEY, Money
from marketbel_core.errors import RefusedError, SupplierNotFoundError
from marketbel_core.ids import ImportId, SupplierId
from marketbel_core.intake.plan import (
    Difference,
    DifferenceKind,
    ImportFigures,
    MissingPolicy,
    version_of,
)
from marketbel_core.intake.rows import AcceptedRow, RowRejection
from marketbel_core.ports import ListedRow, StagedList

__all__ = ["PostgresStagedList", "hold_supplier", "money_of"]

_IMPORT_LOCKS: Final = 5_201_315
"""Keeps our advisory locks on imports apart from locks that others take on the same hash."""


class PostgresStagedList(StagedList):
    """The list in temporary tables, inside one transaction."""

    def __init__(self, transaction: Transaction, supplier_id: SupplierId) -> None:
        self._transaction = transaction
        self._supplier_id = supplier_id
        self._refused = 0
        self._figures = ImportFigures()

    async def open(self) -> None:
        """Make the tables, in place of those of an earlier list of the same unit."""
        await hold_supplier(self._transaction, self._supplier_id)
        await self._transaction.run(sql.DROP)
        for statement in sql.CREATE:
            await self._transaction.run(text(statement))
        # A COPY names no supplier in each row. The id is one of ours, and no text of a stranger.
        await self._transaction.run(
            text(
                f"ALTER TABLE marketbel_rows ALTER supplier_id SET DEFAULT '{self._supplier_id}',"
                " ALTER id DROP DEFAULT, ALTER id DROP NOT NULL"
            )
        )

    async def add(self, rows: Sequence[ListedRow]) -> list[RowRejection]:
        if isinstance(rows, RowLines):
            refused = await self._copy_all(rows, lambda part: self._copy_lines(rows[part]))
        else:
            refused = await self._add_rows(rows)
        self._refused += len(refused)
        check_refused(self._refused)
        return refused

    async def _add_rows(self, rows: Sequence[ListedRow]) -> list[RowRejection]:
        # A large batch would hold up the whole worker.
        kept = await to_thread(staged_rows, rows)
        refused = await self._copy_all(
            kept.sources, lambda part: self._copy(kept.rows[part]), refused=len(kept.refused)
        )
        if kept.unpriced:
            await self._transaction.copy(
                [(sku,) for sku in kept.unpriced],
                into="marketbel_unpriced",
                columns=sql.UNPRICED_COLUMNS,
            )
        return [*kept.refused, *refused]

    async def _copy(self, rows: Sequence[StorableRow]) -> None:
        await self._transaction.copy(rows, into="marketbel_rows", columns=sql.ROW_COLUMNS)

    async def _copy_lines(self, rows: RowLines) -> None:
        await self._transaction.copy_lines(
            rows.text, into="marketbel_rows", columns=sql.ROW_COLUMNS
        )

    async def _copy_all(
        self,
        rows: Sequence[AcceptedRow],
        copy: Callable[[slice], Awaitable[None]],
        *,
        refused: int = 0,
    ) -> list[RowRejection]:
        """Bring the rows into the table; find those that the server refuses by halves.

        Args:
            rows: What is to be told of those that are refused.
            copy: Copies a part of them.
            refused: How many more of the batch have been refused before.
        """
        found: list[RowRejection] = []
        waiting = [slice(0, len(rows))] if rows else []
        while waiting:
            part = waiting.pop()
            try:
                async with self._transaction.savepoint():
                    await copy(part)
            except RefusedError as error:
                begin, end = part.start, part.stop
                if end - begin > 1:
                    middle = (begin + end) // 2
                    waiting += [slice(middle, end), slice(begin, middle)]
                    continue
                found.append(unstorable(rows[begin], str(error)))
                if self._refused + refused + len(found) > REFUSED_MAX:
                    break
        return found

    async def compare(self, *, price_move_max_percent: Decimal) -> ImportFigures:
        values = {"supplier_id": self._supplier_id}
        await self._transaction.run(sql.SORT_IN_MEMORY)
        await self._transaction.run(sql.SAMPLE_FEW)
        await self._transaction.run(sql.ANALYZE)
        await self._transaction.run(sql.MERGE_DUPLICATES)
        rows = (await self._transaction.run(sql.MISSING, values)).one()
        await self._transaction.run(
            sql.CHANGED_BY_THE_LIST, {**values, "price_move_max": price_move_max_percent}
        )
        await self._transaction.run(
            sql.CHANGED_WITHOUT_PRICE,
            {**values, "kind": "unavailable", "told": json.dumps(UNAVAILABLE_TOLD)},
        )
        if rows.known == rows.named:
            await self._transaction.run(sql.KEEP_NONE)
        elif rows.known:
            await self._transaction.run(sql.KEEP_ONLY_NEW, values)
        counts = dict((await self._transaction.run(sql.COUNT)).mappings().one())
        unchanged = rows.named - counts["inserted"] - counts["updated"]
        self._figures = ImportFigures(**counts, unchanged=unchanged)
        return self._figures

    async def differences(self, *, limit: int) -> list[Difference]:
        found = await self._transaction.run(sql.DIFFERENCES, {"limit": limit})
        return [
            Difference(
                kind=DifferenceKind(row.kind),
                sku=row.supplier_sku,
                name=row.name,
                before=money_of(row.price_before, row.was),
                after=money_of(row.price_after, getattr(row, "is")),
            )
            for row in found
        ]

    async def version(self) -> str:
        stored = await self._transaction.run(sql.FINGERPRINT, {"supplier_id": self._supplier_id})
        row = stored.one()
        return version_of(row.items, row.last_import or "")

    async def apply(
        self, import_id: ImportId | None, *, missing: MissingPolicy, at: datetime
    ) -> None:
        figures = self._figures
        values: dict[str, object] = {
            "supplier_id": self._supplier_id,
            "import_id": import_id,
            "at": at,
        }
        told = told_when_missing(missing)
        if import_id is not None and told:
            wanted = {"supplier_id": self._supplier_id, "told": json.dumps(told)}
            await self._transaction.run(sql.CHANGED_BY_POLICY, {**wanted, "kind": "missing"})
        # Most lists are much like the ones before: what has nothing to do is not asked for.
        statements: list[str] = []
        if figures.updated or figures.unavailable or (told and figures.missing):
            statements += sql.APPLY_CHANGED
        if figures.inserted:
            values["id_prefix"] = (await self._transaction.run(sql.ID_PREFIX)).scalar_one()
            statements += sql.APPLY_INSERTED
        if import_id is not None:
            statements += sql.NOTE_MISSING
        if import_id is not None and figures.merged:
            statements += sql.NOTE_MERGED
        for statement in statements:
            named = {key: value for key, value in values.items() if f":{key}" in statement}
            await self._transaction.run(text(statement), named, supplier_id=self._supplier_id)


async def hold_supplier(transaction: Transaction, supplier_id: SupplierId) -> None:
    """Keep the supplier from being deleted, and its other imports waiting, until the unit ends.

    Raises:
        SupplierNotFoundError: the supplier is gone.
    """
    lock = func.pg_advisory_xact_lock(func.hashtextextended(str(supplier_id), _IMPORT_LOCKS))
    await transaction.run(select(lock))
    query = (
        select(tables.Supplier.id)
        .where(tables.Supplier.id == supplier_id)
        .with_for_update(read=True, key_share=True)
    )
    if (await transaction.run(query)).one_or_none() is None:
        raise SupplierNotFoundError(supplier_id)


def money_of(amount: Decimal | None, currency: Any) -> Money | None:  # noqa: ANN401 - any JSON
    """Return a stored price in the currency that the characteristics name."""
    return None if amount is None else Money(amount, currency_of({CURRENCY_KEY: currency}))
