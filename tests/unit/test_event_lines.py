"""Rows keep what they are on their way from the process that reads them."""

from decimal import Decimal

from marketbel_adapters.sources.event_lines import events_from, line_from
from marketbel_core.catalog import Money
from marketbel_core.intake import AcceptedRow, RowEvent, RowRejection, UnpricedRow


def test_every_kind_of_row_arrives_as_it_was_sent_even_with_half_a_character_in_it() -> None:
    events: tuple[RowEvent, ...] = (
        AcceptedRow(
            sheet="Прайс",
            row_number=2,
            sku="A-1",
            name="Дрель \u2028 «Зубр»\n\ud83d",
            price=Money(Decimal("12.50"), "RUB"),
            characteristics={"бренд": "Зубр", "stock": 3, "in_stock": True},
        ),
        RowRejection(
            sheet="Прайс",
            row_number=3,
            column="price",
            value="\udc00",
            code="row.price_unreadable",
            message="the price cannot be read",
            cells={"Цена": "\x00"},
        ),
        UnpricedRow(
            sheet="Second", row_number=1, sku="A-2", name="Пила", value="-", message="no price"
        ),
    )

    assert events_from(line_from(events)) == events
