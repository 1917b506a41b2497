"""PDFs with a text layer as tables: what was drawn, put back into rows and columns."""

__all__: list[str] = []
