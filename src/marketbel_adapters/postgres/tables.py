"""The tables as mapped classes: those that we share with the neighbours, and our own.

The shared ones (schema `public`) are the neighbours' to the letter, names of constraints and
indexes included. Ours live in the schema `marketbel`. The revisions under `migrations/` make
all of them in SQL of their own; a contract test holds the two against each other.

One file, though a long one: a table is understood by the tables that it refers to.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ENUM, JSONB, TIMESTAMP
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, synonym
from sqlalchemy.types import UserDefinedType

from marketbel_adapters.catalog_values import supplier_is_active

__all__ = [
    "MATCH_STATUS",
    "OWN_SCHEMA",
    "PRODUCT_STATUS",
    "REVIEW_STATUS",
    "Base",
    "Category",
    "Draft",
    "Import",
    "ImportChange",
    "ImportInsertion",
    "ImportMerge",
    "ItemKeys",
    "JobLine",
    "KeptJob",
    "KnownLink",
    "MatchReview",
    "MissingItem",
    "Outbox",
    "PairVerdict",
    "ParsingLog",
    "PriceRecord",
    "Product",
    "ProductEmbedding",
    "ReviewDecision",
    "RowRejection",
    "Supplier",
    "SupplierActivity",
    "SupplierItem",
    "SyncRun",
    "Vector",
    "users",
]

OWN_SCHEMA: Final = "marketbel"

PRODUCT_STATUS: Final = ENUM(
    "draft", "active", "archived", name="product_status", create_type=False
)
MATCH_STATUS: Final = ENUM(
    "unmatched",
    "auto_matched",
    "potential_match",
    "verified_match",
    name="match_status",
    create_type=False,
)
REVIEW_STATUS: Final = ENUM(
    "pending",
    "approved",
    "rejected",
    "expired",
    "needs_category",
    name="review_status",
    create_type=False,
)

NewId = Annotated[
    uuid.UUID, mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
]
SetOnInsert = Annotated[datetime, mapped_column(server_default=text("now()"))]
SetOnUpdate = Annotated[  # by us alone: no trigger does it for other writers
    datetime, mapped_column(server_default=text("now()"), onupdate=func.now())
]

_PRICE: Final = Numeric(10, 2)
_FALSE: Final = text("false")
_EMPTY_OBJECT: Final = text("'{}'::jsonb")
_EMPTY_TEXT: Final = text("''::character varying")
_NOUGHT: Final = text("0")


class Vector(UserDefinedType[str]):
    """pgvector's column type, as its text form; only ml-analyze reads and writes it."""

    cache_ok = True

    def __init__(self, dimensions: int | str) -> None:
        self.dimensions = int(dimensions)

    def get_col_spec(self, **_: object) -> str:
        return f"vector({self.dimensions})"


ischema_names["vector"] = Vector  # so that reflection knows the type


class Base(DeclarativeBase):
    """The root of the mapped classes; what has no name gets the one PostgreSQL would give."""

    type_annotation_map: ClassVar = {datetime: TIMESTAMP(timezone=True)}
    # What the server fills in comes back with the write: read later, it would need a round trip
    # that an attribute of an asynchronous session cannot make.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy's own declaration
    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
        }
    )


# The Bun API's table: never made, changed or compared by us, only referred to.
users: Final = Table("users", Base.metadata, Column("id", Uuid, primary_key=True))


class Supplier(Base):
    """A supplier; everything optional about it is in `meta` (column `metadata`)."""

    __tablename__ = "suppliers"
    __table_args__ = (
        CheckConstraint(
            "source_type IN ('google_sheets', 'csv', 'excel')", name="check_source_type"
        ),
        Index("idx_suppliers_source_type", "source_type"),
        Index("idx_suppliers_name", "name"),
        Index(
            "idx_suppliers_use_semantic_etl",
            "use_semantic_etl",
            postgresql_where=text("use_semantic_etl = true"),
        ),
    )

    id: Mapped[NewId]
    name: Mapped[str] = mapped_column(String(255))
    source_type: Mapped[str] = mapped_column(String(50))
    contact_email: Mapped[str | None] = mapped_column(String(255))
    meta: Mapped[dict[str, Any]] = mapped_column(
        "metadata", MutableDict.as_mutable(JSONB), server_default=_EMPTY_OBJECT
    )
    created_at: Mapped[SetOnInsert]
    updated_at: Mapped[SetOnUpdate]
    use_semantic_etl: Mapped[bool] = mapped_column(server_default=_FALSE)

    def __init__(self, **fields: Any) -> None:  # noqa: ANN401 - as every mapped class
        """Make a supplier; `metadata` is another name for `meta`, and other fields go into it."""
        meta: Mapping[str, Any] = {**fields.pop("metadata", {}), **fields.pop("meta", {})}
        super().__init__(meta={**meta}, **fields)

    @hybrid_property
    def source_url(self) -> str | None:
        """Where the list is fetched from; rests in `meta`, whose other keys stay as they are."""
        url = self.meta.get("source_url")
        return None if url is None else str(url)

    @source_url.inplace.setter
    def _set_source_url(self, url: str | None) -> None:
        self.meta["source_url"] = url

    @source_url.inplace.expression
    @classmethod
    def _source_url_in_sql(cls) -> ColumnElement[str | None]:
        return _in_metadata(cls, "source_url")

    @hybrid_property
    def is_active(self) -> bool:
        """Whether the supplier is worked with: unless `meta` says that it is not."""
        return supplier_is_active(self.meta)

    @is_active.inplace.setter
    def _set_is_active(self, active: bool) -> None:
        self.meta["is_active"] = active

    @is_active.inplace.expression
    @classmethod
    def _is_active_in_sql(cls) -> ColumnElement[bool]:
        return func.lower(func.coalesce(_in_metadata(cls, "is_active"), "true")) != "false"


def _in_metadata(suppliers: type[Supplier], key: str) -> ColumnElement[Any]:
    return suppliers.meta.op("->>", return_type=Text())(key)


class Category(Base):
    """A category in the tree; roots may bear the same name twice (NULL parents differ)."""

    __tablename__ = "categories"
    __table_args__ = (
        UniqueConstraint("name", "parent_id", name="uq_category_name_parent"),
        CheckConstraint("id <> parent_id", name="chk_no_self_reference"),
        Index("idx_categories_parent", "parent_id"),
        Index(
            "idx_categories_needs_review",
            "needs_review",
            postgresql_where=text("needs_review = true"),
        ),
        Index(
            "idx_categories_supplier_id",
            "supplier_id",
            postgresql_where=text("supplier_id IS NOT NULL"),
        ),
        Index("idx_categories_is_active", "is_active", postgresql_where=text("is_active = true")),
    )

    id: Mapped[NewId]
    name: Mapped[str] = mapped_column(String(255))
    parent_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("categories.id", ondelete="CASCADE")
    )
    created_at: Mapped[SetOnInsert]
    needs_review: Mapped[bool] = mapped_column(server_default=_FALSE)
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    supplier_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("suppliers.id", ondelete="SET NULL")
    )
    updated_at: Mapped[SetOnUpdate]


class Product(Base):
    """A product; `min_price` and `availability` are aggregates, `mrp` is never computed."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("internal_sku"),
        CheckConstraint("retail_price >= 0", name="check_retail_price_non_negative"),
        CheckConstraint("wholesale_price >= 0", name="check_wholesale_price_non_negative"),
        Index("idx_products_category", "category_id"),
        Index("idx_products_status", "status"),
        Index("idx_products_name", "name", postgresql_ops={"name": "varchar_pattern_ops"}),
        Index("idx_products_sku", "internal_sku"),
        Index(
            "idx_products_min_price", "min_price", postgresql_where=text("min_price IS NOT NULL")
        ),
        Index("idx_products_availability", "availability"),
    )

    id: Mapped[NewId]
    internal_sku: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(500))
    category_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("categories.id", ondelete="SET NULL")
    )
    status: Mapped[str] = mapped_column(
        PRODUCT_STATUS, server_default=text("'draft'::product_status")
    )
    created_at: Mapped[SetOnInsert]
    updated_at: Mapped[SetOnUpdate]
    min_price: Mapped[Decimal | None] = mapped_column(_PRICE)
    availability: Mapped[bool] = mapped_column(server_default=_FALSE)
    mrp: Mapped[Decimal | None] = mapped_column(_PRICE)
    retail_price: Mapped[Decimal | None] = mapped_column(_PRICE)
    wholesale_price: Mapped[Decimal | None] = mapped_column(_PRICE)
    currency_code: Mapped[str | None] = mapped_column(String(3))


class SupplierItem(Base):
    """A line of a supplier's list; one a supplier and SKU."""

    __tablename__ = "supplier_items"
    __table_args__ = (
        UniqueConstraint("supplier_id", "supplier_sku", name="unique_supplier_sku"),
        CheckConstraint("current_price >= 0", name="check_positive_price"),
        CheckConstraint("match_score >= 0 AND match_score <= 100", name="check_match_score"),
        CheckConstraint("price_opt >= 0", name="chk_price_opt_positive"),
        CheckConstraint("price_rrc >= 0", name="chk_price_rrc_positive"),
        Index("idx_supplier_items_supplier", "supplier_id"),
        Index("idx_supplier_items_product", "product_id"),
        Index("idx_supplier_items_characteristics", "characteristics", postgresql_using="gin"),
        Index("idx_supplier_items_price", "current_price"),
        Index("idx_supplier_items_last_ingested", text("last_ingested_at DESC")),
        Index("idx_supplier_items_match_status", "match_status"),
        Index(
            "idx_supplier_items_unmatched",
            "product_id",
            postgresql_where=text("product_id IS NULL AND match_status = 'unmatched'"),
        ),
        Index(
            "idx_supplier_items_match_score",
            text("match_score DESC"),
            postgresql_where=text("match_score IS NOT NULL"),
        ),
        Index(
            "idx_supplier_items_category",
            "category_id",
            postgresql_where=text("category_id IS NOT NULL"),
        ),
    )

    id: Mapped[NewId]
    supplier_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("suppliers.id", ondelete="CASCADE"))
    product_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("products.id", ondelete="SET NULL")
    )
    supplier_sku: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(500))
    current_price: Mapped[Decimal] = mapped_column(_PRICE)
    characteristics: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=_EMPTY_OBJECT)
    last_ingested_at: Mapped[SetOnInsert]
    created_at: Mapped[SetOnInsert]
    updated_at: Mapped[SetOnUpdate]
    match_status: Mapped[str] = mapped_column(
        MATCH_STATUS, server_default=text("'unmatched'::match_status")
    )
    match_score: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    match_candidates: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    price_opt: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    price_rrc: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    category_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("categories.id", ondelete="SET NULL")
    )
    sku: Mapped[str] = synonym("supplier_sku")
    price: Mapped[Decimal] = synonym("current_price")


class PriceRecord(Base):
    """A price that an item had from `recorded_at` on; one for a new item and one a change."""

    __tablename__ = "price_history"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price_history_price_check"),
        Index("idx_price_history_item", "supplier_item_id"),
        Index("idx_price_history_recorded", text("recorded_at DESC")),
        Index("idx_price_history_item_recorded", "supplier_item_id", text("recorded_at DESC")),
    )

    id: Mapped[NewId]
    supplier_item_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("supplier_items.id", ondelete="CASCADE")
    )
    price: Mapped[Decimal] = mapped_column(_PRICE)
    recorded_at: Mapped[SetOnInsert]


class ParsingLog(Base):
    """A line of the log that the admin API shows; `task_id` groups the lines of one run."""

    __tablename__ = "parsing_logs"
    __table_args__ = (
        Index("idx_parsing_logs_supplier", "supplier_id"),
        Index("idx_parsing_logs_task", "task_id"),
        Index("idx_parsing_logs_created", text("created_at DESC")),
        Index("idx_parsing_logs_error_type", "error_type"),
        Index(
            "idx_parsing_logs_extraction_phase",
            "extraction_phase",
            postgresql_where=text("extraction_phase IS NOT NULL"),
        ),
    )

    id: Mapped[NewId]
    task_id: Mapped[str] = mapped_column(String(255))
    supplier_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("suppliers.id", ondelete="SET NULL")
    )
    error_type: Mapped[str] = mapped_column(String(100))
    error_message: Mapped[str] = mapped_column(Text)
    row_number: Mapped[int | None]
    row_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[SetOnInsert]
    chunk_id: Mapped[int | None]
    extraction_phase: Mapped[str | None] = mapped_column(String(50))


class MatchReview(Base):
    """A doubtful pair waiting for, or having, a person's verdict; one an item."""

    __tablename__ = "match_review_queue"
    __table_args__ = (
        UniqueConstraint("supplier_item_id"),
        Index("idx_review_queue_status", "status"),
        Index(
            "idx_review_queue_expires",
            "expires_at",
            postgresql_where=text("status = 'pending'"),
        ),
        Index("idx_review_queue_created", text("created_at DESC")),
        Index(
            "idx_review_queue_status_expires",
            "status",
            "expires_at",
            postgresql_where=text("status = 'pending'"),
        ),
    )

    id: Mapped[NewId]
    supplier_item_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("supplier_items.id", ondelete="CASCADE")
    )
    candidate_products: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, server_default=text("'[]'::jsonb")
    )
    status: Mapped[str] = mapped_column(
        REVIEW_STATUS, server_default=text("'pending'::review_status")
    )
    reviewed_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL")
    )
    reviewed_at: Mapped[datetime | None]
    created_at: Mapped[SetOnInsert]
    expires_at: Mapped[datetime]


class ProductEmbedding(Base):
    """ml-analyze's vector of an item; absent where the extension `vector` is."""

    __tablename__ = "product_embeddings"
    __table_args__ = (
        UniqueConstraint("supplier_item_id", "model_name", name="unique_item_model_embedding"),
        Index(
            "product_embeddings_embedding_idx",
            "embedding",
            postgresql_using="ivfflat",
            postgresql_with={"lists": 100},
            postgresql_ops={"embedding": "vector_cosine_ops"},
        ),
        Index("idx_embeddings_supplier_item_id", "supplier_item_id"),
        Index("idx_embeddings_model_name", "model_name"),
    )

    id: Mapped[NewId]
    supplier_item_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("supplier_items.id", ondelete="CASCADE")
    )
    embedding: Mapped[str | None] = mapped_column(Vector(768))
    model_name: Mapped[str] = mapped_column(
        String(100), server_default=text("'nomic-embed-text'::character varying")
    )
    created_at: Mapped[SetOnInsert]
    updated_at: Mapped[SetOnUpdate]


class Draft(Base):
    """Says that a product was drafted, and from which item: the shared enum cannot."""

    __tablename__ = "drafts"
    __table_args__ = (
        Index("idx_drafts_item", "supplier_item_id"),
        Index("idx_drafts_position", "position"),
        {"schema": OWN_SCHEMA},
    )

    product_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True
    )
    supplier_item_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("supplier_items.id", ondelete="SET NULL")
    )
    created_at: Mapped[SetOnInsert]
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))


class ItemKeys(Base):
    """By what an item is found again beside its name's look, as the matcher met it last.

    `name_digest` is sixteen bytes of BLAKE2b over all that the name says.
    """

    __tablename__ = "item_keys"
    __table_args__ = (
        Index("idx_item_keys_name", "supplier_id", "name_digest"),
        Index("idx_item_keys_gtin", "gtin", postgresql_where=text("gtin IS NOT NULL")),
        Index(
            "idx_item_keys_vendor_code",
            "vendor_code",
            postgresql_where=text("vendor_code IS NOT NULL"),
        ),
        {"schema": OWN_SCHEMA},
    )

    supplier_item_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("supplier_items.id", ondelete="CASCADE"), primary_key=True
    )
    supplier_id: Mapped[uuid.UUID]
    name_digest: Mapped[uuid.UUID]
    vendor_code: Mapped[str | None] = mapped_column(Text)
    gtin: Mapped[str | None] = mapped_column(Text)


class PairVerdict(Base):
    """What a person said of an item and a product; the latest of a pair."""

    __tablename__ = "verdicts"
    __table_args__ = (
        CheckConstraint("verdict IN ('same', 'different', 'unsure')", name="check_verdict"),
        Index("idx_verdicts_product", "product_id"),
        {"schema": OWN_SCHEMA},
    )

    supplier_item_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("supplier_items.id", ondelete="CASCADE"), primary_key=True
    )
    product_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True
    )
    verdict: Mapped[str] = mapped_column(Text)
    score: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    decided_by: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime]


class ReviewDecision(Base):
    """A decision about an item, with its match before and after; a later one has a later position.

    `before` and `after` are states as `match_states` writes them, `founded` the product made.
    """

    __tablename__ = "review_decisions"
    __table_args__ = (
        Index("idx_review_decisions_item", "supplier_item_id", "position"),
        Index("idx_review_decisions_position", "position"),
        {"schema": OWN_SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    supplier_item_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("supplier_items.id", ondelete="CASCADE")
    )
    action: Mapped[str] = mapped_column(Text)
    product_id: Mapped[uuid.UUID | None]
    decided_by: Mapped[str] = mapped_column(Text)
    user_id: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    founded: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(Text)


class KnownLink(Base):
    """A link as we wrote it last; no keys, for what lost its item or product is looked for."""

    __tablename__ = "known_links"
    __table_args__ = ({"schema": OWN_SCHEMA},)

    supplier_item_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    product_id: Mapped[uuid.UUID]


class SupplierActivity(Base):
    """Whether a supplier was active when aggregates last followed it."""

    __tablename__ = "supplier_activity"
    __table_args__ = ({"schema": OWN_SCHEMA},)

    supplier_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("suppliers.id", ondelete="CASCADE"), primary_key=True
    )
    is_active: Mapped[bool]


class Import(Base):
    """One import of a list: applied, held, repeated or undone; its figures in rows.

    `position` orders imports as they were noted. `layouts` is where the columns of each sheet
    were; `applied_at` is the instant of the note, whatever the state. `followed_at` is when the
    steps that follow an import without a job were asked for.
    """

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint(
            "state IN ('applied', 'held', 'repeated', 'undone')", name="check_import_state"
        ),
        Index("idx_imports_supplier", "supplier_id", "position"),
        Index(
            "idx_imports_to_follow",
            "position",
            postgresql_where=text("job_id IS NULL AND followed_at IS NULL AND state = 'applied'"),
        ),
        {"schema": OWN_SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID | None]
    supplier_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("suppliers.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    accepted: Mapped[int]
    rejected: Mapped[int]
    inserted: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    applied_at: Mapped[SetOnInsert]
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    state: Mapped[str] = mapped_column(Text, server_default=text("'applied'::text"))
    task_id: Mapped[str] = mapped_column(String(255), server_default=_EMPTY_TEXT)
    content_key: Mapped[str] = mapped_column(String(64), server_default=_EMPTY_TEXT)
    source_name: Mapped[str] = mapped_column(Text, server_default=text("''::text"))
    merged: Mapped[int] = mapped_column(server_default=_NOUGHT)
    repriced: Mapped[int] = mapped_column(server_default=_NOUGHT)
    moved: Mapped[int] = mapped_column(server_default=_NOUGHT)
    no_price: Mapped[int] = mapped_column(server_default=_NOUGHT)
    unavailable: Mapped[int] = mapped_column(server_default=_NOUGHT)
    missing: Mapped[int] = mapped_column(server_default=_NOUGHT)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, server_default=text("'[]'::jsonb")
    )
    layouts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=_EMPTY_OBJECT)
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str | None] = mapped_column(Text)
    undone_at: Mapped[datetime | None]
    followed_at: Mapped[datetime | None]


class ImportChange(Base):
    """An item as it was before an import changed it.

    `digest` is that of what the import wrote, by which one sees whether it was touched since;
    `price_id` is the row of price history that came with it. No key to the item, which may go.
    """

    __tablename__ = "import_changes"
    __table_args__ = ({"schema": OWN_SCHEMA},)

    import_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("marketbel.imports.id", ondelete="CASCADE"), primary_key=True
    )
    item_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    digest: Mapped[int] = mapped_column(BigInteger)
    price_id: Mapped[uuid.UUID | None]
    price_after: Mapped[Decimal] = mapped_column(_PRICE)
    name: Mapped[str] = mapped_column(Text)
    current_price: Mapped[Decimal] = mapped_column(_PRICE)
    characteristics: Mapped[dict[str, Any]] = mapped_column(JSONB)
    price_opt: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    price_rrc: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    last_ingested_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ImportInsertion(Base):
    """The items that an import brought, up to 1,000 a row: their ids and what was written."""

    __tablename__ = "import_insertions"
    __table_args__ = ({"schema": OWN_SCHEMA},)

    import_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("marketbel.imports.id", ondelete="CASCADE"), primary_key=True
    )
    part: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    item_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid))
    digests: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class ImportMerge(Base):
    """A row that lost against a later one of the same sku, whose number is `won_by`."""

    __tablename__ = "import_merges"
    __table_args__ = ({"schema": OWN_SCHEMA},)

    import_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("marketbel.imports.id", ondelete="CASCADE"), primary_key=True
    )
    sheet: Mapped[str] = mapped_column(Text, primary_key=True)
    row_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    supplier_sku: Mapped[str] = mapped_column(Text)
    won_by: Mapped[int]


class MissingItem(Base):
    """That the lists of a supplier left an item out, from one import until another one."""

    __tablename__ = "missing_items"
    __table_args__ = (
        Index("idx_missing_items_supplier", "supplier_id"),
        {"schema": OWN_SCHEMA},
    )

    item_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    since_import_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    supplier_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("suppliers.id", ondelete="CASCADE"))
    until_import_id: Mapped[uuid.UUID | None]


class RowRejection(Base):
    """Marks a parsing log as the one record of a rejected row, however often it is imported."""

    __tablename__ = "row_rejections"
    __table_args__ = (UniqueConstraint("task_id", "row_key"), {"schema": OWN_SCHEMA})

    log_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("parsing_logs.id", ondelete="CASCADE"), primary_key=True
    )
    task_id: Mapped[str] = mapped_column(String(255))
    row_key: Mapped[str] = mapped_column(String(64))


class KeptJob(Base):
    """What is known of a job for good; no key to its supplier, who may go before it is forgotten.

    `state` is the job as `job_snapshot` writes it, without the source; `source` has the whole
    address. `position` is that of the journal's line which `state` comes from.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "idx_jobs_unfinished",
            "id",
            postgresql_where=text("phase NOT IN ('complete', 'failed')"),
        ),
        {"schema": OWN_SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    supplier_id: Mapped[uuid.UUID]
    supplier_name: Mapped[str] = mapped_column(Text)
    source: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[dict[str, Any]] = mapped_column(JSONB)
    phase: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int]
    token: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[str | None] = mapped_column(Text(collation="C"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class JobLine(Base):
    """One line of the journal of all jobs, with the job as it was stored by it in `state`.

    Positions compare as bytes: later lines have greater ones.
    """

    __tablename__ = "job_journal"
    __table_args__ = (
        Index("idx_job_journal_job", "job_id", "position"),
        Index("idx_job_journal_at", "at"),
        {"schema": OWN_SCHEMA},
    )

    position: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    job_id: Mapped[uuid.UUID]
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int]
    token: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str | None] = mapped_column(Text)
    state: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Outbox(Base):
    """A job that a sync has left to be started, one a supplier; `position` is the order."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("supplier_id"),
        Index("idx_outbox_position", "position"),
        {"schema": OWN_SCHEMA},
    )

    job_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    supplier_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("suppliers.id", ondelete="CASCADE"))
    run_key: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    created_at: Mapped[datetime]


class SyncRun(Base):
    """A sync that was applied; `key` says what for, and each is applied once."""

    __tablename__ = "sync_runs"
    __table_args__ = (
        Index("idx_sync_runs_applied", "applied_at"),
        Index("idx_sync_runs_era", "era", "token"),
        {"schema": OWN_SCHEMA},
    )

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    task_id: Mapped[str] = mapped_column(Text)
    triggered_by: Mapped[str] = mapped_column(Text)
    era: Mapped[str] = mapped_column(Text)
    token: Mapped[int] = mapped_column(BigInteger)
    served: Mapped[list[str]] = mapped_column(JSONB)
    applied_at: Mapped[datetime]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
