"""Two lanes, so that short work never waits behind long work; which work is long is told here."""

from typing import Final, cast

from arq.connections import ArqRedis

__all__ = ["HEAVY_FUNCTIONS", "bring_back", "heavy_queue_of"]

HEAVY_FUNCTIONS: Final = frozenset(
    {
        "courier_task",
        "download_and_trigger_ml",
        "import_items_task",
        "match_items_task",
        "parse_task",
    }
)
"""What fetches, reads or matches a whole list. Everything else is a few statements or requests."""

_BRING_BACK: Final = """
-- KEYS: the queue, its heavy lane.  What waits in both keeps the earlier of its two instants.
local moved = redis.call('ZCARD', KEYS[2])
redis.call('ZUNIONSTORE', KEYS[1], 2, KEYS[1], KEYS[2], 'AGGREGATE', 'MIN')
redis.call('DEL', KEYS[2])
return moved
"""


def heavy_queue_of(queue_name: str) -> str:
    """Return the name of the queue that the heavy work of `queue_name` waits in."""
    return f"{queue_name}:heavy"


async def bring_back(pool: ArqRedis, *, queue_name: str) -> int:
    """Move what waits in the heavy lane to `queue_name`; return how much it was.

    For a worker that serves one queue: nobody else might ever look into the other one.

    Raises:
        redis.exceptions.RedisError: Redis gave no usable answer.
    """
    script = pool.register_script(_BRING_BACK)
    return cast("int", await script(keys=[queue_name, heavy_queue_of(queue_name)]))
