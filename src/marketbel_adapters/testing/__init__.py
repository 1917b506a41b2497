"""The contract suites: what every adapter of a port must keep, ours and other people's."""

__all__: list[str] = []
