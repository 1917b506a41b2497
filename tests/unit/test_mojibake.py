"""Russian that was decoded wrongly once before."""

import pytest

from marketbel_core.intake import Grid, read_rows
from marketbel_core.intake.mojibake import mended

ROWS = (
    ("Наименование", "Цена, руб."),
    ("Молоко топлёное 3,2%", "2,50"),
    ("Кефир «Минская марка»", "2,10"),
    ("Tea 60 капс", "7,00"),
)


def read_wrongly(was: str, read_as: str) -> Grid:
    return Grid(
        name="csv",
        rows=tuple(
            tuple(cell.encode(was, "replace").decode(read_as) for cell in row) for row in ROWS
        ),
    )


@pytest.mark.parametrize(
    ("was", "read_as"),
    [
        ("cp1251", "latin-1"),
        ("utf-8", "latin-1"),
        ("koi8-r", "cp1251"),
        ("cp1251", "koi8-r"),
        ("cp1251", "cp866"),
        ("utf-8", "cp866"),
        ("utf-8", "koi8-r"),
        ("koi8-r", "latin-1"),
        ("cp866", "latin-1"),
    ],
)
def test_a_list_that_was_decoded_wrongly_is_read_as_it_was_meant(was: str, read_as: str) -> None:
    names = [row.name for row in read_rows([read_wrongly(was, read_as)]).accepted]

    assert names[0] == "Молоко топлёное 3,2%"
    assert names[2] == "Tea 60 капс"


@pytest.mark.parametrize(
    "text",
    [
        "Café crème brûlée à la française",
        "Größe Übergröße weiß Stück",
        "Łódź żółta ćwikła",
        "Молоко топлёное",
        "Ціна найменування їжак",
        "Цукерка ўкладыш",
        "ЭКСКАВАТОР ЦЕМЕНТ ЩИТ",
        "Чай " + "Ч" * 500,
        "ЩЁЩЁ Фыщ хъжэ",
        "№ 5 «—» ½ °C",
        "plain",
    ],
)
def test_a_text_that_is_right_stays_as_it_is(text: str) -> None:
    grids = [Grid(name="x", rows=((text, 1, None),) * 5)]

    assert mended(grids) is grids


def test_a_sign_that_was_put_in_later_does_not_stop_the_repair() -> None:
    rows = tuple((text.encode("cp1251").decode("latin-1") + " ₽",) for text in ("Молоко", "Кефир"))

    (grid,) = mended([Grid(name="x", rows=rows)])

    assert [list(row) for row in grid.rows] == [["Молоко ₽"], ["Кефир ₽"]]
    assert list(grid.rows) == list(grid.rows)
