"""`marketbel jobs` and `marketbel dlq` on real servers, as an operator or a program calls them."""

import json
import os
import subprocess
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from marketbel_adapters.testing.builders import a_job, fresh_id
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.jobs import Failure, Job, Phase
from marketbel_core.use_cases import StartRequest
from marketbel_runtime.container import Container
from marketbel_runtime.lifespan import production
from marketbel_runtime.settings import Settings
from marketbel_runtime.worker import make_worker
from tests.system.forked import run_command

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]

_LIST: Final = "Артикул;Наименование;Цена\nA-1;Дрель Bosch GSB 13;189,90\n"
_NOWHERE: Final = "postgresql://nobody@127.0.0.1:1/nothing"
_DENIED: Final = Failure(code="http.denied", message="the server says no")


class Called:
    """What a call came to: its exit status, and the object on the last line of stdout."""

    def __init__(self, done: "subprocess.CompletedProcess[str]") -> None:
        self.status = done.returncode
        self.text = done.stdout
        self.errors = done.stderr

    @property
    def told(self) -> dict[str, Any]:
        found = json.loads(self.text)
        assert isinstance(found, dict)
        return found


def call(settings: Settings, *arguments: str, **variables: str) -> Called:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.require_database_url(),
        "REDIS_URL": settings.require_redis_url(),
        "QUEUE_NAME": settings.queue_name,
        **variables,
    }
    return Called(run_command(*arguments, environment=environment, folder=settings.uploads_dir))


@pytest.fixture
async def container(settings: Settings) -> AsyncIterator[Container]:
    async with production(settings) as opened:
        yield opened


async def a_failed_job(container: Container, *, attempts_max: int = 4) -> Job:
    job = a_job(attempts_max=attempts_max)
    await container.jobs().add(job)
    return await container.mover().fail(job, _DENIED)


async def test_a_job_is_listed_shown_retried_and_goes_through(
    settings: Settings, container: Container
) -> None:
    source = SourceRef(type=SourceType.CSV, location="list.csv")
    job = await container.start_ingestion()(
        StartRequest(source=source, supplier_name="Молочный мир", read_here=True)
    )
    active = call(settings, "jobs", "ls", "--json", DATABASE_URL="")
    await container.courier()(job.id)
    failed = call(settings, "jobs", "ls", "--phase", "failed", "--supplier", "молоч")

    (settings.uploads_dir / "list.csv").write_text(_LIST, encoding="utf-8")
    retried = call(settings, "jobs", "retry", str(job.id), "--json")
    await make_worker(settings, burst=True).run()
    await container.relay_journal()()
    shown = call(settings, "jobs", "show", str(job.id), "--json")
    refused = call(settings, "jobs", "cancel", str(job.id), str(fresh_id()), "--json")

    assert [line["job_id"] for line in active.told["jobs"]] == [str(job.id)]
    assert (failed.status, failed.errors) == (0, "")
    assert "Молочный мир" in failed.text
    assert "1 of 1 jobs" in failed.text
    assert retried.told["jobs"][0]["message"] == "attempt 2 of 4 begins"
    assert shown.told["job"]["phase"] == "complete"
    events = [line["event"] for line in shown.told["history"]]
    assert events[0] == "Created"
    assert events[-1] == "ItemsMatched"
    assert "RetryRequested" in events
    assert refused.status == 1
    assert [outcome["code"] for outcome in refused.told["jobs"]] == [
        "job.illegal_transition",
        "job.not_found",
    ]


async def test_jobs_are_looked_at_and_moved_while_the_database_is_away(
    settings: Settings, container: Container
) -> None:
    job = await a_failed_job(container)

    shown = call(settings, "jobs", "show", str(job.id), DATABASE_URL=_NOWHERE)
    retried = call(settings, "jobs", "retry", str(job.id), "--json", DATABASE_URL=_NOWHERE)

    assert shown.status == 0, shown.errors
    assert "its history cannot be had" in shown.text
    assert (retried.status, retried.told["ok"]) == (0, True)
    assert (await container.jobs().get(job.id)).phase is Phase.DOWNLOADING


async def test_dead_letters_are_listed_replayed_and_purged(
    settings: Settings, container: Container
) -> None:
    dead = [await a_failed_job(container, attempts_max=1) for _ in range(3)]
    first, *rest = [str(job.id) for job in dead]

    listed = call(settings, "dlq", "ls", "--json")
    people = call(settings, "dlq", "ls")
    shown = call(settings, "dlq", "show", first)
    replayed = call(settings, "dlq", "replay", first, "--json")
    unsure = call(settings, "dlq", "purge", "--all", "--json")
    neither = call(settings, "dlq", "replay", "--json")
    purged = call(settings, "dlq", "purge", "--all", "--yes", "--json")

    assert [line["job_id"] for line in listed.told["jobs"]] == [first, *rest]
    assert "http.denied  the server says no" in people.text
    assert "3 of 3 dead letters" in people.text
    assert "dead letter  yes" in shown.text
    assert replayed.told["jobs"][0]["message"] == "generation 2 begins"
    assert (await container.jobs().get(dead[0].id)).attempt == 1
    assert (unsure.status, unsure.told["code"]) == (2, "usage")
    assert (neither.status, neither.told["code"]) == (2, "usage")
    assert [outcome["job_id"] for outcome in purged.told["jobs"]] == rest
    assert await container.jobs().dead_letters(limit=9) == []


def test_an_id_that_is_none_and_a_redis_that_is_away_have_codes(settings: Settings) -> None:
    wrong = call(settings, "jobs", "show", "1234", "--json")
    away = call(settings, "dlq", "ls", "--json", REDIS_URL="redis://127.0.0.1:1/0")

    assert (wrong.status, wrong.told["code"]) == (1, "job.bad_id")
    assert (away.status, away.told["code"]) == (1, "redis.unavailable")
