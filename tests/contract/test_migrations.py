"""The life of a schema: made whole, completed later, upgraded from where it stands, taken down."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from marketbel_adapters.postgres.migrate import (
    MigrationFailedError,
    MigrationReport,
    migrate,
    migration_config,
    migration_engine,
    migrations_folder,
)
from marketbel_adapters.postgres.url import asyncpg_url
from marketbel_core.errors import UnavailableError

pytestmark = pytest.mark.postgres

CLONE: Final = Path(__file__).parents[2]
HEAD: Final = "016_followed_imports"
WAITS_FOR_USERS: Final = "match_review_queue.reviewed_by waits for the table users"
WAITS_FOR_VECTOR: Final = (
    "the table product_embeddings waits for the extension vector, which this server does not have"
)
KEY_ADDED: Final = "match_review_queue.reviewed_by now refers to users"
VECTOR_ADDED: Final = (
    "the extension vector is now installed",
    "the table product_embeddings was made",
)
# As the admin API makes it.
CREATE_USERS: Final = (
    "CREATE TYPE user_role AS ENUM ('sales', 'procurement', 'admin')",
    (
        "CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
        " username varchar(255) UNIQUE NOT NULL, password_hash varchar(255) NOT NULL,"
        " role user_role NOT NULL, created_at timestamp NOT NULL DEFAULT now(),"
        " updated_at timestamp NOT NULL DEFAULT now())"
    ),
    "CREATE INDEX idx_users_username ON users (username)",
)
A_ROW_IN_EVERY_TABLE: Final = (
    (
        "INSERT INTO suppliers (name, source_type, metadata)"
        """ VALUES ('Молоко', 'csv', '{"notes": "н"}')"""
    ),
    "INSERT INTO categories (name) VALUES ('Корень')",
    "UPDATE categories SET parent_id = id",
    "INSERT INTO products (internal_sku, name, status) VALUES ('PROD-1', 'Сыр', 'active')",
    (
        "INSERT INTO supplier_items (supplier_id, product_id, supplier_sku, name, current_price,"
        " match_status) SELECT s.id, p.id, '0123', 'Сыр', 12.50, 'verified_match'"
        " FROM suppliers s, products p"
    ),
    "INSERT INTO price_history (supplier_item_id, price) SELECT id, 12.50 FROM supplier_items",
    "INSERT INTO parsing_logs (task_id, error_type, error_message) VALUES ('t', 'ERROR', 'e')",
    (
        "INSERT INTO match_review_queue (supplier_item_id, expires_at)"
        " SELECT id, now() FROM supplier_items"
    ),
)
FILLED: Final = (
    *("suppliers", "categories", "products", "supplier_items"),
    *("price_history", "parsing_logs", "match_review_queue"),
)


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
        return [str(row) for row in (await connection.execute(text(query))).scalars()]


async def run_alembic(url: str, verb: str, *revisions: str) -> None:
    def run(connection: Connection) -> None:
        for revision in revisions:
            getattr(command, verb)(migration_config(connection), revision)

    async with opened(url) as connection:
        await connection.run_sync(run)


async def assert_autogenerate_finds_nothing(url: str) -> None:
    async with opened(url) as connection:
        await connection.run_sync(lambda sync: command.check(migration_config(sync)))


async def hide_vector(url: str) -> None:
    """Make the server look, from this database, as if no extension were on its disk."""
    await require_superuser(url)
    async with opened(url) as connection:
        number = await connection.scalar(text("SHOW server_version_num"))
        if int(str(number)) < 180_000:
            pytest.skip("only PostgreSQL 18 and later can be told where extensions lie")
        name = await connection.scalar(text("SELECT quote_ident(current_database())"))
        await connection.exec_driver_sql(
            f"ALTER DATABASE {name} SET extension_control_path = '/nonexistent'"
        )


async def show_vector(url: str) -> None:
    async with opened(url) as connection:
        name = await connection.scalar(text("SELECT quote_ident(current_database())"))
        await connection.exec_driver_sql(f"ALTER DATABASE {name} RESET extension_control_path")


async def require_superuser(url: str) -> None:
    if await rows(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") != ["True"]:
        pytest.skip("only a superuser may change what a database sees of its server")


async def require_vector(url: str) -> None:
    if not await rows(url, "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("this server does not have the extension vector")


async def count_reviewer_keys(url: str) -> int:
    query = (
        "SELECT 1 FROM pg_constraint WHERE contype = 'f' AND confdeltype = 'n'"
        " AND conrelid = 'match_review_queue'::regclass AND confrelid = to_regclass('users')"
        " AND conname = 'match_review_queue_reviewed_by_fkey' AND convalidated"
    )
    return len(await rows(url, query))


def test_there_is_one_head_above_the_ids_that_databases_already_carry() -> None:
    scripts = ScriptDirectory(str(migrations_folder()))
    revisions = {script.revision: script for script in scripts.walk_revisions()}

    assert scripts.get_heads() == [HEAD]
    assert set(revisions) == {
        "001_initial_schema",
        "002_add_matching_pipeline",
        "007_enable_pgvector",
        "008_create_product_embeddings",
        "009_add_pricing_fields",
        "009_semantic_etl_schema",
        "010_marketbel_schema",
        "011_job_archive",
        "012_sync",
        "013_reviews",
        "014_imports",
        "015_item_keys",
        HEAD,
    }
    for name in ("009_add_pricing_fields", "009_semantic_etl_schema"):
        assert revisions[name].down_revision == "008_create_product_embeddings"
    for name, script in revisions.items():
        assert len(name) <= 32, "alembic_version.version_num is a varchar(32)"
        assert Path(script.path).stem == name


@pytest.mark.parametrize(
    ("users", "vector"),
    [
        ("before", "before"),
        ("before", "after"),
        ("after", "never"),
        ("never", "before"),
        ("after", "after"),
        ("never", "never"),
    ],
)
async def test_a_fresh_database_is_made_whole_and_completed_later(
    database_url: str, users: str, vector: str
) -> None:
    if vector != "never":
        await require_vector(database_url)
    if vector != "before":
        await hide_vector(database_url)
    if users == "before":
        await execute(database_url, *CREATE_USERS)

    first = await migrate(database_url)

    waiting_key = () if users == "before" else (WAITS_FOR_USERS,)
    waiting_vector = () if vector == "before" else (WAITS_FOR_VECTOR,)
    assert first == MigrationReport(
        revision_before=None,
        revision_after=HEAD,
        added=((KEY_ADDED,) if users == "before" else ())
        + (VECTOR_ADDED if vector == "before" else ()),
        waiting=waiting_key + waiting_vector,
    )
    await assert_autogenerate_finds_nothing(database_url)

    if users == "after":
        await execute(database_url, *CREATE_USERS)
    if vector == "after":
        await show_vector(database_url)
    await assert_autogenerate_finds_nothing(database_url)

    second = await migrate(database_url)

    assert second == MigrationReport(
        revision_before=HEAD,
        revision_after=HEAD,
        added=((KEY_ADDED,) if users == "after" else ())
        + (VECTOR_ADDED if vector == "after" else ()),
        waiting=(waiting_key if users == "never" else ())
        + (waiting_vector if vector == "never" else ()),
    )
    assert await count_reviewer_keys(database_url) == (users != "never")
    await assert_autogenerate_finds_nothing(database_url)

    assert await migrate(database_url) == replace(second, added=())

    await run_alembic(database_url, "downgrade", "base")
    assert await what_is_ours(database_url) == []
    assert (await migrate(database_url)).waiting == second.waiting


async def what_is_ours(url: str) -> list[str]:
    """Return what is left beside the neighbour's table and Alembic's own."""
    return await rows(
        url,
        """
        SELECT relname FROM pg_class
        WHERE relkind IN ('r', 'v', 'S') AND relnamespace = 'public'::regnamespace
            AND relname NOT IN ('users', 'alembic_version')
        UNION ALL SELECT typname FROM pg_type
        WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace
            AND typname <> 'user_role'
        UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'marketbel'
        UNION ALL SELECT extname FROM pg_extension WHERE extname = 'vector'
        UNION ALL SELECT version_num FROM alembic_version
        """,
    )


@pytest.mark.parametrize(
    "heads",
    [
        ("002_add_matching_pipeline",),
        ("008_create_product_embeddings",),
        ("009_add_pricing_fields",),
        ("009_semantic_etl_schema",),
        ("009_add_pricing_fields", "009_semantic_etl_schema"),
    ],
    ids="+".join,
)
async def test_a_database_goes_on_from_where_it_stands_and_keeps_its_rows(
    database_url: str, heads: tuple[str, ...]
) -> None:
    await execute(database_url, *CREATE_USERS)
    await run_alembic(database_url, "upgrade", "002_add_matching_pipeline")
    await execute(database_url, *A_ROW_IN_EVERY_TABLE)
    await run_alembic(database_url, "upgrade", *heads)

    report = await migrate(database_url)

    assert (report.revision_before, report.revision_after) == (", ".join(heads), HEAD)
    for table in FILLED:
        assert await rows(database_url, f"SELECT count(*) FROM {table}") == ["1"], table
    assert await count_reviewer_keys(database_url) == 1
    assert await rows(
        database_url,
        "SELECT concat_ws(' ', match_status, price_opt, (p.id = product_id)::text, min_price,"
        " availability::text) FROM supplier_items, products p",
    ) == ["verified_match true false"]
    await assert_autogenerate_finds_nothing(database_url)


async def test_comments_and_strangers_tables_are_no_difference(database_url: str) -> None:
    await migrate(database_url)

    await execute(
        database_url,
        "COMMENT ON TABLE products IS 'ours'",
        "COMMENT ON COLUMN products.name IS 'shown'",
        "CREATE TABLE sessions (id int)",
    )

    await assert_autogenerate_finds_nothing(database_url)


async def test_a_search_path_that_puts_our_schema_first_does_not_lead_astray(
    database_url: str,
) -> None:
    name = (await rows(database_url, "SELECT quote_ident(current_database())"))[0]
    await execute(database_url, f"ALTER DATABASE {name} SET search_path = marketbel, public")

    await migrate(database_url)
    again = await migrate(database_url)

    assert again.revision_before == HEAD
    assert await rows(database_url, "SELECT to_regclass('public.alembic_version')") != ["None"]
    await assert_autogenerate_finds_nothing(database_url)


async def test_a_role_that_may_not_create_extensions_is_told_who_may(database_url: str) -> None:
    await require_superuser(database_url)
    await require_vector(database_url)
    name = (await rows(database_url, "SELECT current_database()"))[0]
    role = f"plain_{name}"[:63]
    await execute(
        database_url,
        f'CREATE ROLE "{role}" NOLOGIN',
        f'GRANT CREATE ON DATABASE "{name}" TO "{role}"',
        f'GRANT ALL ON SCHEMA public TO "{role}"',
        *CREATE_USERS,
        f'ALTER DATABASE "{name}" SET role = "{role}"',
    )
    try:
        report = await migrate(database_url)
    finally:
        await execute(
            database_url,
            "SET ROLE NONE",
            f'ALTER DATABASE "{name}" RESET role',
            f'REASSIGN OWNED BY "{role}" TO CURRENT_USER',
            f'DROP OWNED BY "{role}"',
            f'DROP ROLE "{role}"',
        )

    assert "needs the right REFERENCES on users" in report.waiting[0]
    assert "let an administrator run CREATE EXTENSION vector" in report.waiting[1]
    assert len((await migrate(database_url)).added) == 3


async def test_a_reviewer_who_is_gone_neither_stops_the_key_nor_is_wiped(
    database_url: str,
) -> None:
    await migrate(database_url)
    await execute(
        database_url,
        *A_ROW_IN_EVERY_TABLE[:1],
        *A_ROW_IN_EVERY_TABLE[3:],
        "UPDATE match_review_queue SET reviewed_by = gen_random_uuid()",
        *CREATE_USERS,
    )

    early = await migrate(database_url)

    assert early.added == (KEY_ADDED,)
    assert "name reviewers that users does not have" in early.waiting[0]
    assert await count_reviewer_keys(database_url) == 0

    await execute(database_url, "UPDATE match_review_queue SET reviewed_by = NULL")
    late = await migrate(database_url)

    assert late.added == ("match_review_queue.reviewed_by now refers to users in every row",)
    assert await count_reviewer_keys(database_url) == 1


async def test_migrations_at_once_queue_up(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = (
        "import asyncio, os\n"
        "from marketbel_adapters.postgres.migrate import migrate\n"
        "print(asyncio.run(migrate(os.environ['DATABASE_URL'])).revision_before)\n"
    )
    environment = os.environ | {"DATABASE_URL": database_url, "PYTHONPATH": str(CLONE / "src")}
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, env=environment, stdout=subprocess.PIPE
    )

    reports = await asyncio.gather(migrate(database_url), migrate(database_url))
    printed, _ = await other.communicate()

    found = [report.revision_before for report in reports]
    found.append(None if printed.strip() == b"None" else printed.decode().strip())
    assert other.returncode == 0
    assert sorted(found, key=str) == [HEAD, HEAD, None]


async def test_a_database_newer_than_this_program_is_left_alone(database_url: str) -> None:
    await migrate(database_url)
    await execute(database_url, "UPDATE alembic_version SET version_num = '099_from_tomorrow'")

    with pytest.raises(MigrationFailedError, match="099_from_tomorrow"):
        await migrate(database_url)


async def test_a_failure_leaves_nothing_behind(database_url: str) -> None:
    await execute(database_url, "CREATE TABLE parsing_logs (id int)")

    with pytest.raises(MigrationFailedError, match="parsing_logs"):
        await migrate(database_url)

    assert await rows(
        database_url, "SELECT tablename FROM pg_tables WHERE schemaname='public'"
    ) == ["parsing_logs"]


async def test_a_server_that_is_not_there_may_be_asked_again_later(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        await migrate(f"postgresql://me@/shop?host={tmp_path}")


def alembic(folder: Path, url: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Alembic's own command in `folder`, as a developer would."""
    environment = os.environ | {"PYTHONPATH": str(CLONE / "src")}
    environment.pop("DATABASE_URL", None)
    if url is not None:
        environment["DATABASE_URL"] = url
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_alembics_commands_work_from_a_clone(database_url: str, tmp_path: Path) -> None:
    shutil.copy(CLONE / "alembic.ini", tmp_path)
    shutil.copytree(CLONE / "migrations", tmp_path / "migrations")

    up = alembic(tmp_path, database_url, "upgrade", "head")
    new = alembic(
        tmp_path, database_url, *("revision", "--autogenerate", "--rev-id", "011_x", "-m", "X")
    )
    down = alembic(tmp_path, database_url, "downgrade", "base")

    assert (up.returncode, new.returncode, down.returncode) == (0, 0, 0), new.stderr
    written = (tmp_path / "migrations" / "versions" / "011_x.py").read_text()
    assert written.count("    pass\n") == 2
    assert "op." not in written


def test_alembics_commands_say_what_they_need() -> None:
    without = alembic(CLONE, None, "current")
    offline = alembic(CLONE, None, "upgrade", "head", "--sql")

    assert without.returncode != 0
    assert "DATABASE_URL is not set" in without.stdout + without.stderr
    assert offline.returncode == 0, offline.stderr
    assert "CREATE TABLE marketbel.drafts" in offline.stdout


def test_the_packaged_copy_works_in_an_empty_folder(database_url: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for package in ("marketbel_core", "marketbel_adapters"):
        shutil.copytree(CLONE / "src" / package, site / package)
    packaged = site / "marketbel_adapters" / "postgres" / "_migrations"
    (tmp_path / "empty").mkdir()

    without = migrate_from(site, tmp_path / "empty", database_url)
    shutil.copytree(CLONE / "migrations", packaged)
    done = migrate_from(site, tmp_path / "empty", database_url)

    assert "MigrationFailedError: the migrations are missing" in without.stderr
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == packaged.resolve()


def migrate_from(site: Path, folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Migrate in a process of its own that finds our packages in `site` alone."""
    script = (
        "import asyncio, sys\n"
        "from marketbel_adapters.postgres.migrate import migrate, migrations_folder\n"
        "asyncio.run(migrate(sys.argv[1]))\n"
        "print(migrations_folder())\n"
    )
    return subprocess.run(
        [sys.executable, "-c", script, url],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
