"""ml-analyze, the service that reads files with a language model, over HTTP."""

from marketbel_adapters.ml_analyze.analyzer import HttpAnalyzer, create_ml_client

__all__ = ["HttpAnalyzer", "create_ml_client"]
