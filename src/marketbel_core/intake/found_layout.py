"""What is known of a sheet's columns and header once it was looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from marketbel_core.intake.headers import Role

__all__ = ["FoundLayout", "Layout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which column of a sheet is what.

    Attributes:
        header_row: The last header line, from 1; 0 when there is none.
        data_start_row: The first row that may be an item, from 1.
        columns: Index of the column of each role that was found, from 0; name and price always.
        price_columns: Columns of prices by kind: `wholesale`, `retail`, `purchase`, `preorder`;
            further prices of no kind of their own as `2`, `3`. The main price is there as well
            when its header names a kind.
        characteristic_columns: The other columns' keys, by index.
        headers: What stands above each column, by index.
        header_words: The texts in the header's lines, each as it stands in its cell.
        confidence: 0.0 to 1.0.
        reasons: How it was decided, in sentences for people.
    """

    header_row: int
    data_start_row: int
    columns: Mapping[Role, int]
    price_columns: Mapping[str, int] = field(default_factory=dict)
    characteristic_columns: Mapping[int, str] = field(default_factory=dict)
    headers: Mapping[int, str] = field(default_factory=dict)
    header_words: frozenset[str] = frozenset()
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundLayout:
    """A layout that a header gave, how good it is, and the first row with a price, from 0."""

    score: float
    first_priced: int
    layout: Layout
