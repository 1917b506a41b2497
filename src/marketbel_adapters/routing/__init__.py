"""Adapters that hand each request on to the one of several that it is meant for, or to nobody."""

from marketbel_adapters.routing.analyzer import LocalAnalyzer, RoutingAnalyzer
from marketbel_adapters.routing.guard import GuardedAnalyzer

__all__ = ["GuardedAnalyzer", "LocalAnalyzer", "RoutingAnalyzer"]
