"""How large a price list may be: one table for all that judge and read files."""

from typing import Final

__all__ = [
    "CELLS_MAX",
    "COLUMNS_MAX",
    "CSV_FIELD_LENGTH_MAX",
    "CSV_ROWS_MAX",
    "EXCEL_COLUMNS_MAX",
    "PDF_PAGES_MAX",
    "ROWS_MAX",
    "UNPACKED_BYTES_FREE",
    "UNPACKED_BYTES_MAX",
    "UNPACKED_RATIO_MAX",
    "ZIP_ENTRIES_MAX",
]

ROWS_MAX: Final = 1_048_576
"""Rows of a sheet: what Excel itself can hold."""

EXCEL_COLUMNS_MAX: Final = 16_384
"""Columns that exist in Excel at all, XFD being the last."""

COLUMNS_MAX: Final = 1_000
"""The last column with something in it; lists have tens, and empty formatting does not count."""

CELLS_MAX: Final = 20_000_000
"""Rows times columns up to the last cell used: readers take memory for the whole rectangle."""

CSV_ROWS_MAX: Final = 2_000_000
CSV_FIELD_LENGTH_MAX: Final = 1_048_576
"""Characters; one field with more is an unclosed quote or no price list."""

PDF_PAGES_MAX: Final = 500

ZIP_ENTRIES_MAX: Final = 2_000
UNPACKED_BYTES_MAX: Final = 500 * 1024 * 1024
"""Above this an archive is refused however honestly it packs."""

UNPACKED_BYTES_FREE: Final = 50 * 1024 * 1024
"""Up to this the ratio does not matter: small sheets of one repeated value pack very well."""

UNPACKED_RATIO_MAX: Final = 100
"""Deflate reaches 1032:1 on zeros; sheets of real lists lie between 5:1 and 40:1."""
