"""What arrives: sheets as cells, their layout, values as people write them, rows, stored files."""

__all__: list[str] = []
