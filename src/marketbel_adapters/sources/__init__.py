"""Where price lists come from, and how their bytes become cells and rows."""

__all__: list[str] = []
