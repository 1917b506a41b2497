"""What touches the world for Marketbel: one folder a technology, one file a port."""

__all__: list[str] = []
