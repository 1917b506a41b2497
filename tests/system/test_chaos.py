"""The chaos drill, small: workers and Valkey are killed, and every job has its effect once."""

import asyncio
import tempfile
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from marketbel_adapters.embedded import own_database
from marketbel_core import SourceRef, SourceType, StartRequest
from marketbel_core.jobs import ItemsMatched, advance
from marketbel_core.jobs import Phase as JobPhase
from marketbel_core.ports import JournalEntry
from marketbel_runtime.lifespan import memory
from tests.system.chaos.cluster import Cluster, Plan
from tests.system.chaos.drill import Drill, Phase, Place, run_drill
from tests.system.chaos.faults import Killer, kill_valkey
from tests.system.chaos.verdict import breaches_of

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]

_KILLS: Final = 4
_JOBS: Final = (11, 5)
_SHORT: Final = {
    "JOB_LEASE_SECONDS": "3",
    "RESCUE_INTERVAL_SECONDS": "1",
    "ML_POLL_INTERVAL_SECONDS": "1",
}


def _killing(cluster: Cluster, killer: Killer) -> Awaitable[None]:
    return killer.kill(cluster, times=_KILLS)


def _killing_valkey(cluster: Cluster, _: Killer) -> Awaitable[None]:
    return kill_valkey(cluster, times=1, every=timedelta(seconds=1))


_DRILL: Final = Drill(
    plan=Plan(workers=2, list_seconds=1.5, variables=_SHORT),
    phases=(
        Phase(name="workers killed", jobs=_JOBS[0], every=0.5, fault=_killing),
        Phase(name="Valkey killed", jobs=_JOBS[1], every=0.3, fault=_killing_valkey),
    ),
    kills=_KILLS,
    kill_pause=(0.5, 1.0),
    settle_max=timedelta(seconds=120),
    recovery_seconds_max=60.0,  # how long it takes is measured on a machine that does nothing else
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for sockets, which the servers' account may enter."""
    with tempfile.TemporaryDirectory(prefix="marketbel-chaos-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_no_job_is_lost_stuck_or_done_twice_when_workers_and_valkey_are_killed(
    postgres_admin_url: str, migrated_template: str, folder: Path
) -> None:
    with (
        own_database(postgres_admin_url, template=migrated_template) as calm,
        own_database(postgres_admin_url, template=migrated_template) as stormy,
    ):
        report = asyncio.run(
            run_drill(
                _DRILL,
                calm=Place(database_url=calm, folder=folder / "calm"),
                stormy=Place(database_url=stormy, folder=folder / "stormy"),
            )
        )

    assert replace(report, recovery_p95_s=0.0, seconds=0.0) == replace(
        report,
        jobs=sum(_JOBS),
        lost=0,
        stuck=0,
        illegal=0,
        stale_accepted=0,
        catalogue_equal=True,
        recovery_p95_s=0.0,
        deploy_attempts=0,
        kills=_KILLS,
        seconds=0.0,
    )
    assert report.keeps(_DRILL)


async def _sound_journal() -> list[JournalEntry]:
    """Return the lines of a job that went its way."""
    app = memory()
    app.sources.put("https://a.example/list.csv", "Артикул;Наименование;Цена\nA;Хлеб;1\n".encode())
    source = SourceRef(type=SourceType.CSV, location="https://a.example/list.csv")
    await app.container.start_ingestion()(
        StartRequest(source=source, supplier_name="Acme", read_here=True)
    )
    await app.run()
    return await app.jobs.journal.read(limit=100)


async def test_the_judge_finds_nothing_in_a_sound_journal() -> None:
    found = breaches_of(await _sound_journal())

    assert (found.illegal, found.stale) == ((), ())


async def test_the_judge_finds_a_planted_line_that_leaves_a_final_phase() -> None:
    journal = await _sound_journal()
    last = journal[-1]
    again = advance(replace(last.job, phase=JobPhase.MATCHING), ItemsMatched(), now=last.at)
    planted = replace(last, position=f"{last.position}-1", before=JobPhase.COMPLETE, job=again)

    found = breaches_of([*journal, planted])

    assert len(found.illegal) == 1
    assert found.stale == ()


async def test_the_judge_finds_a_planted_line_of_a_writer_that_had_lost_its_lease() -> None:
    journal = await _sound_journal()
    last = journal[-1]
    journal[-1] = replace(last, token=last.token - 1)

    found = breaches_of(journal)

    assert found.illegal == ()
    assert len(found.stale) == 1
