"""ml-analyze, the service that reads files with a language model, over HTTP."""

from marketbel_adapters.ml_analyze.analyzer import HttpAnalyzer
from marketbel_adapters.ml_analyze.asking import create_ml_client
from marketbel_adapters.ml_analyze.public import (
    MLClient,
    MLJobStatus,
    MLJobUnknownError,
    ml_client,
)
from marketbel_adapters.ml_analyze.retrying import RetryingAnalyzer, Tries

__all__ = [
    "HttpAnalyzer",
    "MLClient",
    "MLJobStatus",
    "MLJobUnknownError",
    "RetryingAnalyzer",
    "Tries",
    "create_ml_client",
    "ml_client",
]
