"""What a carried file is and whether it is harmless: runs confined, and imports little."""

__all__: list[str] = []
