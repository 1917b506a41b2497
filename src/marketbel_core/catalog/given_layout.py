"""How a list is laid out, by the word of whoever sends it; what nobody said is found out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["GivenLayout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenLayout:
    """What was said about a list; it wins over whatever the list itself suggests.

    Attributes:
        column_mapping: The text of the header by what the column is for: `sku`, `name`, `price`
            and the other roles. A column that is not named is looked for.
        header_row: The first line of the header, from 1.
        header_row_end: The last line of the header; its lines are read as one, a blank between.
        data_start_row: The first row that may be an item, from 1, below the header.
        characteristic_columns: The texts of the headers whose cells become characteristics;
            `None` means every column that is nothing else.
        delimiter: What stands between the fields of a delimited text, 1 to 5 characters.
        encoding: The name of a delimited text's encoding.
    """

    column_mapping: Mapping[str, str] = field(default_factory=dict, hash=False)
    header_row: int | None = None
    header_row_end: int | None = None
    data_start_row: int | None = None
    characteristic_columns: tuple[str, ...] | None = None
    delimiter: str | None = None
    encoding: str | None = None

    def __post_init__(self) -> None:
        if self.header_row is not None and self.header_row < 1:
            raise ValueError(f"header_row is counted from 1, got {self.header_row}")
        if self.header_row_end is not None:
            if self.header_row is None:
                raise ValueError("header_row_end needs header_row")
            if self.header_row_end < self.header_row:
                raise ValueError("header_row_end must not be above header_row")
        last = self.header_row_end or self.header_row or 1
        if self.data_start_row is not None and self.data_start_row <= last:
            raise ValueError("data_start_row must be below the header")
        if self.delimiter is not None and not self.delimiter:
            raise ValueError("delimiter must not be empty")
