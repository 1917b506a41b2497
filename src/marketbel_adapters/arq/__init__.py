"""arq, tamed: steps as arq jobs, written and read as JSON and never as pickle."""

from marketbel_adapters.arq.pool import pool_on
from marketbel_adapters.arq.queue import ArqStepQueue, arq_job_of
from marketbel_adapters.arq.serializer import deserialize, serialize

__all__ = ["ArqStepQueue", "arq_job_of", "deserialize", "pool_on", "serialize"]
