"""Adapters that hand each request on to the one of several that it is meant for."""

from marketbel_adapters.routing.analyzer import LocalAnalyzer, RoutingAnalyzer

__all__ = ["LocalAnalyzer", "RoutingAnalyzer"]
