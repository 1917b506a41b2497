"""What the machine itself gives: its clock, fresh identifiers, its log."""

from marketbel_adapters.system.environment import SystemClock, TimeOrderedIdSource
from marketbel_adapters.system.telemetry import StructlogTelemetry

__all__ = ["StructlogTelemetry", "SystemClock", "TimeOrderedIdSource"]
