"""The catalogue, the suppliers and their items, price history and parsing logs."""

from typing import Final

from alembic import op

revision: str = "001_initial_schema"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_SUPPLIERS: Final = (
    """
    CREATE TABLE suppliers (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        name varchar(255) NOT NULL,
        source_type varchar(50) NOT NULL
            CONSTRAINT check_source_type CHECK (source_type IN ('google_sheets', 'csv', 'excel')),
        contact_email varchar(255),
        metadata jsonb NOT NULL DEFAULT '{}'::jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_suppliers_source_type ON suppliers (source_type)",
    "CREATE INDEX idx_suppliers_name ON suppliers (name)",
)
_CATEGORIES: Final = (
    """
    CREATE TABLE categories (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        name varchar(255) NOT NULL,
        parent_id uuid REFERENCES categories (id) ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT uq_category_name_parent UNIQUE (name, parent_id)
    )
    """,
    "CREATE INDEX idx_categories_parent ON categories (parent_id)",
)
_PRODUCTS: Final = (
    "CREATE TYPE product_status AS ENUM ('draft', 'active', 'archived')",
    """
    CREATE TABLE products (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        internal_sku varchar(100) NOT NULL UNIQUE,
        name varchar(500) NOT NULL,
        category_id uuid REFERENCES categories (id) ON DELETE SET NULL,
        status product_status NOT NULL DEFAULT 'draft',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_products_category ON products (category_id)",
    "CREATE INDEX idx_products_status ON products (status)",
    "CREATE INDEX idx_products_name ON products (name varchar_pattern_ops)",
    "CREATE INDEX idx_products_sku ON products (internal_sku)",
)
_SUPPLIER_ITEMS: Final = (
    """
    CREATE TABLE supplier_items (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        supplier_id uuid NOT NULL REFERENCES suppliers (id) ON DELETE CASCADE,
        product_id uuid REFERENCES products (id) ON DELETE SET NULL,
        supplier_sku varchar(255) NOT NULL,
        name varchar(500) NOT NULL,
        current_price numeric(10, 2) NOT NULL
            CONSTRAINT check_positive_price CHECK (current_price >= 0),
        characteristics jsonb NOT NULL DEFAULT '{}'::jsonb,
        last_ingested_at timestamptz NOT NULL DEFAULT now(),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT unique_supplier_sku UNIQUE (supplier_id, supplier_sku)
    )
    """,
    "CREATE INDEX idx_supplier_items_supplier ON supplier_items (supplier_id)",
    "CREATE INDEX idx_supplier_items_product ON supplier_items (product_id)",
    """
    CREATE INDEX idx_supplier_items_characteristics
        ON supplier_items USING gin (characteristics)
    """,
    "CREATE INDEX idx_supplier_items_price ON supplier_items (current_price)",
    "CREATE INDEX idx_supplier_items_last_ingested ON supplier_items (last_ingested_at DESC)",
)
_PRICE_HISTORY: Final = (
    """
    CREATE TABLE price_history (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        supplier_item_id uuid NOT NULL REFERENCES supplier_items (id) ON DELETE CASCADE,
        price numeric(10, 2) NOT NULL CHECK (price >= 0),
        recorded_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_price_history_item ON price_history (supplier_item_id)",
    "CREATE INDEX idx_price_history_recorded ON price_history (recorded_at DESC)",
    """
    CREATE INDEX idx_price_history_item_recorded
        ON price_history (supplier_item_id, recorded_at DESC)
    """,
)
_PARSING_LOGS: Final = (
    """
    CREATE TABLE parsing_logs (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        task_id varchar(255) NOT NULL,
        supplier_id uuid REFERENCES suppliers (id) ON DELETE SET NULL,
        error_type varchar(100) NOT NULL,
        error_message text NOT NULL,
        row_number integer,
        row_data jsonb,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_parsing_logs_supplier ON parsing_logs (supplier_id)",
    "CREATE INDEX idx_parsing_logs_task ON parsing_logs (task_id)",
    "CREATE INDEX idx_parsing_logs_created ON parsing_logs (created_at DESC)",
    "CREATE INDEX idx_parsing_logs_error_type ON parsing_logs (error_type)",
)


def upgrade() -> None:
    for statement in (
        *_SUPPLIERS,
        *_CATEGORIES,
        *_PRODUCTS,
        *_SUPPLIER_ITEMS,
        *_PRICE_HISTORY,
        *_PARSING_LOGS,
    ):
        op.execute(statement)


def downgrade() -> None:
    for statement in (
        "DROP TABLE parsing_logs",
        "DROP TABLE price_history",
        "DROP TABLE supplier_items",
        "DROP TABLE products",
        "DROP TYPE product_status",
        "DROP TABLE categories",
        "DROP TABLE suppliers",
    ):
        op.execute(statement)
