"""What runs Marketbel: settings, wiring, schedule, worker and command line."""

__all__: list[str] = []
