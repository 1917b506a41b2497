"""A worker is killed at every named place of a sync and of the inbox: the next one goes on.

The plan is applied once, each due supplier and each upload gets exactly one job, and no trigger is
lost or done twice.
"""

import asyncio
import http.server
import itertools
import json
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.embedded import embedded_valkey, empty_redis_db, own_database
from marketbel_adapters.postgres import create_engine
from marketbel_adapters.redis import RedisSyncBoard, create_redis
from marketbel_core.ports import AtOnce, SyncTurn
from marketbel_runtime.failpoints import SYNC_ROAD
from marketbel_runtime.settings import Settings
from marketbel_runtime.worker import make_worker
from tests.system.mortal_worker import started

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]

_PLACES: Final = (
    *SYNC_ROAD,
    *("before_record", "after_record", "before_add", "after_add", "before_ask", "after_ask"),
)
_AT_ONCE: Final = 9
_DEATH_SECONDS_MAX: Final = 40.0
_SECONDS_MAX: Final = 150.0
_SUPPLIERS: Final = ("Альфа", "Beta", "Gamma")
_OWNER: Final = "5b8c7d6e-1111-4222-8333-444455556666"
_TRIGGER: Final = {"task_id": "sync-manual-1", "triggered_by": "manual"}
_FACTS: Final = {
    "active suppliers": "SELECT string_agg(name, ',' ORDER BY name COLLATE \"C\") FROM suppliers"
    " WHERE metadata ->> 'is_active' = 'true'",
    "jobs": "SELECT string_agg(supplier_name || ' ' || phase, ',' ORDER BY supplier_name"
    ' COLLATE "C") FROM marketbel.jobs',
    "runs": "SELECT string_agg(task_id, ',') FROM marketbel.sync_runs",
    "outbox": "SELECT count(*)::text FROM marketbel.outbox",
    "syncs told": "SELECT count(*)::text FROM parsing_logs WHERE task_id = 'sync-manual-1'",
}
_ENDED: Final = "SELECT count(*) FROM marketbel.jobs WHERE phase IN ('failed', 'complete')"
_KEYS: Final = (
    *("sync:trigger", "parse:triggers", "sync:lock"),
    *("marketbel:inbox:taken:sync:trigger", "marketbel:inbox:taken:parse:triggers"),
    *("marketbel:inbox:dead:sync:trigger", "marketbel:inbox:dead:parse:triggers"),
)


class _NoLists(http.server.BaseHTTPRequestHandler):
    """Nobody's list is there, nor the upload: jobs end soon, and a second one would show."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the death of a worker led to."""

    exit_code: int | None
    log: str
    facts: Mapping[str, str | None]
    keys_left: Sequence[str]
    status: Mapping[str, Any]
    completed: int


@dataclass(frozen=True, kw_only=True)
class Site:
    """What one worker has for itself."""

    settings: Settings
    engine: AsyncEngine
    port: int
    log: Path

    async def lay_out(self) -> None:
        """Have one sync behind it, and a trigger and an upload before it."""
        uploads = self.settings.uploads_dir
        rows = [f"{name};http://127.0.0.1:{self.port}/{name};csv" for name in _SUPPLIERS]
        (uploads / "master.csv").write_text("\n".join(["name;url;format", *rows]))
        async with self.engine.begin() as connection:
            await connection.execute(
                text("INSERT INTO suppliers (id, name, source_type) VALUES (:id, 'Zeta', 'csv')"),
                {"id": _OWNER},
            )
        async with create_redis(self.settings.require_redis_url()) as redis:
            board = RedisSyncBoard(redis)
            wish = AtOnce(task_id="earlier", key="earlier")
            turn = await board.claim(wish, duration=self.settings.job_lease)
            assert isinstance(turn, SyncTurn)
            await board.finish(turn, succeeded=True)
            upload = {
                "task_id": "upload-1",
                "parser_type": "csv",
                "supplier_name": "Zeta",
                "source_config": {"file_path": str(uploads / f"{_OWNER}_1764842400000_up.csv")},
            }
            for words in (
                ("SET", "sync:trigger", json.dumps(_TRIGGER), "EX", "300", "NX"),
                ("RPUSH", "parse:triggers", json.dumps(upload)),
            ):
                await redis.execute_command(*words)  # type: ignore[no-untyped-call]  # the driver's

    async def rescue(self) -> None:
        """Have another worker go on until everything is done."""
        worker = make_worker(self.settings)
        working = asyncio.create_task(worker.run())
        async with create_redis(self.settings.require_redis_url()) as redis:
            while await redis.exists(*_KEYS[:5]) or not await self._is_done():
                assert not working.done()
                await asyncio.sleep(0.5)
        worker.stop()
        await working

    async def _is_done(self) -> bool:
        async with self.engine.connect() as connection:
            ended = await connection.scalar(text(_ENDED))
        return bool(ended == len(_SUPPLIERS) + 1)

    async def _facts(self) -> dict[str, str | None]:
        async with self.engine.connect() as connection:
            return {name: await connection.scalar(text(sql)) for name, sql in _FACTS.items()}

    async def outcome(self, exit_code: int | None) -> Outcome:
        async with create_redis(self.settings.require_redis_url()) as redis:
            return Outcome(
                exit_code=exit_code,
                log=self.log.read_text(),
                facts=await self._facts(),
                keys_left=[key for key in _KEYS if await redis.exists(key)],
                status=json.loads(await redis.get("sync:status") or b"{}"),
                completed=(await RedisSyncBoard(redis).view()).completed,
            )


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a web server that answers at once and has nothing."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _NoLists) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def outcomes(
    postgres_admin_url: str,
    migrated_template: str,
    port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, Outcome]:
    """What came of each failpoint, by its name."""
    found: dict[str, Outcome] = {}
    with embedded_valkey(None) as valkey:
        for names in itertools.batched(_PLACES, _AT_ONCE):
            with ExitStack() as stack:
                sites = {}
                for number, name in enumerate(names):
                    redis_url = valkey.url.replace("?db=0", f"?db={number}")
                    empty_redis_db(redis_url)
                    database = own_database(postgres_admin_url, template=migrated_template)
                    folder = tmp_path_factory.mktemp(name)
                    (folder / "uploads").mkdir()
                    settings = Settings.model_validate(
                        {
                            "database_url": stack.enter_context(database),
                            "redis_url": redis_url,
                            "uploads_dir": folder / "uploads",
                            "job_lease_seconds": 2,
                            "rescue_interval_seconds": 1,
                            "use_ml_processing": False,
                            "master_sheet_url": "master.csv",
                            "fetch_allow_networks": "127.0.0.0/8",
                            "fetch_allowed_ports": str(port),
                        }
                    )
                    sites[name] = Site(
                        settings=settings,
                        engine=create_engine(settings.require_database_url()),
                        port=port,
                        log=folder / "log",
                    )
                found |= asyncio.run(_lost_and_rescued(sites))
    return found


async def _lost_and_rescued(sites: Mapping[str, Site]) -> dict[str, Outcome]:
    async with asyncio.timeout(_SECONDS_MAX):
        for site in sites.values():
            await site.lay_out()
        workers = {
            name: started(
                site.settings,
                environment={"MARKETBEL_FAILPOINT": f"{name}:kill"},
                log=site.log,
                burst=False,
            )
            for name, site in sites.items()
        }
        exit_codes: dict[str, int | None] = {}
        for name, worker in workers.items():
            await asyncio.to_thread(worker.join, _DEATH_SECONDS_MAX)
            exit_codes[name] = worker.exitcode  # none, if it has passed the place unharmed
            worker.kill()
        await asyncio.gather(*(site.rescue() for site in sites.values()))
        found = {name: await site.outcome(exit_codes[name]) for name, site in sites.items()}
        for site in sites.values():
            await site.engine.dispose()
        return found


@pytest.mark.parametrize("name", _PLACES)
def test_a_worker_lost_at_this_place_leaves_a_sync_that_another_one_finishes_once(
    outcomes: Mapping[str, Outcome], name: str
) -> None:
    outcome = outcomes[name]

    assert outcome.exit_code == -signal.SIGKILL, outcome.log
    assert outcome.facts == {
        "active suppliers": "Beta,Gamma,Альфа",
        "jobs": "Beta failed,Gamma failed,Zeta failed,Альфа failed",
        "runs": "sync-manual-1",
        "outbox": "0",
        "syncs told": "1",
    }
    assert outcome.keys_left == []
    assert outcome.status["state"] == "idle"
    assert outcome.completed == 2
