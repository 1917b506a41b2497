"""Job state, leases and breakers in Redis or Valkey, beside the keys that the neighbours read."""

from marketbel_adapters.redis.breaker import ML_ANALYZE_BREAKER, RedisBreaker
from marketbel_adapters.redis.connection import create_redis, translated
from marketbel_adapters.redis.inbox import RedisInbox
from marketbel_adapters.redis.jobs import RedisJobStore
from marketbel_adapters.redis.journal import RedisJobJournal
from marketbel_adapters.redis.leases import RedisLeases
from marketbel_adapters.redis.public import JobFigures, create_job, get_job, update_job
from marketbel_adapters.redis.sync_board import RedisSyncBoard
from marketbel_adapters.redis.waiting_triggers import RedisWaitingTriggers

__all__ = [
    "ML_ANALYZE_BREAKER",
    "JobFigures",
    "RedisBreaker",
    "RedisInbox",
    "RedisJobJournal",
    "RedisJobStore",
    "RedisLeases",
    "RedisSyncBoard",
    "RedisWaitingTriggers",
    "create_job",
    "create_redis",
    "get_job",
    "translated",
    "update_job",
]
