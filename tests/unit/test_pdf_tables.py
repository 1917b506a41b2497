"""PDFs with text in them become tables: by drawn lines, else by where the words stand."""

import json
import os
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest

from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.pdf.tables import read_tables
from marketbel_adapters.testing.containers import a_pdf
from marketbel_adapters.testing.drawn_pdf import Page, a_drawn_pdf

type Draw = Callable[[Sequence[Sequence[str]]], Page]

LEFTS = (50.0, 120.0, 400.0, 460.0)
PITCH = 14.0
HEADER = ("Code", "Name", "Price")


def ruled(rows: Sequence[Sequence[str]], *, top: float = 100.0) -> Page:
    """Return a page with a table, a line around each cell."""
    bottom = top + PITCH * len(rows)
    lines = [(LEFTS[0], y, LEFTS[-1], y) for y in _steps(top, len(rows) + 1)]
    lines += [(x, top, x, bottom) for x in LEFTS]
    return Page(texts=aligned(rows, top=top).texts, lines=lines)


def aligned(rows: Sequence[Sequence[str]], *, top: float = 100.0) -> Page:
    """Return a page with the same words and no line."""
    texts = [
        (left + 2, y + 10, text)
        for y, row in zip(_steps(top, len(rows)), rows, strict=True)
        for left, text in zip(LEFTS, row, strict=False)
        if text
    ]
    return Page(texts=texts)


def _steps(top: float, count: int) -> list[float]:
    return [top + PITCH * number for number in range(count)]


def tables(*pages: Page) -> dict[str, list[list[str]]]:
    return {table.name: table.rows for table in read_tables(BytesIO(a_drawn_pdf(pages)))}


def goods(first: int, count: int) -> list[tuple[str, str, str]]:
    return [(f"A{n}", f"Green tea {n}", f"{n}.50") for n in range(first, first + count)]


@pytest.mark.parametrize("draw", [ruled, aligned])
def test_rows_are_read_with_and_without_drawn_lines(draw: Draw) -> None:
    found = tables(draw([HEADER, *goods(1, 9)]))

    assert found == {"pdf table": [list(row) for row in [HEADER, *goods(1, 9)]]}


@pytest.mark.parametrize("draw", [ruled, aligned])
def test_a_table_that_goes_on_over_the_page_is_one_table(draw: Draw) -> None:
    found = tables(draw([HEADER, *goods(1, 9)]), draw(goods(10, 9)), draw(goods(19, 1)))

    assert found == {"pdf table": [list(row) for row in [HEADER, *goods(1, 19)]]}


def test_a_name_that_runs_into_the_column_of_prices_stays_a_name() -> None:
    long = "KASHMIRI CHILLI POWDER IN A PACKET OF FOUR HUNDRED GRAMMES X30 *SPECIAL OFFER*"
    page = ruled([HEADER, ("A1", long, ""), *goods(2, 3)])
    drawn = Page(texts=[*page.texts, (430.0, 124.0, "119.99")], lines=page.lines)

    found = tables(drawn)["pdf table"]

    assert found[1] == ["A1", long, "119.99"]


def test_a_code_that_is_printed_over_the_name_stays_a_code() -> None:
    found = tables(ruled([HEADER, ("KERALAFISHCOCONUTMILK", "Fish curry", "1.50"), *goods(2, 4)]))

    assert found["pdf table"][1] == ["KERALAFISHCOCONUTMILK", "Fish curry", "1.50"]


def test_words_of_two_cells_that_were_set_in_one_go_are_divided_at_the_line() -> None:
    page = ruled([HEADER, *goods(1, 3)])
    name = "x" * 70 + " 9.99"
    drawn = Page(texts=[*page.texts[:-2], (122.0, page.texts[-2][1], name)], lines=page.lines)

    found = tables(drawn)["pdf table"]

    assert found[3] == ["A3", "x" * 70, "9.99"]


def test_a_title_between_tables_is_a_row_of_its_own() -> None:
    first, second = ruled([HEADER, *goods(1, 3)]), ruled(goods(4, 3), top=200.0)
    title = (60.0, 180.0, "Product Category: COFFEE")

    found = tables(
        Page(
            texts=[*first.texts, title, *second.texts],
            lines=[*first.lines, *second.lines],
        )
    )

    assert found["pdf table"][4] == ["Product Category: COFFEE"]
    assert len(found["pdf table"]) == 8


def test_a_label_in_a_cell_and_what_it_labels_are_one_title() -> None:
    found = tables(ruled([HEADER, ("Category:", "COFFEE"), *goods(1, 3)]))

    assert found["pdf table"][1] == ["Category: COFFEE", "", ""]


def test_what_is_repeated_on_every_page_is_read_once() -> None:
    pages = []
    for number in range(4):
        table = ruled(goods(1 + number * 3, 3))
        furniture = [(50.0, 30.0, "Tea and Co, Minsk"), (300.0, 820.0, f"page {number + 1} of 4")]
        pages.append(Page(texts=[*table.texts, *furniture], lines=table.lines))

    found = tables(*pages)["pdf table"]

    assert len([row for row in found if len(row) == 3]) == 12
    assert [row for row in found if len(row) == 1] == [["Tea and Co, Minsk"], ["page 1 of 4"]]


def test_a_table_of_another_structure_is_a_table_of_its_own() -> None:
    contacts = Page(
        texts=[(52.0, 60.0, "Phone"), (402.0, 60.0, "123")],
        lines=[
            *[(50.0, y, 460.0, y) for y in (50.0, 64.0)],
            *[(x, 50.0, x, 64.0) for x in (50.0, 400.0, 460.0)],
        ],
    )
    goods_page = ruled([HEADER, *goods(1, 3)])

    found = tables(
        Page(
            texts=[*contacts.texts, *goods_page.texts], lines=[*contacts.lines, *goods_page.lines]
        )
    )

    assert found["pdf table"][0] == list(HEADER)
    assert found["pdf table 2"] == [["Phone", "123"]]


def test_items_that_no_line_divides_are_rows_by_their_prices() -> None:
    rows = [HEADER, *goods(1, 5)]
    bottom = 100.0 + PITCH * len(rows)
    lines = [(LEFTS[0], y, LEFTS[-1], y) for y in (100.0, 114.0, bottom)]
    lines += [(x, 100.0, x, bottom) for x in LEFTS]

    found = tables(Page(texts=aligned(rows).texts, lines=lines))

    assert found == {"pdf table": [list(row) for row in rows]}


def test_bold_letters_that_are_drawn_twice_are_read_once() -> None:
    page = ruled([HEADER, *goods(1, 3)])
    twice = [(x + 0.2, y, text) for x, y, text in page.texts]

    found = tables(Page(texts=[*page.texts, *twice], lines=page.lines))

    assert found["pdf table"][1] == ["A1", "Green tea 1", "1.50"]


def test_a_pdf_without_text_is_refused_with_a_cure() -> None:
    with pytest.raises(RefusalError, match="xlsx or csv") as caught:
        read_tables(BytesIO(a_pdf()))

    assert caught.value.code == "pdf.no_text"


def test_a_damaged_pdf_is_refused() -> None:
    with pytest.raises(RefusalError) as caught:
        read_tables(BytesIO(b"%PDF-1.7\nnothing\n%%EOF"))

    assert caught.value.code == "pdf.corrupt"


def test_a_page_full_of_objects_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketbel_adapters.sources.pdf.pages._OBJECTS_MAX", 20)

    with pytest.raises(RefusalError) as caught:
        tables(ruled(goods(1, 9)))

    assert caught.value.code == "pdf.too_large"


@pytest.mark.skipif("MARKETBEL_SHARED" not in os.environ, reason="needs the real price lists")
def test_a_real_list_of_sixteen_pages_is_read_exactly() -> None:
    folder = Path(os.environ["MARKETBEL_SHARED"]) / "data" / "pricelists"
    truth = json.loads((folder / "truth" / "en-indofoods-pdf.json").read_text(encoding="utf-8"))
    (sheet,) = truth["sheets"]

    with (folder / "files" / truth["file"]).open("rb") as file:
        (table,) = read_tables(file)

    items = [row for row in table.rows if re.fullmatch(r"\d+\.\d\d", row[-1])]
    priced = [row for row in items if Decimal(row[-1])]
    titles = [row for row in table.rows if row[0].startswith("Product Category:")]
    assert (len(priced), len(items) - len(priced)) == (
        sheet["n_items"],
        sheet["n_zero_price_rows"],
    )
    assert sum(Decimal(row[-1]) for row in priced) == Decimal(sheet["sum_of_prices"])
    assert len(titles) == sheet["n_section_rows"]
    told = [sheet["first_item"], *sheet["middle_items"], sheet["last_item"]]
    for item in told:
        assert [item["sku"], item["name"], item["price"]] == priced[item["item_no"] - 1]
