"""PostgreSQL killed in the middle of an import: nothing of it is seen, and the retry is whole."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from marketbel_adapters.embedded import EmbeddedServer, create_database, embedded_postgres
from marketbel_adapters.postgres import migrate

pytestmark = [pytest.mark.postgres, pytest.mark.processes]

_HEADER: Final = "Артикул;Наименование;Цена"
_FIRST: Final = "\n".join([_HEADER, *(f"A-{n};Товар {n};{n % 90 + 1},00" for n in range(300))])
# One row is rejected, so that the row log is written while the list is still being read.
_SECOND: Final = "\n".join(
    [
        _HEADER,
        *(f"A-{n};Товар {n};{n % 90 + n % 2 + 1},00" for n in range(250)),
        "A-x;;1,00",
        *(f"B-{n};Новый товар {n};{n % 90 + 1},00" for n in range(200)),
    ]
)
_SEEN: Final = (
    *("suppliers", "supplier_items", "price_history", "parsing_logs"),
    *("marketbel.imports", "marketbel.import_changes", "marketbel.missing_items"),
)
_CATALOGUE: Final = """
    SELECT i.supplier_sku, i.name, i.current_price, i.characteristics::text,
           array_agg(h.price ORDER BY h.recorded_at)
      FROM supplier_items i JOIN price_history h ON h.supplier_item_id = i.id
      JOIN suppliers s ON s.id = i.supplier_id
     WHERE s.name = $1 GROUP BY i.id ORDER BY 1
"""
_WAITERS: Final = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def ingest(url: str, folder: Path, file: str, supplier: str) -> subprocess.Popen[str]:
    command = ("ingest", file, "--supplier", supplier, "--apply", "--json")
    return subprocess.Popen(
        [sys.executable, "-m", "marketbel_runtime.cli", *command],
        env=os.environ | {"DATABASE_URL": url},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(command: subprocess.Popen[str], *, status: int) -> dict[str, Any]:
    out, said = command.communicate(timeout=120)
    assert command.returncode == status, said
    told = json.loads(out.rstrip().rpartition("\n")[2])
    assert isinstance(told, dict)
    return told


async def fetched(url: str, *statements: str) -> list[list[tuple[Any, ...]]]:
    connection = await asyncpg.connect(url)
    try:
        return [[tuple(row) for row in await connection.fetch(each)] for each in statements]
    finally:
        await connection.close()


async def catalogue_of(url: str, supplier: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(_CATALOGUE, supplier)]
    finally:
        await connection.close()


def kill_everything(server: EmbeddedServer) -> None:
    """Kill the server and every process of it, as a loss of power would."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    for pid in (server.pid, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def killed_at(server: EmbeddedServer, url: str, table: str, folder: Path) -> dict[str, Any]:
    """Start an import, and kill the server as soon as it comes to writing `table`."""
    holder, watcher = await asyncpg.connect(url), await asyncpg.connect(url)
    await holder.execute(f"BEGIN; LOCK TABLE {table} IN SHARE MODE")
    command = ingest(url, folder, "second.csv", "Acme")
    try:
        while await watcher.fetchval(_WAITERS) == 0:
            assert command.poll() is None, command.communicate()
            await asyncio.sleep(0)
        kill_everything(server)
        return await asyncio.to_thread(ended, command, status=1)
    finally:
        command.kill()
        holder.terminate()
        watcher.terminate()


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("killed")
    (made / "first.csv").write_text(_FIRST)
    (made / "second.csv").write_text(_SECOND)
    for each in (made, *list(made.parents)[:3]):  # the server's account is another one for root
        with suppress(PermissionError):
            each.chmod(each.stat().st_mode | 0o011)
    return made


@pytest.mark.parametrize("table", ["parsing_logs", "price_history"], ids=["staging", "applying"])
def test_a_server_that_is_killed_keeps_nothing_of_an_import_and_the_retry_is_whole(
    folder: Path, table: str
) -> None:
    with embedded_postgres(folder / "pg", durable=True) as server:
        url = create_database(server.url, "market")
        asyncio.run(migrate(url))
        ended(ingest(url, folder, "first.csv", "Acme"), status=0)
        looks = [f"SELECT * FROM {name} ORDER BY 1" for name in _SEEN]
        before = asyncio.run(fetched(url, *looks))

        refused = asyncio.run(killed_at(server, url, table, folder))

    with embedded_postgres(folder / "pg", durable=True):
        left = asyncio.run(fetched(url, *looks))
        retried = ended(ingest(url, folder, "second.csv", "Acme"), status=0)["import"]
        ended(ingest(url, folder, "first.csv", "Undisturbed"), status=0)
        ended(ingest(url, folder, "second.csv", "Undisturbed"), status=0)
        told = [asyncio.run(catalogue_of(url, name)) for name in ("Acme", "Undisturbed")]

    assert refused["code"].startswith("postgres.")
    assert left == before
    assert (retried["figures"]["inserted"], retried["figures"]["repriced"]) == (200, 125)
    assert len(told[0]) == 500
    assert told[0] == told[1]
