"""arq, tamed: steps as arq jobs, written and read as JSON and never as pickle."""

from marketbel_adapters.arq.pool import JsonArqRedis, create_pool, pool_on
from marketbel_adapters.arq.queue import ArqStepQueue, arq_job_of
from marketbel_adapters.arq.serializer import deserialize, serialize

__all__ = [
    "ArqStepQueue",
    "JsonArqRedis",
    "arq_job_of",
    "create_pool",
    "deserialize",
    "pool_on",
    "serialize",
]
