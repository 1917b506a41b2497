"""Headers that say little, say it oddly or are hard to tell from what stands below them."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from marketbel_core.catalog import FileType
from marketbel_core.intake import Cell, Grid, SheetSummary, read_rows

type Rows = list[list[Cell]]
type Line = Callable[[str, str, float], list[Cell]]

GOODS: list[tuple[str, str, float]] = [
    ("A-1", "Дрель ударная", 10.5),
    ("A-2", "Пила дисковая", 20.25),
    ("A-3", "Молоток слесарный", 5.25),
    ("A-4", "Отвёртка крестовая", 2.75),
]
SUM = Decimal("38.75")
AMBIGUOUS = ["12.500", "10.250", "24.125", "3.125"]


def goods(line: Line) -> Rows:
    return [line(*article) for article in GOODS]


def ambiguous_goods(beside: str) -> Rows:
    priced = zip(GOODS, AMBIGUOUS, strict=True)
    return [[article, name, price, beside] for (article, name, _), price in priced]


def read(rows: Rows) -> SheetSummary:
    grid = Grid(name="L", rows=tuple(map(tuple, rows)))
    (sheet,) = read_rows([grid], file_type=FileType.EXCEL).sheets
    return sheet


@dataclass(frozen=True)
class Kind:
    """A layout, and what is to be found: header row, columns of sku, name and price."""

    title: str
    rows: Rows
    header_row: int
    sku: int | None
    name: int
    price: int
    sections: int = 0


KINDS = [
    Kind(
        "the rate of tax in the header of the price",
        [
            ["№", "Кат. номер", "Наименование", "Кол.", "Цена за ед., руб. с НДС 20%"],
            *goods(lambda a, n, p: [int(a[-1]), a, n, 1, p]),
        ],
        1, 1, 2, 4,
    ),
    Kind(
        "numbers of pieces for headers of prices, before the one that is called a price",
        [
            ["Item #", "Description", "1-9", "10-49", "50+", "RRP"],
            *goods(lambda a, n, p: [a, n, p, p * 0.9, p * 0.8, p * 2]),
        ],
        1, 0, 1, 2,
    ),
    Kind(
        "sizes with pieces in stock are no prices by quantity",
        [
            ["Артикул", "Наименование", "42-44", "46-48", "Цена"],
            *goods(lambda a, n, p: [a, n, 3, 2, p]),
        ],
        1, 0, 1, 4,
    ),
    Kind(
        "titles with words of headers in them, right below the header",
        [
            ["Код", "Наименование", "Ед.изм", "Цена"],
            [None, None, "Группа: Чай", None],
            *goods(lambda a, n, p: [a, n, "шт", p]),
        ],
        1, 0, 1, 3, 1,
    ),
    Kind(
        "the title of a section in the column of names, right below the header",
        [
            ["Код", "Наименование", "Цена"],
            [None, "Товары для дома", None],
            *goods(lambda a, n, p: [a, n, p]),
        ],
        1, 0, 1, 2, 1,
    ),
    Kind(
        "one word in the second line of the header",
        [
            ["Код", "Наименование", "Цена", "Цена"],
            [None, None, None, "розничная"],
            *goods(lambda a, n, p: [a, n, p, p * 2]),
        ],
        2, 0, 1, 2,
    ),
    Kind(
        "units below titles of weights and prices",
        [
            ["Наименование", "Вес, кг", None, "Цена, руб.", None],
            [None, "шт", "м2", "шт", "м2"],
            *goods(lambda _, n, p: [n, 2.5, 120, p, p * 50]),
        ],
        2, None, 0, 3,
    ),
    Kind(
        "the makers' article numbers are the only ones",
        [
            ["Наименование", "Арт. производителя", "Прайс"],
            *goods(lambda a, n, p: [n, a, p]),
        ],
        1, 1, 0, 2,
    ),
    Kind(
        "a price's header beside words that are not known",
        [
            ["Агрегат", "Цена"],
            *goods(lambda _, n, p: [n, p]),
        ],
        1, None, 0, 1,
    ),
    Kind(
        "numbers and parts",
        [
            ["Номер", "Деталь", "Цена"],
            ["ВАЗ 2108"],
            *goods(lambda a, n, p: [a, n, p]),
        ],
        1, 0, 1, 2, 1,
    ),
    Kind(
        "a drawing's number",
        [
            ["Обозначение", "Наименование изделия", "Цена"],
            *goods(lambda a, n, p: [a, n, p]),
        ],
        1, 0, 1, 2,
    ),
    Kind(
        "prices of a square metre",
        [
            ["Наименование", "Цена"],
            *goods(lambda _, n, p: [n, f"{p} руб./м2"]),
        ],
        1, None, 0, 1,
    ),
    Kind(
        "words of headers in the first product of a list without any",
        [*goods(lambda a, n, p: ["Запчасти", a, f"услуга: {n}", f"{p}"])],
        0, 1, 2, 3,
    ),
    Kind(
        "parts of a price and of the stock below merged titles that repeat",
        [
            ["Артикул", "Наименование", "Цена", None, "Остаток", None],
            ["Артикул", "Наименование", "базовая", "со скидкой", "Минск", "Гомель"],
            *goods(lambda a, n, p: [a, n, p, p * 0.9, 3, 5]),
        ],
        2, 0, 1, 2,
    ),
    Kind(
        "prices by the sum of the order, without merged cells",
        [
            ["Артикул", "Наименование", "Цена", None],
            [None, None, "до 500 руб.", "от 500 руб."],
            *goods(lambda a, n, p: [a, n, p, p * 0.9]),
        ],
        2, 0, 1, 2,
    ),
    Kind(
        "prices of delivery above the list",
        [
            ["Доставка", "Цена"],
            ["Минск", 10],
            ["Брест", 20],
            [],
            ["Артикул", "Наименование", "Ед.", "Цена"],
            *goods(lambda a, n, p: [a, n, "шт", p]),
        ],
        5, 0, 1, 3,
    ),
    Kind(
        "names that begin like the word for money",
        [*goods(lambda _, n, p: [f"Рубанок {n}", f"{p} руб", f"https://shop.by/{p}"])],
        0, None, 0, 1,
    ),
    Kind(
        "the kind of goods before their names",
        [
            ["ID", "Вид товара", "Модель", "Опт, $"],
            *goods(lambda a, n, p: [a, "Инструмент", n, p]),
        ],
        1, 0, 2, 3,
    ),
    Kind(
        "numbers under a word that may be a name's",
        [
            ["Item", "Product", "Trade"],
            ["TOOLS AND GOODS"],
            *goods(lambda a, n, p: [a, n, p]),
        ],
        1, 0, 1, 2, 1,
    ),
    Kind(
        "the trade's short words for prices",
        [
            ["Кат. №", "Title", "WSP", "RSP"],
            *goods(lambda a, n, p: [a, n, p, p * 2]),
            [None, "Общий итог", None, None],
        ],
        1, 0, 1, 2,
    ),
    Kind(
        "Latin letters in Russian words, and letters set apart",
        [
            ["Aртикул", "Н а и м е н о в а н и е", "Цeна"],
            *goods(lambda a, n, p: [a, n, p]),
        ],
        1, 0, 1, 2,
    ),
    Kind(
        "prices that name the tax",
        [
            ["Артикул", "Наименование", "Цена"],
            *goods(lambda a, n, p: [a, n, f"{p} руб. с НДС 20%"]),
        ],
        1, 0, 1, 2,
    ),
    Kind(
        "prices of each, without the tax",
        [
            ["Ref", "Product", "Price"],
            *goods(lambda a, n, p: [a, n, f"{p} each + VAT"]),
        ],
        1, 0, 1, 2,
    ),
    Kind(
        "a header whose words stand in two lines by turns",
        [
            ["Артикул", None, "Цена", None],
            [None, "Наименование", None, "Применяемость"],
            *goods(lambda a, n, p: [a, n, p, "все модели"]),
        ],
        2, 0, 1, 2,
    ),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.title)
def test_a_header_is_told_from_what_is_below_it(kind: Kind) -> None:
    sheet = read(kind.rows)

    found = [sheet.columns.get(role) for role in ("sku", "name", "price")]
    assert (sheet.header_row, found) == (kind.header_row, [kind.sku, kind.name, kind.price])
    assert (sheet.items, sheet.price_sum) == (len(GOODS), SUM)
    assert sheet.sections == kind.sections


@pytest.mark.parametrize(("weight", "total"), [("0.125", "50.000"), ("0,125", "50000")])
def test_a_column_of_weights_tells_the_decimal_mark_of_prices(weight: str, total: str) -> None:
    sheet = read(
        [
            ["Код", "Наименование", "Цена", "Вес"],
            *ambiguous_goods(weight),
        ]
    )

    assert (sheet.items, sheet.rejected) == (4, 0)
    assert sheet.price_sum == Decimal(total)


def test_dates_tell_no_decimal_mark() -> None:
    sheet = read(
        [
            ["Код", "Наименование", "Цена", "Дата"],
            *ambiguous_goods("12.05.2024"),
        ]
    )

    assert (sheet.items, sheet.rejected) == (0, 4)


@pytest.mark.parametrize(
    ("header", "currency"),
    [
        (["Artikelnummer", "Bezeichnung", "Preis EUR"], "EUR"),
        (["Kod", "Nazwa", "Cena netto"], "BYN"),
        (["קוד", "שם", "מחיר"], "BYN"),
        (["Что", "Чаво", "Почём"], "BYN"),
    ],
)
def test_a_header_without_a_known_word_is_still_a_header(header: list[str], currency: str) -> None:
    lines = goods(lambda article, name, price: [article, name, price])
    grid = Grid(name="L", rows=(tuple(header), *map(tuple, lines)))

    rows = read_rows([grid])

    (sheet,) = rows.sheets
    assert (sheet.header_row, sheet.items, sheet.price_sum) == (1, 4, SUM)
    assert sheet.columns == {"sku": 0, "name": 1, "price": 2}
    assert {row.price.currency for row in rows.accepted} == {currency}


@pytest.mark.parametrize("price", ["звоните", "договорная", "on request", "под заказ"])
def test_a_product_without_a_price_above_the_others_is_no_header(price: str) -> None:
    lines = goods(lambda _, name, cost: [name, cost])

    assert read([["Болгарка", price], *lines]).header_row == 0


def test_figures_behind_the_price_of_a_list_without_a_header_are_no_article_numbers() -> None:
    lines: Rows = [
        [name, price, int(price * 0.8), 4810000000000 + 7 * number]
        for number, (_, name, price) in enumerate(GOODS)
    ]

    assert "sku" not in read(lines).columns


def test_numbers_that_go_up_by_one_are_article_numbers_if_they_are_long() -> None:
    def columns(first: int) -> dict[str, int]:
        lines: Rows = [
            [first + number, name, price] for number, (_, name, price) in enumerate(GOODS)
        ]
        return dict(read(lines).columns)

    assert columns(10_001)["sku"] == 0
    assert "sku" not in columns(1)


@pytest.mark.parametrize(
    "units", [["кг", "руб./шт"], ["мм", "BYN"], ["л", "руб. за шт."], [None, "(руб)"]]
)
def test_a_line_of_units_belongs_to_the_header(units: list[Cell]) -> None:
    lines = goods(lambda article, name, price: [article, name, 1.5, price])

    sheet = read([["Код", "Наименование", "Вес", "Цена"], [None, None, *units], *lines])

    assert (sheet.header_row, sheet.items, sheet.price_sum) == (2, 4, SUM)
