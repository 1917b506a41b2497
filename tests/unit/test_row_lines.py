"""Rows that pass as lines are the rows they were; what cannot pass so is told, never changed."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_adapters.row_lines import RowLines
from marketbel_core.catalog import CURRENCY_KEY, Money
from marketbel_core.intake import AcceptedRow

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
ROWS = st.builds(
    AcceptedRow,
    sheet=TEXTS,
    row_number=st.integers(1, 1_000_000),
    sku=TEXTS,
    name=TEXTS,
    price=st.builds(
        Money,
        st.decimals("0.01", "99999999.99", places=2),
        st.sampled_from(["BYN", "RUB", "USD"]),
    ),
    characteristics=st.dictionaries(TEXTS, VALUES, max_size=4),
)
A_ROW = AcceptedRow(
    sheet="Прайс",
    row_number=7,
    sku="A\\N",
    name='Труба 1/2" \\ 20',
    price=Money(Decimal("12.50"), "RUB"),
    characteristics={"бренд": "C:\\new\\table", "price_rrc": "15.00", "stock": 3},
)


@given(st.lists(ROWS, max_size=5))
def test_rows_that_pass_as_lines_come_back_as_they_were(rows: list[AcceptedRow]) -> None:
    lines = RowLines.of(rows)

    if lines is not None:
        assert list(lines) == rows
        assert [lines[place] for place in range(len(lines))] == rows
        assert list(lines[1:3]) == rows[1:3]


def test_backslashes_and_quotes_pass() -> None:
    lines = RowLines.of([A_ROW, replace(A_ROW, row_number=8)])

    assert lines is not None
    assert list(lines) == [A_ROW, replace(A_ROW, row_number=8)]


@pytest.mark.parametrize(
    "odd",
    [
        replace(A_ROW, name="two\tcolumns"),
        replace(A_ROW, name="two\nlines"),
        replace(A_ROW, name="half a character \ud83d"),
        replace(A_ROW, name="\x00"),
        replace(A_ROW, name=""),
        replace(A_ROW, sku="1" * 256),
        replace(A_ROW, sheet=""),
        replace(A_ROW, characteristics={CURRENCY_KEY: "EUR"}),
        replace(A_ROW, characteristics={"weight": float("nan")}),
        replace(A_ROW, characteristics={"note": "\x00"}),
        replace(A_ROW, characteristics={"note": "\udc00"}),
    ],
)
def test_a_row_that_would_not_come_back_has_to_go_another_way(odd: AcceptedRow) -> None:
    assert RowLines.of([A_ROW, odd]) is None
