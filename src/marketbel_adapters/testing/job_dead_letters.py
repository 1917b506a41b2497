"""The contract of `JobStore`, fourth part: jobs that failed for good."""

from typing import Final

import pytest

from marketbel_adapters.testing.builders import NOW, a_job, fresh_id
from marketbel_core.ids import JobId
from marketbel_core.jobs import (
    WORKER_KILLED,
    AttemptFailed,
    Cancelled,
    Failure,
    Job,
    JobEvent,
    Phase,
    Replayed,
    advance,
)
from marketbel_core.ports import JobStore

__all__ = ["DeadLettersContract"]

_KILLED: Final = Failure(code=WORKER_KILLED, message="It takes workers with it.")
_BROKEN: Final = Failure(code="http.denied", message="No access.")


class DeadLettersContract:
    """Jobs that failed for good, until a person has looked at them."""

    @pytest.mark.parametrize(
        ("last_attempt", "event", "is_dead"),
        [
            (True, AttemptFailed(failure=_BROKEN), True),
            (False, AttemptFailed(failure=_BROKEN), False),
            (False, AttemptFailed(failure=_KILLED), True),
            (True, Cancelled(), False),
        ],
    )
    async def test_a_job_that_failed_for_good_is_a_dead_letter(
        self, store: JobStore, event: JobEvent, *, last_attempt: bool, is_dead: bool
    ) -> None:
        job = a_job(attempt=4 if last_attempt else 1, attempts_max=4)
        await store.add(job)

        await store.save(advance(job, event, now=NOW), read=job, event=type(event))

        assert await store.dead_letters(limit=9) == ([job.id] if is_dead else [])

    async def test_a_dead_letter_that_is_taken_up_again_is_none_any_more(
        self, store: JobStore
    ) -> None:
        dead = await _dead(store)
        again = advance(dead, Replayed(), now=NOW)

        await store.save(again, read=dead, event=Replayed)

        assert await store.dead_letters(limit=9) == []

    async def test_a_purged_dead_letter_is_kept_as_a_job(self, store: JobStore) -> None:
        dead, other = await _dead(store), await _dead(store)

        assert await store.purge(dead.id)
        assert not await store.purge(dead.id)
        assert not await store.purge(JobId(fresh_id()))

        assert await store.dead_letters(limit=9) == [other.id]
        assert await store.get(dead.id) == dead

    async def test_dead_letters_are_sorted_and_no_more_than_asked_for(
        self, store: JobStore
    ) -> None:
        ids = sorted([(await _dead(store)).id for _ in range(3)])

        assert [await store.dead_letters(limit=limit) for limit in (0, 2, 3)] == [
            [],
            ids[:2],
            ids,
        ]


async def _dead(store: JobStore) -> Job:
    job = a_job(phase=Phase.FAILED, attempt=4, failure=_BROKEN)
    await store.add(job)
    return job
