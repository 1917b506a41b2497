"""The tables are the neighbours' to the letter, and the mapped classes say the same."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.ext.asyncio import AsyncConnection

from marketbel_adapters.postgres.migrate import migrate, migration_config, migration_engine
from marketbel_adapters.postgres.tables import (
    MATCH_STATUS,
    PRODUCT_STATUS,
    REVIEW_STATUS,
    Base,
    ProductEmbedding,
    Supplier,
)
from marketbel_adapters.postgres.url import asyncpg_url
from marketbel_core.catalog import MatchStatus, ProductStatus

pytestmark = pytest.mark.postgres

# As the neighbours describe them: `!` is NOT NULL, `=` the default.
_ID: Final = "id uuid! =gen_random_uuid()"
_CREATED: Final = "created_at timestamptz! =now()"
_UPDATED: Final = "updated_at timestamptz! =now()"
COLUMNS: Final = {
    "suppliers": f"""
        {_ID} | name varchar(255)! | source_type varchar(50)! | contact_email varchar(255)
        | metadata jsonb! ='{{}}' | {_CREATED} | {_UPDATED} | use_semantic_etl bool! =false""",
    "categories": f"""
        {_ID} | name varchar(255)! | parent_id uuid | {_CREATED} | needs_review bool! =false
        | is_active bool! =true | supplier_id uuid | {_UPDATED}""",
    "products": f"""
        {_ID} | internal_sku varchar(100)! | name varchar(500)! | category_id uuid
        | status product_status! ='draft' | min_price numeric(10,2) | availability bool! =false
        | mrp numeric(10,2) | retail_price numeric(10,2) | wholesale_price numeric(10,2)
        | currency_code varchar(3) | {_CREATED} | {_UPDATED}""",
    "supplier_items": f"""
        {_ID} | supplier_id uuid! | product_id uuid | supplier_sku varchar(255)!
        | name varchar(500)! | current_price numeric(10,2)! | characteristics jsonb! ='{{}}'
        | last_ingested_at timestamptz! =now() | match_status match_status! ='unmatched'
        | match_score numeric(5,2) | match_candidates jsonb | price_opt numeric(12,2)
        | price_rrc numeric(12,2) | category_id uuid | {_CREATED} | {_UPDATED}""",
    "price_history": f"""
        {_ID} | supplier_item_id uuid! | price numeric(10,2)! | recorded_at timestamptz! =now()""",
    "parsing_logs": f"""
        {_ID} | task_id varchar(255)! | supplier_id uuid | error_type varchar(100)!
        | error_message text! | row_number int4 | row_data jsonb | {_CREATED} | chunk_id int4
        | extraction_phase varchar(50)""",
    "match_review_queue": f"""
        {_ID} | supplier_item_id uuid! | candidate_products jsonb! ='[]'
        | status review_status! ='pending' | reviewed_by uuid | reviewed_at timestamptz
        | {_CREATED} | expires_at timestamptz!""",
    "product_embeddings": f"""
        {_ID} | supplier_item_id uuid! | embedding vector(768)
        | model_name varchar(100)! ='nomic-embed-text' | {_CREATED} | {_UPDATED}""",
}
CONSTRAINTS: Final = {
    "suppliers": {"check_source_type", "suppliers_pkey"},
    "categories": {
        *("categories_pkey", "uq_category_name_parent", "chk_no_self_reference"),
        *("categories_parent_id_fkey cascade", "categories_supplier_id_fkey set null"),
    },
    "products": {
        *("products_pkey", "products_internal_sku_key", "products_category_id_fkey set null"),
        *("check_retail_price_non_negative", "check_wholesale_price_non_negative"),
    },
    "supplier_items": {
        *("supplier_items_pkey", "unique_supplier_sku", "check_positive_price"),
        *("check_match_score", "chk_price_opt_positive", "chk_price_rrc_positive"),
        *("supplier_items_supplier_id_fkey cascade", "supplier_items_product_id_fkey set null"),
        "supplier_items_category_id_fkey set null",
    },
    "price_history": {
        *("price_history_pkey", "price_history_price_check"),
        "price_history_supplier_item_id_fkey cascade",
    },
    "parsing_logs": {"parsing_logs_pkey", "parsing_logs_supplier_id_fkey set null"},
    "match_review_queue": {
        *("match_review_queue_pkey", "match_review_queue_supplier_item_id_key"),
        "match_review_queue_supplier_item_id_fkey cascade",
        "match_review_queue_reviewed_by_fkey set null",
    },
    "product_embeddings": {
        *("product_embeddings_pkey", "unique_item_model_embedding"),
        "product_embeddings_supplier_item_id_fkey cascade",
    },
}
INDEXES: Final = {
    "suppliers": {
        "idx_suppliers_source_type (source_type)",
        "idx_suppliers_name (name)",
        "idx_suppliers_use_semantic_etl (use_semantic_etl) WHERE (use_semantic_etl = true)",
    },
    "categories": {
        "idx_categories_parent (parent_id)",
        "idx_categories_needs_review (needs_review) WHERE (needs_review = true)",
        "idx_categories_supplier_id (supplier_id) WHERE (supplier_id IS NOT NULL)",
        "idx_categories_is_active (is_active) WHERE (is_active = true)",
    },
    "products": {
        "idx_products_category (category_id)",
        "idx_products_status (status)",
        "idx_products_name (name varchar_pattern_ops)",
        "idx_products_sku (internal_sku)",
        "idx_products_min_price (min_price) WHERE (min_price IS NOT NULL)",
        "idx_products_availability (availability)",
    },
    "supplier_items": {
        "idx_supplier_items_supplier (supplier_id)",
        "idx_supplier_items_product (product_id)",
        "idx_supplier_items_characteristics gin (characteristics)",
        "idx_supplier_items_price (current_price)",
        "idx_supplier_items_last_ingested (last_ingested_at DESC)",
        "idx_supplier_items_match_status (match_status)",
        (
            "idx_supplier_items_unmatched (product_id) WHERE ((product_id IS NULL)"
            " AND (match_status = 'unmatched'::match_status))"
        ),
        "idx_supplier_items_match_score (match_score DESC) WHERE (match_score IS NOT NULL)",
        "idx_supplier_items_category (category_id) WHERE (category_id IS NOT NULL)",
    },
    "price_history": {
        "idx_price_history_item (supplier_item_id)",
        "idx_price_history_recorded (recorded_at DESC)",
        "idx_price_history_item_recorded (supplier_item_id, recorded_at DESC)",
    },
    "parsing_logs": {
        "idx_parsing_logs_supplier (supplier_id)",
        "idx_parsing_logs_task (task_id)",
        "idx_parsing_logs_created (created_at DESC)",
        "idx_parsing_logs_error_type (error_type)",
        (
            "idx_parsing_logs_extraction_phase (extraction_phase)"
            " WHERE (extraction_phase IS NOT NULL)"
        ),
    },
    "match_review_queue": {
        "idx_review_queue_status (status)",
        "idx_review_queue_expires (expires_at) WHERE (status = 'pending'::review_status)",
        "idx_review_queue_created (created_at DESC)",
        (
            "idx_review_queue_status_expires (status, expires_at)"
            " WHERE (status = 'pending'::review_status)"
        ),
    },
    "product_embeddings": {
        (
            "product_embeddings_embedding_idx ivfflat (embedding vector_cosine_ops)"
            " WITH (lists='100')"
        ),
        "idx_embeddings_supplier_item_id (supplier_item_id)",
        "idx_embeddings_model_name (model_name)",
    },
}
ALL_COLUMNS: Final = """
    SELECT concat_ws(' ', a.attrelid::regclass, a.attname,
        replace(replace(replace(replace(format_type(a.atttypid, a.atttypmod),
            'character varying', 'varchar'), 'timestamp with time zone', 'timestamptz'),
            'boolean', 'bool'), 'integer', 'int4') || CASE WHEN a.attnotnull THEN '!' ELSE '' END,
        '=' || regexp_replace(pg_get_expr(d.adbin, d.adrelid), '''::.*', ''''))
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'
        AND c.relnamespace IN ('public'::regnamespace, to_regnamespace('marketbel'))
"""
ALL_CONSTRAINTS: Final = """
    SELECT concat_ws(' ', conrelid::regclass, conname, CASE confdeltype
        WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN ' ' THEN NULL ELSE '?' END)
    FROM pg_constraint WHERE contype IN ('p', 'u', 'f', 'c') AND conrelid <> 0
        AND connamespace IN ('public'::regnamespace, to_regnamespace('marketbel'))
"""
ALL_INDEXES: Final = """
    SELECT concat_ws(' ', tablename, indexname, regexp_replace(
        regexp_replace(indexdef, '.* USING ', ''), '^btree ', ''))
    FROM pg_indexes WHERE schemaname IN ('public', 'marketbel')
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)
"""
ALL_RULES: Final = """
    SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE contype IN ('p', 'u', 'f', 'c') AND conrelid <> 0
        AND connamespace IN ('public'::regnamespace, to_regnamespace('marketbel'))
"""
A_NEIGHBOURS_TABLE: Final = "CREATE TABLE users (id uuid PRIMARY KEY)"


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[AsyncConnection]:
    engine = migration_engine(asyncpg_url(url))
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


async def found(url: str, query: str) -> set[str]:
    async with opened(url) as connection:
        return {str(row) for row in (await connection.execute(text(query))).scalars()}


async def by_table(url: str, query: str) -> dict[str, set[str]]:
    """Return what `query` finds under the tables that the neighbours describe and have."""
    grouped: dict[str, set[str]] = {}
    for line in await found(url, query):
        table, _, rest = line.partition(" ")
        grouped.setdefault(table, set()).add(rest)
    return {table: rest for table, rest in grouped.items() if table in COLUMNS}


async def migrated(url: str) -> set[str]:
    """Migrate a database that has the admin API's table; return the tables to be found."""
    async with opened(url) as connection:
        await connection.exec_driver_sql(A_NEIGHBOURS_TABLE)
    report = await migrate(url)
    return set(COLUMNS) - ({ProductEmbedding.__tablename__} if report.waiting else set())


async def test_the_columns_are_the_neighbours_to_the_letter(database_url: str) -> None:
    tables = await migrated(database_url)

    columns = await by_table(database_url, ALL_COLUMNS)

    assert columns == {
        table: {" ".join(column.split()) for column in COLUMNS[table].split("|")}
        for table in tables
    }


async def test_the_constraints_bear_the_neighbours_names_and_rules(database_url: str) -> None:
    tables = await migrated(database_url)

    constraints = await by_table(database_url, ALL_CONSTRAINTS)

    assert constraints == {table: CONSTRAINTS[table] for table in tables}


async def test_the_indexes_are_the_neighbours_to_the_letter(database_url: str) -> None:
    tables = await migrated(database_url)

    indexes = await by_table(database_url, ALL_INDEXES)

    assert indexes == {table: INDEXES[table] for table in tables}


async def test_the_mapped_classes_make_the_same_schema_as_the_revisions(
    database_url: str,
) -> None:
    tables = await migrated(database_url)
    queries = (ALL_COLUMNS, ALL_RULES, ALL_INDEXES)
    by_revisions = [await found(database_url, query) for query in queries]

    async with opened(database_url) as connection:
        await connection.run_sync(make_from_classes, tables)
    by_classes = [await found(database_url, query) for query in queries]

    assert by_classes == by_revisions


def make_from_classes(connection: Connection, tables: set[str]) -> None:
    command.downgrade(migration_config(connection), "base")
    connection.exec_driver_sql("CREATE SCHEMA marketbel")
    if ProductEmbedding.__tablename__ in tables:
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector")
    for enum in (PRODUCT_STATUS, MATCH_STATUS, REVIEW_STATUS):
        connection.exec_driver_sql(f"CREATE TYPE {enum.name} AS ENUM {tuple(enum.enums)}")
    wanted = [
        table
        for table in Base.metadata.sorted_tables
        if table.schema is not None or table.name in tables
    ]
    Base.metadata.create_all(connection, tables=wanted)


async def test_the_marks_of_a_review_and_a_product_are_lower_case_words(database_url: str) -> None:
    await migrate(database_url)
    query = "SELECT string_agg(enumlabel, ' ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid"

    for enum in (PRODUCT_STATUS, MATCH_STATUS, REVIEW_STATUS):
        labels = await found(database_url, f"{query} = '{enum.name}'::regtype")
        assert labels == {" ".join(enum.enums)}


@pytest.mark.parametrize(
    ("enum", "values"), [(PRODUCT_STATUS, ProductStatus), (MATCH_STATUS, MatchStatus)]
)
def test_the_core_and_the_database_know_the_same_values(
    enum: ENUM, values: type[ProductStatus | MatchStatus]
) -> None:
    assert set(enum.enums) == set(values)


def test_the_column_metadata_is_the_attribute_meta() -> None:
    assert Supplier.meta.expression.name == "metadata"


async def test_what_is_ours_lives_in_a_schema_of_its_own(database_url: str) -> None:
    await migrate(database_url)

    ours = await found(
        database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'marketbel'"
    )
    triggers = await found(database_url, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")

    assert ours == {
        *("drafts", "imports", "job_journal", "jobs", "known_links", "review_decisions"),
        *("import_changes", "import_insertions", "import_merges", "item_keys", "missing_items"),
        *("outbox", "row_rejections", "supplier_activity", "sync_runs", "verdicts"),
    }
    assert triggers == set()
