"""arq, tamed: steps as arq jobs, written and read as JSON and never as pickle."""

from marketbel_adapters.arq.lanes import HEAVY_FUNCTIONS, bring_back, heavy_queue_of
from marketbel_adapters.arq.lease_worker import LeaseWorker
from marketbel_adapters.arq.log_filter import hide_arguments
from marketbel_adapters.arq.pool import JsonArqRedis, create_pool, pool_on, redis_settings_of
from marketbel_adapters.arq.queue import ArqStepQueue, arq_job_of
from marketbel_adapters.arq.serializer import deserialize, serialize
from marketbel_adapters.arq.signs import (
    SIGN_INTERVAL,
    WorkerSign,
    live_workers,
    new_sign,
    show_sign,
    withdraw_sign,
)

__all__ = [
    "HEAVY_FUNCTIONS",
    "SIGN_INTERVAL",
    "ArqStepQueue",
    "JsonArqRedis",
    "LeaseWorker",
    "WorkerSign",
    "arq_job_of",
    "bring_back",
    "create_pool",
    "deserialize",
    "heavy_queue_of",
    "hide_arguments",
    "live_workers",
    "new_sign",
    "pool_on",
    "redis_settings_of",
    "serialize",
    "show_sign",
    "withdraw_sign",
]
