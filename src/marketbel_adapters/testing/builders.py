"""Values for tests: each builder gives a plausible one, and a test names only what it is about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Final, TypedDict, Unpack
from uuid import UUID

from marketbel_core.catalog import (
    GivenLayout,
    MatchStatus,
    Money,
    Product,
    ProductStatus,
    SourceRef,
    SourceType,
    Supplier,
    SupplierItem,
    internal_sku,
)
from marketbel_core.ids import (
    AnalysisId,
    CategoryId,
    FileKey,
    JobId,
    ProductId,
    SupplierId,
    SupplierItemId,
)
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.jobs import Actor, Failure, Job, JobProgress, Phase, Reading

__all__ = [
    "NOW",
    "ItemChanges",
    "JobChanges",
    "ProductChanges",
    "RowChanges",
    "SupplierChanges",
    "a_full_job",
    "a_job",
    "a_product",
    "a_row",
    "a_supplier",
    "an_item",
    "fresh_id",
]

NOW: Final = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
"""The instant that builders put wherever one is needed; it has microseconds on purpose."""

_MINUTE: Final = timedelta(minutes=1)

_numbers = count(1)


def fresh_id() -> UUID:
    """Return an id that nobody in this process was given yet; later ones sort after earlier ones.

    They start at 80000000-…, far from those of `CountingIdSource`.
    """
    return UUID(int=(1 << 127) | next(_numbers))


class JobChanges(TypedDict, total=False):
    """What a test may say about a job."""

    id: JobId
    supplier_id: SupplierId
    supplier_name: str
    source: SourceRef
    reading: Reading
    created_at: datetime
    changed_at: datetime
    phase: Phase
    actor: Actor
    attempt: int
    attempts_max: int
    generation: int
    deliveries: int
    deferrals: int
    waits: int
    not_before: datetime | None
    deferred_by: Failure | None
    resubmissions: int
    token: int
    version: int
    file_key: FileKey | None
    analysis_id: AnalysisId | None
    failure: Failure | None
    progress: JobProgress
    started_at: datetime | None
    progressed_at: datetime | None
    completed_at: datetime | None


class SupplierChanges(TypedDict, total=False):
    """What a test may say about a supplier."""

    id: SupplierId
    name: str
    source_type: SourceType
    is_active: bool
    use_ml_processing: bool | None
    metadata: Mapping[str, object]


class ItemChanges(TypedDict, total=False):
    """What a test may say about a supplier item."""

    id: SupplierItemId
    supplier_id: SupplierId
    sku: str
    name: str
    price: Money
    characteristics: Mapping[str, object]
    product_id: ProductId | None
    match_status: MatchStatus
    created_at: datetime


class ProductChanges(TypedDict, total=False):
    """What a test may say about a product."""

    id: ProductId
    internal_sku: str
    name: str
    status: ProductStatus
    created_at: datetime
    category_id: CategoryId | None
    drafted_for: SupplierId | None


class RowChanges(TypedDict, total=False):
    """What a test may say about an accepted row."""

    sheet: str
    row_number: int
    sku: str
    name: str
    price: Money
    characteristics: Mapping[str, object]


def a_job(**changes: Unpack[JobChanges]) -> Job:
    """Return a job that nobody has begun yet, with an id of its own, changed as asked."""
    job = Job(
        id=JobId(fresh_id()),
        supplier_id=SupplierId(fresh_id()),
        supplier_name="ООО «Ромашка»",
        source=SourceRef(type=SourceType.EXCEL, location="https://example.com/lists/march.xlsx"),
        reading=Reading.ML,
        created_at=NOW,
        changed_at=NOW,
    )
    return replace(job, **changes)


def a_full_job() -> Job:
    """Return a job on which nothing is left at its default."""
    return a_job(
        supplier_name="ИП «Ёлкин & сыновья»\n\t\U0001f384",
        source=SourceRef(
            type=SourceType.CSV,
            location="/uploads/прайс март.csv",
            sheet_name="Лист 1",
            original_filename="прайс март.csv",
            is_shortened=True,
            layout=GivenLayout(
                column_mapping={"name": "Товар «А»", "price": "Цена\tс НДС"},
                header_row=2,
                header_row_end=3,
                data_start_row=5,
                characteristic_columns=("Цвет", ""),
                delimiter="\t",
                encoding="cp1251",
            ),
        ),
        reading=Reading.LOCAL,
        changed_at=NOW + 3 * _MINUTE,
        phase=Phase.FAILED,
        actor=Actor.ML_ANALYZE,
        attempt=3,
        attempts_max=5,
        generation=2,
        deliveries=2,
        deferrals=3,
        waits=4,
        not_before=NOW + 4 * _MINUTE,
        deferred_by=Failure(code="disk.full", message="Нет места.", details=("1", "")),
        resubmissions=1,
        token=7,
        version=11,
        file_key=FileKey("a-key.csv"),
        analysis_id=AnalysisId("an-analysis"),
        failure=Failure(
            code="ml.failed",
            message="Лист «Итого» не читается.",
            actor=Actor.ML_ANALYZE,
            details=("строка 7: нет цены", "", 'a "quoted" \\ one'),
        ),
        progress=JobProgress(
            download_bytes=1,
            download_total=2,
            items_processed=3,
            items_total=4,
            matches_found=5,
            review_queue_count=6,
            error_count=7,
        ),
        started_at=NOW + _MINUTE,
        progressed_at=NOW + 90 * timedelta(seconds=1),
        completed_at=NOW + 2 * _MINUTE,
    )


def a_supplier(**changes: Unpack[SupplierChanges]) -> Supplier:
    """Return an active supplier with an id and a name of its own, changed as asked."""
    supplier_id = SupplierId(fresh_id())
    supplier = Supplier(
        id=supplier_id, name=f"Supplier {_number(supplier_id)}", source_type=SourceType.EXCEL
    )
    return replace(supplier, **changes)


def an_item(**changes: Unpack[ItemChanges]) -> SupplierItem:
    """Return an unmatched item with an id, a supplier and a sku of its own, changed as asked."""
    item_id = SupplierItemId(fresh_id())
    item = SupplierItem(
        id=item_id,
        supplier_id=SupplierId(fresh_id()),
        sku=f"SKU-{_number(item_id)}",
        name="Дрель ударная Bosch GSB 13 RE 600 Вт",
        price=Money(Decimal("189.90")),
        characteristics={"in_stock": True},
        product_id=None,
        match_status=MatchStatus.UNMATCHED,
        created_at=NOW,
    )
    return replace(item, **changes)


def a_product(**changes: Unpack[ProductChanges]) -> Product:
    """Return an active product with an id and an article number of its own, changed as asked."""
    product_id = ProductId(fresh_id())
    product = Product(
        id=product_id,
        internal_sku=internal_sku(product_id, at=NOW),
        name="Bosch GSB 13 RE",
        status=ProductStatus.ACTIVE,
        created_at=NOW,
    )
    return replace(product, **changes)


def a_row(**changes: Unpack[RowChanges]) -> AcceptedRow:
    """Return an accepted row with a sku of its own, changed as asked."""
    row = AcceptedRow(
        sheet="csv",
        row_number=2,
        sku=f"SKU-{_number(fresh_id())}",
        name="Дрель ударная Bosch GSB 13 RE 600 Вт",
        price=Money(Decimal("189.90")),
        characteristics={"in_stock": True},
    )
    return replace(row, **changes)


def _number(given: UUID) -> int:
    return given.int & ((1 << 64) - 1)
