"""Rows merged into a supplier's items without a record: for lists that are not undone."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from marketbel_adapters.catalog_values import merge_figures, refusal_of
from marketbel_adapters.postgres.staging import PostgresStagedList
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.ids import SupplierId
from marketbel_core.intake.plan import ImportFigures, MissingPolicy
from marketbel_core.intake.rows import AcceptedRow

__all__ = ["merge"]

_NO_LIMIT: Final = Decimal(0)


async def merge(
    transaction: Transaction,
    supplier_id: SupplierId,
    rows: Sequence[AcceptedRow],
    *,
    at: datetime,
) -> ImportFigures:
    """Bring the supplier's items up to `rows`, as `SupplierItems.merge` promises."""
    staged = PostgresStagedList(transaction, supplier_id)
    await staged.open()
    refused = await staged.add(rows)
    if refused:
        raise refusal_of(refused[0])
    figures = await staged.compare(price_move_max_percent=_NO_LIMIT)
    await staged.apply(None, missing=MissingPolicy.KEEP, at=at)
    return merge_figures(figures)
