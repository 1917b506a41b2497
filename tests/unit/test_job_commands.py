"""What an operator asks of jobs at the command line: lists, details, and wishes for one by one."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import typer

from marketbel_adapters.testing.builders import NOW, a_full_job, a_job, fresh_id
from marketbel_core.errors import InvalidIdError, JobNotFoundError, RefusedError, UnavailableError
from marketbel_core.ids import AnalysisId, JobId, SupplierId
from marketbel_core.jobs import Deferred, Failure, Job, Phase, advance
from marketbel_core.ports import CourierStep, JournalEntry
from marketbel_runtime.cli.at_desk import Outcome, report
from marketbel_runtime.cli.dlq import (
    dead_letter_details,
    list_dead_letters,
    purge_jobs,
    replay_jobs,
)
from marketbel_runtime.cli.job_commands import (
    JobListing,
    cancel_jobs,
    list_jobs,
    retry_jobs,
)
from marketbel_runtime.cli.job_details import job_details, show_details
from marketbel_runtime.cli.job_views import duration_text, waits_for
from marketbel_runtime.cli.output import console, print_lines, print_table
from marketbel_runtime.lifespan import InMemory, memory

ACTIVE = (Phase.DOWNLOADING, Phase.ANALYZING, Phase.MATCHING)
MINUTE = timedelta(minutes=1)
DENIED = Failure(code="http.denied", message="no")


async def kept(world: InMemory, *jobs: Job) -> None:
    for job in jobs:
        await world.jobs.add(job)


async def failed(world: InMemory, *, attempts_max: int = 2) -> Job:
    job = a_job(attempts_max=attempts_max)
    await world.jobs.add(job)
    return await world.container.mover().fail(job, DENIED)


async def listed(
    world: InMemory,
    *phases: Phase,
    supplier: str | None = None,
    limit: int = 50,
) -> JobListing:
    return await list_jobs(
        world.container, phases=phases or ACTIVE, supplier=supplier, limit=limit
    )


def ids(listing: JobListing) -> list[object]:
    return [line["job_id"] for line in listing.told]


def texts(*jobs: Job) -> list[str]:
    return [str(job.id) for job in jobs]


async def test_active_jobs_are_listed_and_the_longest_unchanged_is_on_top() -> None:
    world = memory()
    young = a_job(phase=Phase.MATCHING, changed_at=NOW + 2 * MINUTE)
    old = a_job(phase=Phase.ANALYZING, changed_at=NOW)
    await kept(world, young, old, a_job(phase=Phase.COMPLETE))

    assert ids(await listed(world)) == texts(old, young)


async def test_jobs_that_have_ended_follow_with_the_newest_first() -> None:
    world = memory()
    old = a_job(phase=Phase.COMPLETE, changed_at=NOW)
    new = a_job(phase=Phase.FAILED, failure=DENIED, changed_at=NOW + MINUTE)
    active = a_job(changed_at=NOW + 2 * MINUTE)
    await kept(world, old, new, active)

    listing = await listed(world, *Phase, Phase.FAILED)

    assert ids(listing) == texts(active, new, old)


@pytest.mark.parametrize("wanted", ["МОЛОЧ", "id"])
async def test_a_listing_is_of_one_supplier_when_one_is_named(wanted: str) -> None:
    world = memory()
    supplier_id = SupplierId(fresh_id())
    ours = a_job(supplier_name="ОАО «Молочный мир»", supplier_id=supplier_id)
    await kept(world, ours, a_job(supplier_name="Хлебозавод"))

    listing = await listed(world, supplier=str(supplier_id) if wanted == "id" else wanted)

    assert ids(listing) == texts(ours)


async def test_a_listing_that_is_cut_says_how_many_there_are() -> None:
    world = memory()
    await kept(world, *(a_job(changed_at=NOW + number * MINUTE) for number in range(5)))

    listing = await listed(world, limit=2)

    assert (len(listing.cells), listing.found) == (2, 5)


async def test_a_line_says_who_holds_a_job_and_what_it_was_deferred_for() -> None:
    world = memory()
    now = world.clock.now()
    waiting = Deferred(
        failure=Failure(code="ml.unavailable", message="away"), until=now + 90 * MINUTE
    )
    job = advance(a_job(deliveries=2, changed_at=now), waiting, now=now)
    await kept(world, job)
    await world.jobs.claim(job.id, duration=timedelta(seconds=25))

    listing = await listed(world)

    ((_, *cells),) = listing.cells
    assert cells == [
        *(job.supplier_name, "downloading", "1/4", "1", "2", "0s", "for 25s"),
        *("for 1h30m: ml.unavailable", "-"),
    ]
    (told,) = listing.told
    assert told["held_until"] == (now + timedelta(seconds=25)).isoformat()
    assert told["deferred_by"] == {
        "code": "ml.unavailable",
        "message": "away",
        "actor": "python-ingestion",
        "details": [],
    }
    assert json.loads(json.dumps(told)) == told


async def test_a_lease_that_ran_out_and_a_try_that_is_due_are_told_so() -> None:
    world = memory()
    now = world.clock.now()
    job = advance(a_job(), Deferred(failure=DENIED, until=now + MINUTE), now=now)
    await kept(world, job)
    await world.jobs.claim(job.id, duration=MINUTE)
    world.clock.tick(2 * MINUTE)

    ((*_, held, deferred, _),) = (await listed(world)).cells

    assert (held, deferred) == ("expired", "due: http.denied")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (59.9, "59s"), (185, "3m05s"), (7_800, "2h10m"), (277_200, "3d5h")],
)
def test_a_duration_is_told_by_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("job", "step"),
    [
        (a_job(), "courier"),
        (a_job(phase=Phase.ANALYZING), "import"),
        (a_job(phase=Phase.ANALYZING, analysis_id=AnalysisId("a")), "ml-analyze"),
        (a_job(phase=Phase.MATCHING), "match"),
        (a_job(phase=Phase.COMPLETE), None),
    ],
)
def test_a_job_waits_for_its_step_or_for_ml_analyze(job: Job, step: str | None) -> None:
    assert waits_for(job) == step


async def test_the_details_of_a_job_come_from_redis_and_the_archive() -> None:
    world = memory()
    job = await failed(world, attempts_max=1)
    await world.container.relay_journal()()

    details = await job_details(world.container, str(job.id))

    assert (details.job, details.is_stored, details.is_dead_letter) == (job, True, True)
    assert details.history is not None
    assert [entry.event for entry in details.history] == ["Created", "AttemptFailed"]


async def test_a_job_that_redis_has_forgotten_is_shown_as_the_archive_remembers_it() -> None:
    world = memory()
    job = await failed(world)
    await world.container.relay_journal()()
    world.jobs.lose_everything()

    details = await job_details(world.container, str(job.id))

    assert (details.job, details.is_stored, details.is_dead_letter) == (job, False, False)


async def _away(job_id: JobId, *, limit: int) -> list[JournalEntry]:
    raise UnavailableError(f"no answer for {limit} lines of {job_id}", code="postgres.unavailable")


async def test_a_job_is_shown_without_its_history_while_the_database_is_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = memory()
    job = await failed(world)
    world.archive.history = _away  # type: ignore[method-assign] # PostgreSQL is away

    show_details(await job_details(world.container, str(job.id)), as_json=True)

    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert (told["job"]["id"], told["history"]) == (str(job.id), None)
    assert "postgres.unavailable" in told["history_trouble"]
    assert "its history cannot be had" in shown.err


async def test_everything_of_a_job_is_told_to_people_and_to_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = memory()
    job = a_full_job()
    await kept(world, job)
    await world.container.relay_journal()()
    details = await job_details(world.container, str(job.id))

    show_details(details, as_json=False)
    people = capsys.readouterr().out
    show_details(details, as_json=True)

    told = json.loads(capsys.readouterr().out)
    assert set(Job.__slots__) == set(told["job"])
    assert told["job"]["source"]["layout"]["delimiter"] == "\t"
    assert told["history"][0]["event"] == "Created"
    assert "ИП «Ёлкин & сыновья»\ufffd\ufffd\U0001f384" in people
    for expected in ("3 of 5, generation 2", "ml.failed: Лист", "строка 7: нет цены", "Лист 1"):
        assert expected in people


async def test_a_deferred_job_and_its_lease_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    world = memory()
    now = world.clock.now()
    job = advance(a_job(), Deferred(failure=DENIED, until=now + MINUTE), now=now)
    await kept(world, job)
    await world.jobs.claim(job.id, duration=MINUTE)

    show_details(await job_details(world.container, str(job.id)), as_json=False)
    world.clock.tick(MINUTE)
    show_details(await job_details(world.container, str(job.id)), as_json=False)

    shown = capsys.readouterr().out
    assert "courier, not before" in shown
    assert "http.denied: no" in shown
    assert ", for 1m00s" in shown
    assert "expired, the next sweep takes it back" in shown


@pytest.mark.parametrize("text", ["80000000", "", "1; FLUSHALL"])
async def test_a_part_of_an_id_names_no_job(text: str) -> None:
    world = memory()
    await kept(world, a_job())

    with pytest.raises(InvalidIdError):
        await job_details(world.container, text)

    (outcome,) = await retry_jobs(world.container, [text])
    assert (outcome.ok, outcome.code) == (False, "job.bad_id")


async def test_a_job_that_nobody_knows_is_refused() -> None:
    with pytest.raises(JobNotFoundError):
        await job_details(memory().container, str(fresh_id()))


async def test_each_job_is_retried_once_and_one_that_is_refused_stops_no_other() -> None:
    world = memory()
    first, second = await failed(world), await failed(world)
    unknown = str(fresh_id())

    outcomes = await retry_jobs(
        world.container, [str(first.id), unknown, "x", str(second.id), first.id.hex]
    )

    assert [(outcome.job_id, outcome.code) for outcome in outcomes] == [
        (str(first.id), None),
        (unknown, "job.not_found"),
        ("x", "job.bad_id"),
        (str(second.id), None),
    ]
    assert outcomes[0].message == "attempt 2 of 2 begins"
    assert (await world.jobs.get(second.id)).attempt == 2
    assert await world.queue.take() == CourierStep(job_id=first.id, attempt=2)


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (a_job(phase=Phase.MATCHING), "it is matching|job is matching"),
        (
            a_job(phase=Phase.FAILED, attempt=2, attempts_max=2, failure=DENIED),
            "2 of 2 has failed: `marketbel dlq replay ",
        ),
        (
            a_job(
                phase=Phase.FAILED,
                failure=Failure(code="supplier.not_found", message="gone"),
            ),
            "supplier is gone",
        ),
    ],
)
async def test_a_retry_that_is_refused_says_why_and_what_helps(job: Job, told: str) -> None:
    world = memory()
    await kept(world, job)

    (outcome,) = await retry_jobs(world.container, texts(job))

    assert (outcome.ok, outcome.code) == (False, "job.illegal_transition")
    assert any(part in outcome.message for part in told.split("|"))
    assert await world.jobs.get(job.id) == job


async def test_a_job_is_called_off_once() -> None:
    world = memory()
    job = a_job(phase=Phase.ANALYZING)
    await kept(world, job)

    (first,) = await cancel_jobs(world.container, texts(job))
    (second,) = await cancel_jobs(world.container, texts(job))

    assert (first.ok, second.ok) == (True, False)
    assert second.message == "the job has ended already: it is failed"
    assert (await world.jobs.get(job.id)).phase is Phase.FAILED


async def test_dead_letters_are_listed_with_those_that_cannot_be_had_any_more() -> None:
    world = memory()
    forgotten, dead = await failed(world, attempts_max=1), await failed(world, attempts_max=1)
    await failed(world)
    del world.jobs._jobs[forgotten.id]  # as Redis does after seven days

    letters = await list_dead_letters(world.container, limit=50)

    assert letters.found == 2
    assert [letter.job for letter in letters.shown] == [None, dead]
    assert getattr(letters.shown[0].trouble, "code", None) == "job.not_found"


async def test_only_a_dead_letter_is_shown_as_one() -> None:
    world = memory()
    dead, alive = await failed(world, attempts_max=1), await failed(world)

    assert (await dead_letter_details(world.container, str(dead.id))).job == dead
    with pytest.raises(RefusedError) as caught:
        await dead_letter_details(world.container, str(alive.id))
    assert caught.value.code == "job.not_dead_letter"


@pytest.mark.parametrize("named", [True, False])
async def test_dead_letters_are_replayed_by_id_or_all_of_them(*, named: bool) -> None:
    world = memory()
    dead = [await failed(world, attempts_max=1) for _ in range(3)]

    outcomes = await replay_jobs(world.container, texts(*dead) if named else None)

    assert [outcome.message for outcome in outcomes] == ["generation 2 begins"] * 3
    assert await world.jobs.dead_letters(limit=9) == []
    assert len(world.queue) == 3


async def test_a_job_that_has_not_failed_is_not_replayed() -> None:
    world = memory()
    job = a_job()
    await kept(world, job)

    (outcome,) = await replay_jobs(world.container, texts(job))

    assert (outcome.ok, outcome.code) == (False, "job.illegal_transition")
    assert outcome.message == "the job is downloading: only a failed one is replayed"


async def test_a_purged_job_is_no_dead_letter_any_more_and_stays_failed() -> None:
    world = memory()
    first, second = await failed(world, attempts_max=1), await failed(world, attempts_max=1)

    by_id = await purge_jobs(world.container, texts(first))
    again = await purge_jobs(world.container, texts(first))
    rest = await purge_jobs(world.container, None)

    assert [outcome.ok for outcome in by_id + again + rest] == [True, False, True]
    assert again[0].code == "job.not_dead_letter"
    assert await world.jobs.dead_letters(limit=9) == []
    assert await world.jobs.get(second.id) == second


def test_a_report_tells_of_each_job_and_ends_with_1_when_one_was_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcomes = [
        Outcome(job_id="a", ok=True, message="done"),
        Outcome(job_id="b", ok=False, code="job.not_found", message="no job b"),
    ]

    with pytest.raises(typer.Exit) as caught:
        report(outcomes, as_json=True)

    shown = capsys.readouterr()
    told: dict[str, Any] = json.loads(shown.out)
    assert caught.value.exit_code == 1
    assert told["ok"] is False
    assert told["jobs"][1] == {
        "job_id": "b",
        "ok": False,
        "code": "job.not_found",
        "message": "no job b",
    }
    assert shown.err == "a  done\nb  refused: no job b (job.not_found)\n"


def test_a_report_of_nothing_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    report([], as_json=True)

    assert json.loads(capsys.readouterr().out) == {"ok": True, "jobs": []}


@pytest.mark.parametrize(
    ("rows", "printed"),
    [
        ([("牛奶", "1")], "A     B\n牛奶  1\n"),
        ([("[bold]x", "\x1b[2J\r\n")], "A        B\n[bold]x  \ufffd[2J\ufffd\ufffd\n"),
    ],
)
def test_a_table_shows_what_strangers_typed_and_lets_none_of_it_steer_the_terminal(
    rows: Sequence[Sequence[str]], printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_table(console(as_json=False), ("A", "B"), rows)

    assert capsys.readouterr().out == printed


def test_a_long_line_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(console(as_json=False), ["x" * 500])

    assert capsys.readouterr().out == "x" * 500 + "\n"
