"""Job state and leases in Redis or Valkey, beside the keys that the neighbours read."""

from marketbel_adapters.redis.connection import create_redis, translated
from marketbel_adapters.redis.jobs import RedisJobStore
from marketbel_adapters.redis.leases import RedisLeases

__all__ = ["RedisJobStore", "RedisLeases", "create_redis", "translated"]
