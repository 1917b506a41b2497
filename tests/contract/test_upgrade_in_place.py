"""A database of the predecessor is upgraded where it stands and loses nothing, there and back.

Every state that the neighbours know is made, filled with rows in every table that it has, brought
to our newest revision and taken back. Rows and schema are compared to the letter on the way.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from marketbel_adapters.postgres.migrate import migrate, migration_config, migration_engine
from marketbel_adapters.postgres.url import asyncpg_url

pytestmark = pytest.mark.postgres

HEAD: Final = "016_followed_imports"
MATCHING: Final = "002_add_matching_pipeline"
EMBEDDINGS: Final = "008_create_product_embeddings"
PRICING: Final = "009_add_pricing_fields"
SEMANTIC: Final = "009_semantic_etl_schema"
OWN_PARENTS: Final = (
    "the rule that no category is its own parent waits: some rows of categories name themselves"
    " in parent_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where a database stands before the upgrade.

    Attributes:
        heads: Its revisions; two where neighbours ran both of the revisions 009.
        way_back: What Alembic's `downgrade` is told, one after another, to come back to them.
    """

    heads: tuple[str, ...]
    way_back: tuple[str, ...]

    @property
    def has_embeddings(self) -> bool:
        """Whether the state is one in which ml-analyze keeps embeddings, given the extension."""
        return self.heads != (MATCHING,)


STANDS: Final = (
    Stand(heads=(MATCHING,), way_back=(MATCHING,)),
    Stand(heads=(EMBEDDINGS,), way_back=(EMBEDDINGS,)),
    # Two branches lead to 008: the name before the @ says which of them is taken back.
    Stand(heads=(PRICING,), way_back=(f"{SEMANTIC}@{EMBEDDINGS}",)),
    Stand(heads=(SEMANTIC,), way_back=(f"{PRICING}@{EMBEDDINGS}",)),
    Stand(heads=(PRICING, SEMANTIC), way_back=(PRICING, SEMANTIC)),
)
CREATE_USERS: Final = (  # as the admin API makes it, trigger and all
    "CREATE TYPE user_role AS ENUM ('sales', 'procurement', 'admin')",
    """
    CREATE TABLE users (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        username varchar(255) UNIQUE NOT NULL,
        password_hash varchar(255) NOT NULL,
        role user_role NOT NULL,
        created_at timestamp NOT NULL DEFAULT now(),
        updated_at timestamp NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_users_username ON users (username)",
    """
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.updated_at = now(); RETURN NEW; END $$
    """,
    "CREATE TRIGGER users_updated BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()",
    """
    INSERT INTO users (id, username, password_hash, role, created_at) VALUES
        (uuid(repeat('1', 32)), repeat('ё', 255), repeat('$', 255), 'sales', '-infinity'),
        (uuid(repeat('2', 32)), 'закупка', '', 'procurement', '2025-02-28 23:59:59.999999'),
        (uuid(repeat('3', 32)), E'O''Hara\\\\ "x"', 'h', 'admin', 'infinity')
    """,
)
# A report of somebody else's over our tables, and a table of theirs that refers to one.
STRANGERS: Final = (
    "CREATE VIEW offers AS SELECT i.*, s.metadata FROM supplier_items i, suppliers s",
    "CREATE TABLE carts (item uuid REFERENCES supplier_items (id) ON DELETE CASCADE, n int)",
    "INSERT INTO carts SELECT id, 3 FROM supplier_items",
)
AWKWARD_JSON: Final = (
    """{"ключ": "зна\\"чение\\\\", "n": 0.10000000000000000000012, "big": 1234567890123456789,"""
    """ "deep": [[{"a": [null, true, {}]}], []], "пусто": "", "": "\\t\\u00a0\\ud83d\\ude00",\n"""
    """ "ean": "0123", "zero": -0.00}"""
)
ROWS: Final = (
    f"""
    INSERT INTO suppliers (id, name, source_type, contact_email, metadata, created_at, updated_at)
    VALUES
        (uuid(repeat('a', 32)), repeat('Ж', 255), 'google_sheets', repeat('e', 255),
         '{AWKWARD_JSON}', '-infinity', 'infinity'),
        (uuid(repeat('b', 32)), E' \t\\\\ %s :x ''"\n😀', 'excel', NULL, '[]', now(), now()),
        (uuid(repeat('c', 32)), '', 'csv', '', 'null', '2025-01-01 00:00:00.000001+03', now()),
        (uuid(repeat('d', 32)), '', 'csv', '', '{{"source_url": null, "is_active": false}}',
         '4713-01-01 00:00:00 BC', now())
    """,
    """
    INSERT INTO categories (id, name, parent_id) VALUES
        (uuid(repeat('a', 32)), 'Корень', NULL),
        (uuid(repeat('b', 32)), 'Корень', NULL),
        (uuid(repeat('c', 32)), repeat('Щ', 255), uuid(repeat('a', 32))),
        (uuid(repeat('d', 32)), '', uuid(repeat('c', 32))),
        (uuid(repeat('e', 32)), 'around', uuid(repeat('d', 32)))
    """,
    # Nothing forbids it: two categories that are each other's parents.
    "UPDATE categories SET parent_id = uuid(repeat('e', 32)) WHERE id = uuid(repeat('d', 32))",
    """
    INSERT INTO products (id, internal_sku, name, category_id, status, min_price, availability,
                          mrp, created_at, updated_at) VALUES
        (uuid(repeat('a', 32)), repeat('P', 100), repeat('Ы', 500), uuid(repeat('c', 32)),
         'active', 99999999.99, true, 0, '-infinity', 'infinity'),
        (uuid(repeat('b', 32)), 'PROD-1700000000000-A1B2', 'Сыр', NULL, 'draft', NULL, false,
         NULL, now(), now()),
        (uuid(repeat('c', 32)), '', '', uuid(repeat('d', 32)), 'archived', -0.01, true, -1,
         now(), now())
    """,
    f"""
    INSERT INTO supplier_items (id, supplier_id, product_id, supplier_sku, name, current_price,
        characteristics, last_ingested_at, match_status, match_score, match_candidates) VALUES
        (uuid(repeat('a', 32)), uuid(repeat('a', 32)), uuid(repeat('a', 32)), repeat('я', 255),
         repeat('Ї', 500), 99999999.99, '{AWKWARD_JSON}', '-infinity', 'auto_matched', 100, '[]'),
        (uuid(repeat('b', 32)), uuid(repeat('a', 32)), NULL, '0123', 'Сыр', 0, '{{}}', 'infinity',
         'potential_match', 70.01, '[{{"product_id": "x", "product_name": "С", "score": 70.01}}]'),
        (uuid(repeat('c', 32)), uuid(repeat('b', 32)), uuid(repeat('b', 32)), '', '', 0.01,
         '[1]', now(), 'verified_match', 0, 'null'),
        -- Linked and unlinked by hand: the admin API leaves the status as it was.
        (uuid(repeat('d', 32)), uuid(repeat('b', 32)), uuid(repeat('c', 32)), E'\t\n ', 'x', 1,
         '{{}}', now(), 'unmatched', NULL, NULL),
        (uuid(repeat('e', 32)), uuid(repeat('c', 32)), NULL, '0123', 'x', 1, '{{}}', now(),
         'verified_match', NULL, NULL)
    """,
    """
    INSERT INTO price_history (supplier_item_id, price, recorded_at)
    SELECT id, price, recorded_at::timestamptz FROM supplier_items, (VALUES
        (99999999.99, '-infinity'), (0, 'infinity'), (0.01, '2025-01-01 12:00:00.123456Z')
    ) AS known (price, recorded_at)
    """,
    f"""
    INSERT INTO parsing_logs
        (task_id, supplier_id, error_type, error_message, row_number, row_data) VALUES
        (repeat('т', 255), uuid(repeat('a', 32)), repeat('E', 100), repeat('длинно ', 3000),
         2147483647, '{AWKWARD_JSON}'),
        ('', NULL, '', '', -2147483648, 'null'),
        ('ml-x', uuid(repeat('b', 32)), 'llm_error', '[error] нет', NULL, NULL),
        ('ml-x', uuid(repeat('b', 32)), 'VALIDATION_ERROR', 'нет', 0, '"text"')
    """,
    """
    INSERT INTO match_review_queue (supplier_item_id, candidate_products, status, reviewed_by,
                                    reviewed_at, expires_at) VALUES
        (uuid(repeat('a', 32)), '[]', 'pending', NULL, NULL, 'infinity'),
        (uuid(repeat('b', 32)), '[{"name": "Сыр", "score": 70.010}]', 'approved',
         uuid(repeat('1', 32)), '-infinity', now()),
        (uuid(repeat('c', 32)), 'null', 'rejected', uuid(repeat('2', 32)), now(), '-infinity'),
        (uuid(repeat('d', 32)), '{}', 'expired', uuid(repeat('3', 32)), 'infinity', now()),
        (uuid(repeat('e', 32)), '[]', 'needs_category', uuid(repeat('1', 32)), NULL, now())
    """,
)
EMBEDDING_ROWS: Final = (
    """
    INSERT INTO product_embeddings (supplier_item_id, embedding, model_name)
    SELECT id, NULL::vector, 'nomic-embed-text' FROM supplier_items
    UNION ALL
    SELECT id, (SELECT array_agg(n / 7.0 - 0.5 ORDER BY n) FROM generate_series(1, 768) n)::vector,
           repeat('м', 100) FROM supplier_items
    """,
)
PRICING_ROWS: Final = (
    """
    UPDATE products SET retail_price = 99999999.99, wholesale_price = 0, currency_code = 'BYN'
    WHERE id = uuid(repeat('a', 32))
    """,
    "UPDATE products SET currency_code = 'руб' WHERE id = uuid(repeat('b', 32))",
)
SEMANTIC_ROWS: Final = (
    "UPDATE suppliers SET use_semantic_etl = true WHERE name = ''",
    """
    UPDATE categories SET needs_review = true, is_active = false, updated_at = '-infinity',
        supplier_id = uuid(repeat('a', 32)) WHERE name = 'Корень'
    """,
    """
    UPDATE supplier_items SET price_opt = 9999999999.99, price_rrc = 0,
        category_id = uuid(repeat('c', 32)) WHERE supplier_sku = '0123'
    """,
    """
    UPDATE parsing_logs SET chunk_id = -1, extraction_phase = repeat('ф', 50)
    WHERE task_id = 'ml-x'
    """,
)
SCHEMA: Final = {
    "columns": """
        SELECT format('%s.%s %s %s %s', attrelid::regclass, attname,
            format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid))
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        JOIN pg_class c ON c.oid = attrelid
        WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'v')
            AND relnamespace <> ALL ('{pg_catalog,information_schema}'::regnamespace[])
        ORDER BY attrelid::regclass::text, attnum
    """,
    "rules": """
        SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE conrelid <> 0 AND contype IN ('p', 'u', 'f', 'c') ORDER BY 1
    """,
    "indexes": """
        SELECT indexdef FROM pg_indexes
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
    """,
    "enums": """
        SELECT format('%s %s', enumtypid::regtype, enumlabel) FROM pg_enum
        ORDER BY enumtypid::regtype::text, enumsortorder
    """,
    "views": """
        SELECT format('%s %s', viewname, definition) FROM pg_views WHERE schemaname = 'public'
        ORDER BY 1
    """,
    "triggers": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
    "schemas": "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' ORDER BY 1",
    "extensions": "SELECT extname FROM pg_extension ORDER BY 1",
    "revisions": "SELECT version_num FROM alembic_version ORDER BY 1",
}
COLUMNS_BY_TABLE: Final = """
    SELECT relname, array_agg(quote_ident(attname) ORDER BY attnum) AS names
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE attnum > 0 AND NOT attisdropped AND relkind = 'r'
        AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
    GROUP BY relname
"""

type Columns = dict[str, Sequence[str]]
type Dump = dict[str, list[str]]


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[AsyncConnection]:
    engine = migration_engine(asyncpg_url(url))
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


async def execute(url: str, *statements: str) -> None:
    async with opened(url) as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


async def rows(url: str, query: str) -> list[str]:
    async with opened(url) as connection:
        return [str(value) for value in (await connection.execute(text(query))).scalars()]


async def run_alembic(url: str, verb: str, *revisions: str) -> None:
    def run(connection: Connection) -> None:
        for revision in revisions:
            getattr(command, verb)(migration_config(connection), revision)

    async with opened(url) as connection:
        await connection.run_sync(run)


async def columns_of(url: str) -> Columns:
    """Return the columns of every table in `public`, strangers' tables included."""
    async with opened(url) as connection:
        found = await connection.execute(text(COLUMNS_BY_TABLE))
        return {row.relname: row.names for row in found}


async def dumped(url: str, columns: Columns) -> Dump:
    """Return every row of these tables, these columns of it, as PostgreSQL writes them."""
    return {
        table: await rows(url, f"SELECT ROW({', '.join(names)})::text FROM {table} ORDER BY 1")
        for table, names in columns.items()
    }


async def schema_of(url: str) -> Dump:
    """Return everything that the database is made of, in words."""
    return {part: await rows(url, query) for part, query in SCHEMA.items()}


async def hide_vector(url: str) -> None:
    """Make the server look, from this database, as if no extension were on its disk."""
    superuser = await rows(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if superuser != ["True"]:
        pytest.skip("only a superuser may change what a database sees of its server")
    async with opened(url) as connection:
        number = await connection.scalar(text("SHOW server_version_num"))
        if int(str(number)) < 180_000:
            pytest.skip("only PostgreSQL 18 and later can be told where extensions lie")
        name = await connection.scalar(text("SELECT quote_ident(current_database())"))
        await connection.exec_driver_sql(
            f"ALTER DATABASE {name} SET extension_control_path = '/nonexistent'"
        )


async def install_vector(url: str) -> None:
    if not await rows(url, "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("this server does not have the extension vector")
    await execute(url, "CREATE EXTENSION vector")


async def make(url: str, stand: Stand, *, users: bool, vector: bool) -> None:
    """Bring an empty database to `stand` and fill every table that it has there."""
    await (install_vector(url) if vector else hide_vector(url))
    if users:
        await execute(url, *CREATE_USERS)
    await run_alembic(url, "upgrade", *stand.heads)
    await execute(
        url,
        *ROWS,
        *(EMBEDDING_ROWS if vector and stand.has_embeddings else ()),
        *(PRICING_ROWS if PRICING in stand.heads else ()),
        *(SEMANTIC_ROWS if SEMANTIC in stand.heads else ()),
        *STRANGERS,
    )


@pytest.mark.parametrize("vector", [True, False], ids=["vector", "no vector"])
@pytest.mark.parametrize("users", [True, False], ids=["users", "no users"])
@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: "+".join(stand.heads))
async def test_every_row_is_there_unchanged_after_the_way_up_and_the_way_back(
    database_url: str, stand: Stand, users: bool, vector: bool
) -> None:
    await make(database_url, stand, users=users, vector=vector)
    columns = await columns_of(database_url)
    rows_before, schema_before = (
        await dumped(database_url, columns),
        await schema_of(database_url),
    )
    assert all(rows_before.values()), "a table without rows proves nothing"

    report = await migrate(database_url)

    assert (report.revision_before, report.revision_after) == (", ".join(stand.heads), HEAD)
    assert ["users" in wait for wait in report.waiting] == [True] * (not users) + [False] * (
        not vector
    )
    assert await dumped(database_url, columns) == rows_before
    schema_above = await schema_of(database_url)

    await run_alembic(database_url, "downgrade", *stand.way_back)

    assert await schema_of(database_url) == schema_before
    assert await dumped(database_url, columns) == rows_before

    await migrate(database_url)

    assert await schema_of(database_url) == schema_above
    assert await dumped(database_url, columns) == rows_before


async def test_what_the_upgrade_made_goes_again_on_the_way_back(database_url: str) -> None:
    await run_alembic(database_url, "upgrade", MATCHING)
    before = await schema_of(database_url)

    await migrate(database_url)
    await run_alembic(database_url, "downgrade", MATCHING)

    assert await schema_of(database_url) == before


async def test_what_others_made_beforehand_stays_on_the_way_back(database_url: str) -> None:
    await install_vector(database_url)
    await execute(
        database_url,
        "CREATE SCHEMA marketbel",
        "CREATE TABLE marketbel.notes AS SELECT 1 AS n",
        "COMMENT ON SCHEMA marketbel IS 'the administrator made it'",
    )
    await run_alembic(database_url, "upgrade", MATCHING)
    before = await schema_of(database_url)

    await migrate(database_url)
    await run_alembic(database_url, "downgrade", MATCHING)

    assert await schema_of(database_url) == before


async def test_a_schema_of_ours_that_others_use_by_now_stays(database_url: str) -> None:
    await migrate(database_url)
    await execute(database_url, "CREATE TABLE marketbel.notes AS SELECT 1 AS n")

    await run_alembic(database_url, "downgrade", PRICING)

    assert await rows(database_url, "SELECT n FROM marketbel.notes") == ["1"]


@pytest.mark.parametrize(
    "stand",
    [stand for stand in STANDS if SEMANTIC not in stand.heads],
    ids=lambda stand: "+".join(stand.heads),
)
async def test_a_category_that_is_its_own_parent_is_kept_and_told_about(
    database_url: str, stand: Stand
) -> None:
    await run_alembic(database_url, "upgrade", *stand.heads)
    await execute(
        database_url,
        "INSERT INTO categories (name) VALUES ('Корень')",
        "UPDATE categories SET parent_id = id",
    )
    columns = await columns_of(database_url)
    rows_before, schema_before = (
        await dumped(database_url, columns),
        await schema_of(database_url),
    )

    report = await migrate(database_url)

    assert OWN_PARENTS in report.waiting
    assert await dumped(database_url, columns) == rows_before

    await run_alembic(database_url, "downgrade", *stand.way_back)

    assert await schema_of(database_url) == schema_before
    assert await dumped(database_url, columns) == rows_before


async def test_the_rule_on_parents_holds_for_all_once_the_rows_are_corrected(
    database_url: str,
) -> None:
    await run_alembic(database_url, "upgrade", MATCHING)
    await execute(
        database_url,
        "INSERT INTO categories (name) VALUES ('Корень')",
        "UPDATE categories SET parent_id = id",
    )
    await migrate(database_url)
    await execute(database_url, "UPDATE categories SET parent_id = NULL")

    report = await migrate(database_url)

    assert report.added == ("no category is its own parent any more, and none can become it",)
    assert OWN_PARENTS not in report.waiting
    with pytest.raises(IntegrityError, match="chk_no_self_reference"):
        await execute(database_url, "UPDATE categories SET parent_id = id")
