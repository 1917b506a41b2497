"""The connection that jobs are enqueued and worked through: our own pool, JSON on both sides."""

from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool

from marketbel_adapters.arq.serializer import deserialize, serialize

__all__ = ["pool_on"]


def pool_on(connections: ConnectionPool, *, queue_name: str) -> ArqRedis:
    """Return an arq pool over `connections` that speaks JSON and enqueues on `queue_name`.

    Nothing connects before the first command.
    """
    return ArqRedis(
        connections,
        job_serializer=serialize,
        job_deserializer=deserialize,
        default_queue_name=queue_name,
    )
