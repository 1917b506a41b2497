"""arq's worker with short leases: what it holds is free again soon after it dies, and at once
when it is stopped.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final, cast, override

from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from arq.typing import StartupShutdown
from arq.utils import timestamp_ms
from arq.worker import Function, Worker
from redis.exceptions import RedisError

from marketbel_adapters.arq.lanes import HEAVY_FUNCTIONS
from marketbel_adapters.arq.pool import JsonArqRedis
from marketbel_adapters.arq.scripts import CLAIM, HAND_BACK, RENEW
from marketbel_adapters.arq.serializer import deserialize, serialize

__all__ = ["LeaseWorker"]

_BEATS: Final = 3
"""Renewals within one lease: two may get lost."""

_READ_MIN: Final = 1_000
"""Entries of the queue that are looked at: what others have marked stands among them, and must
not hide what is free. arq's own 100 are hidden by 100 jobs that run elsewhere."""

_GIVEN_BACK_MAX: Final = 20
_GIVEN_BACK_SECONDS: Final = 86_400
_GIVEN_BACK_PREFIX: Final = "arq:given-back:"
"""So many stops cost a job no try; one that has its worker stopped for ever is ended by arq."""

_PAUSE_SECONDS: Final = 1.0
"""Between looks at a Redis that is away; each look is patient by itself."""

_HAND_BACK_SECONDS_MAX: Final = 1.5
"""For each of the three things to wait for at the end; what is still held expires by itself."""

_JOB_HOOKS: Final = frozenset({"on_job_start", "on_job_end", "after_job_end"})


class LeaseWorker(Worker):
    """An arq worker that marks its jobs by its own name, for a lease renewed beside the work.

    * A worker that is killed delays its jobs by one lease, not by the longest time limit.
    * A job that is cancelled because the worker stops costs no try and may be run elsewhere at
      once; a bound ends it if that goes on and on.
    * A worker that was paused past its lease does not remove the marks or the entries of others.
    * Neither hooks that fail nor a Redis that is away end it.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        *,
        name: str,
        redis_pool: JsonArqRedis,
        queue_name: str,
        lease: timedelta,
        tell: Callable[[str, Exception], None],
        heavy_queue_name: str | None = None,
        may_claim: Callable[[], bool] = lambda: True,
        **options: Any,  # noqa: ANN401 - arq's
    ) -> None:
        """Work on `queue_name` through `redis_pool`.

        Args:
            functions: Whatever it can run.
            name: Its own, different from that of any other one.
            redis_pool: Its connections should wait for a Redis that restarts.
            queue_name: The one queue that it takes jobs from.
            lease: How long a mark lasts without being renewed.
            tell: Told of trouble that did not end the worker: what it was, and the error.
            heavy_queue_name: Where heavy jobs found on `queue_name` are moved; `None` runs them.
            may_claim: Asked before each look at the queue.
            options: Further ones of arq's `Worker`.
        """
        max_jobs = int(options.get("max_jobs", 10))
        super().__init__(
            functions=functions,
            redis_pool=redis_pool,
            queue_name=queue_name,
            handle_signals=False,
            queue_read_limit=max(_READ_MIN, 10 * max_jobs),
            keep_result=0,
            log_results=False,
            job_serializer=serialize,
            job_deserializer=deserialize,
            **options,
        )
        for hook in _JOB_HOOKS & options.keys():
            setattr(self, hook, _safe(options[hook], tell))
        self.name: Final = name
        self._lease = lease
        self.in_progress_timeout_s = lease.total_seconds()
        self._tell = tell
        self._heavy_queue_name = heavy_queue_name
        self._may_claim = may_claim
        self._looking = asyncio.Lock()
        self._claim = redis_pool.register_script(CLAIM)
        self._renew = redis_pool.register_script(RENEW)
        self._hand_back = redis_pool.register_script(HAND_BACK)

    @property
    def _lease_ms(self) -> int:
        return int(self._lease.total_seconds() * 1_000)

    async def main(self) -> None:
        """Take jobs until cancelled, or until none is left for a worker that works in a burst."""
        beat = asyncio.create_task(self._beat(), name=f"{self.queue_name} beat")
        try:
            await super().main()
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)

    async def drain(self, *, seconds: float) -> None:
        """Take no further job, and give those that run up to `seconds` to end."""
        self.allow_pick_jobs = False
        if running := [task for task in self.tasks.values() if not task.done()]:
            await asyncio.wait(running, timeout=seconds)

    async def hand_back(self) -> None:
        """Stop: what still runs is cancelled, and anybody may run it from now on."""
        self.allow_pick_jobs = False
        try:
            async with asyncio.timeout(_HAND_BACK_SECONDS_MAX), self._looking:
                await asyncio.sleep(0)  # what the last look claimed begins: it can let go, then
        except TimeoutError:
            pass  # Redis is away
        if self.main_task is not None:
            self.main_task.cancel()
            await asyncio.gather(self.main_task, return_exceptions=True)
        if running := [task for task in self.tasks.values() if not task.done()]:
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=_HAND_BACK_SECONDS_MAX)
        try:
            async with asyncio.timeout(_HAND_BACK_SECONDS_MAX):
                await self.pool.delete(self.health_check_key)
        except (RedisError, OSError) as error:
            self._tell("removing the health key", error)

    async def _poll_iteration(self) -> None:
        try:
            async with self._looking:
                await super()._poll_iteration()
        except (RedisError, OSError) as error:
            self._tell("looking at the queue", error)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        """Mark as many of `job_ids` as may run here, and run them."""
        free = [job_id for job_id in job_ids if job_id.decode() not in self.tasks]
        room = self.max_jobs - self.job_counter
        if not free or room <= 0 or not self._may_claim():
            return
        heavy = sorted(HEAVY_FUNCTIONS) if self._heavy_queue_name else []
        arguments: list[str | int | bytes] = [self.name, self._lease_ms, timestamp_ms(), room]
        arguments += [in_progress_key_prefix, job_key_prefix, len(heavy), *heavy, *free]
        queues = [self.queue_name, self._heavy_queue_name or self.queue_name]
        answer = await self._claim(keys=queues, args=arguments)
        for job_id, due in cast("list[tuple[bytes, bytes]]", answer):  # what the script returns
            await self._start(job_id.decode(), int(float(due)))

    async def _start(self, job_id: str, due: int) -> None:
        self.job_counter += 1
        await self.sem.acquire()  # at once: the counter is below its limit
        self.tasks[job_id] = task = self.loop.create_task(self.run_job(job_id, due))
        task.add_done_callback(lambda _: self._release_sem_dec_counter_on_complete())

    async def run_job(self, job_id: str, score: int) -> None:
        """Run a marked job; whatever happens to it, the worker goes on."""
        try:
            await super().run_job(job_id, score)
        except asyncio.CancelledError:  # before or after the job itself, which handles its own
            await asyncio.shield(self._let_go(job_id))
        except Exception as error:  # noqa: BLE001 - told; the mark expires and it is run again
            self._tell("running a job", error)

    @override
    async def finish_job(
        self,
        job_id: str,
        finish: bool,
        result_data: bytes | None,
        result_timeout_s: float | None,
        keep_result_forever: bool,
        incr_score: int | None,
        keep_in_progress: float | None,
    ) -> None:
        """Record the end of a job, unless another worker has taken it over meanwhile."""
        holder = await self.pool.get(in_progress_key_prefix + job_id)
        if holder not in {None, self.name.encode()}:
            return
        if not finish and incr_score is None:  # cancelled
            await self._let_go(job_id)
            return
        await super().finish_job(
            job_id,
            finish,
            result_data,
            result_timeout_s,
            keep_result_forever,
            incr_score,
            keep_in_progress,
        )

    async def _let_go(self, job_id: str) -> None:
        prefixes = (in_progress_key_prefix, retry_key_prefix, _GIVEN_BACK_PREFIX)
        try:
            await self._hand_back(
                keys=[prefix + job_id for prefix in prefixes],
                args=[self.name, _GIVEN_BACK_MAX, _GIVEN_BACK_SECONDS],
            )
        except (RedisError, OSError) as error:
            self._tell("handing a job back", error)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / _BEATS)
            held = [job_id for job_id, task in self.tasks.items() if not task.done()]
            if not held:
                continue
            try:
                await self._renew(
                    keys=[in_progress_key_prefix + job_id for job_id in held],
                    args=[self.name, self._lease_ms],
                )
            except (RedisError, OSError) as error:
                self._tell("renewing marks", error)


def _safe(hook: StartupShutdown, tell: Callable[[str, Exception], None]) -> StartupShutdown:
    """Return the hook so that its errors, which end arq's own worker, are told and end nothing."""

    async def run(ctx: dict[Any, Any]) -> None:
        try:
            await hook(ctx)
        except Exception as error:  # noqa: BLE001 - told; a hook is no reason to stop working
            tell("running a hook", error)

    return run
