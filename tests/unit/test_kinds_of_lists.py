"""Layouts that suppliers use, each read without configuration."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from marketbel_core.catalog import FileType
from marketbel_core.intake import Cell, Grid, ReadRows, parse_price, read_rows
from marketbel_core.intake.characteristics import is_gtin
from marketbel_core.intake.text import DecimalMark, ParsedPrice

GOODS: list[tuple[str, str, float, int]] = [
    ("A-1", "Дрель ударная", 10.5, 3),
    ("A-2", "Пила дисковая", 20, 0),
    ("A-3", "Молоток слесарный", 5.25, 7),
    ("A-4", "Отвёртка", 2, 1),
]
SUM = Decimal("37.75")

type Rows = list[list[Cell]]


def goods(line: Callable[[str, str, float, int], list[Cell]]) -> Rows:
    return [line(*article) for article in GOODS]


@dataclass(frozen=True)
class Kind:
    """A layout, and what is to be found: header row, columns of sku, name and price."""

    title: str
    rows: Rows
    header_row: int
    sku: int | None
    name: int
    price: int
    currency: str = "BYN"


def read(rows: Rows, file_type: FileType = FileType.EXCEL) -> ReadRows:
    return read_rows([Grid(name="L", rows=tuple(map(tuple, rows)))], file_type=file_type)


ABOVE: Rows = [["x" if i % 5 == 0 else None] for i in range(39)]
KINDS = [
    Kind(
        "a line of the columns' numbers below the header",
        [
            ["№ п/п", "Артикул", "Наименование", "Ед.", "Цена"],
            [1, 2, 3, 4, 5],
            *goods(lambda a, n, p, _: [int(a[-1]), a, n, "шт", p]),
        ],
        1, 1, 2, 4,
    ),
    Kind(
        "prices by quantity",
        [
            ["Код", "Наименование", "Цены, руб.", None, None],
            [None, None, "от 10 шт", "от 50 шт", "от 100 шт"],
            *goods(lambda a, n, p, _: [a, n, p, p * 0.9, p * 0.8]),
        ],
        2, 0, 1, 2,
    ),
    Kind(
        "a header of three lines below a title",
        [
            ["Прайс"],
            ["Код", "Наименование", "Цена", None, None, None],
            [None, None, "Опт", None, "Розница", None],
            [None, None, "BYN", "USD", "BYN", "USD"],
            *goods(lambda a, n, p, _: [a, n, p, p / 3, p * 2, p]),
        ],
        4, 0, 1, 2,
    ),
    Kind(
        "a currency in the second line",
        [
            ["Артикул", "Наименование", "Оптовая цена", None, "Остаток"],
            [None, None, "руб.", "у.е.", None],
            *goods(lambda a, n, p, q: [a, n, p, p / 3, q]),
        ],
        2, 0, 1, 2,
    ),
    Kind(
        "the currency in a title",
        [
            ["Прайс-лист. Цены указаны в долларах США"],
            [],
            ["Артикул", "Наименование", "Цена"],
            *goods(lambda a, n, p, _: [a, n, p]),
        ],
        3, 0, 1, 2, "USD",
    ),
    Kind(
        "a rate of exchange in a title",
        [
            ["Курс USD = 3.25"],
            ["Артикул", "Наименование", "Цена"],
            *goods(lambda a, n, p, _: [a, n, p]),
        ],
        2, 0, 1, 2,
    ),
    Kind(
        "currencies in a column without a header",
        [
            ["Артикул", "Наименование", "Цена", None],
            *goods(lambda a, n, p, _: [a, n, p, "EUR"]),
        ],
        1, 0, 1, 2, "EUR",
    ),
    Kind(
        "an order form",
        [
            ["Артикул", "Наименование", "Цена", "Заказ", "Сумма"],
            ["Инструмент", None, None, None, 0],
            *goods(lambda a, n, p, _: [a, n, p, None, 0]),
            ["Итого:", None, None, None, 0],
        ],
        1, 0, 1, 2,
    ),
    Kind(
        "tax beside the price",
        [
            ["Код", "Товар", "Цена без НДС", "Ставка НДС", "Цена с НДС"],
            *goods(lambda a, n, p, _: [a, n, p, 20, p * 1.2]),
        ],
        1, 0, 1, 2,
    ),
    Kind(
        "a discount before the price",
        [
            ["Код", "Товар", "Скидка, %", "Цена, руб", "Цена со скидкой, руб"],
            *goods(lambda a, n, p, _: [a, n, 10, p, p * 0.9]),
        ],
        1, 0, 1, 3,
    ),
    Kind(
        "an old price before the new one",
        [
            ["Код", "Товар", "Старая цена", "Новая цена"],
            *goods(lambda a, n, p, _: [a, n, p * 2, p]),
        ],
        1, 0, 1, 3,
    ),
    Kind(
        "years and bar codes",
        [
            ["Штрихкод", "Название книги", "Автор", "Год", "Цена"],
            *goods(lambda a, n, p, _: [4006381333931 + int(a[-1]), n, "Иванов", 2019, p]),
        ],
        1, None, 1, 4,
    ),
    Kind(
        "no header, with a counter and quantities",
        goods(lambda a, n, p, q: [int(a[-1]), a, n, "шт", q + 1, f"{p:.2f}"]),
        0, 1, 2, 5,
    ),
    Kind(
        "pieces in a package",
        [
            ["Код", "Наименование", "Кол-во в уп.", "Цена за 1 шт", "Цена за упаковку"],
            *goods(lambda a, n, p, _: [a, n, 10, p, p * 10]),
        ],
        1, 0, 1, 3,
    ),
    Kind(
        "English words, the name called a description",
        [["Item", "Description", "Pack", "Price"], *goods(lambda a, n, p, _: [a, n, "12x1", p])],
        1, 0, 1, 3,
    ),
    Kind(
        "Ukrainian words",
        [
            ["Код", "Найменування товару", "Од. вим.", "Ціна, грн", "Залишок"],
            *goods(lambda a, n, p, q: [a, n, "шт", p, q]),
        ],
        1, 0, 1, 3, "UAH",
    ),
    Kind(
        "Belarusian words",
        [
            ["Артыкул", "Назва тавару", "Адзінка вымярэння", "Цана", "Наяўнасць"],
            *goods(lambda a, n, p, _: [a, n, "шт", p, "ёсць"]),
        ],
        1, 0, 1, 3,
    ),
    Kind(
        "a header far down",
        [
            *ABOVE,
            ["Артикул", "Наименование", "Цена"],
            *goods(lambda a, n, p, _: [a, n, p]),
        ],
        40, 0, 1, 2,
    ),
    Kind(
        "a price without a header",
        [["Код", "Наименование", None], *goods(lambda a, n, p, _: [a, n, p])],
        1, 0, 1, 2,
    ),
    Kind(
        "names of fields",
        [
            ["id", "product_name", "category_id", "unit_price", "old_price", "stock_qty"],
            *goods(lambda a, n, p, q: [int(a[-1]), n, 5, p, p * 2, q]),
        ],
        1, 0, 1, 3,
    ),
    Kind(
        "notes and a signature below",
        [
            ["Код", "Наименование", "Цена"],
            *goods(lambda a, n, p, _: [a, n, p]),
            [],
            ["* Цены действительны до 31.12.2026"],
            ["Директор", None, "Иванов И.И."],
            ["тел. +375 29 111-11-11"],
        ],
        1, 0, 1, 2,
    ),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.title)
def test_a_list_is_read_without_configuration(kind: Kind) -> None:
    found = read(kind.rows)

    (sheet,) = found.sheets
    assert (sheet.items, sheet.price_sum.quantize(Decimal("0.01"))) == (4, SUM)
    assert (sheet.rejected, sheet.no_price) == (0, 0)
    assert sheet.header_row == kind.header_row
    assert sheet.columns.get("sku") == kind.sku
    assert (sheet.columns["name"], sheet.columns["price"]) == (kind.name, kind.price)
    assert {row.price.currency for row in found.accepted} == {kind.currency}


def test_titles_with_a_code_of_their_own_are_sections() -> None:
    found = read([
        ["Код", "Наименование", "Ед.", "Цена"],
        ["01", "Инструмент"],
        ["A-1", "Дрель", "шт", 5],
        ["02", "Крепёж", "`"],
        ["B-1", "Болт", "шт", 6],
        ["B-2", "Гайка", "шт", 7],
        ["03", "Пустой раздел"],
    ])  # fmt: skip

    assert [row.characteristics["_category"] for row in found.accepted] == [
        "Инструмент", "Крепёж", "Крепёж",
    ]  # fmt: skip
    assert found.sheets[0].sections == 2


def test_a_total_is_no_item_and_an_oil_called_total_is_one() -> None:
    found = read([
        ["Код", "Наименование", "Цена"],
        ["1", "Total Quartz 9000 5W40", 50],
        ["2", "TOTAL Ineo", 60],
        ["3", "Mobil 1", 70],
        [None, "Total", 180],
        ["Grand total:", None, 180],
        [None, "Всего к оплате", 180],
    ])  # fmt: skip

    assert [row.name for row in found.accepted] == [
        "Total Quartz 9000 5W40", "TOTAL Ineo", "Mobil 1",
    ]  # fmt: skip
    assert found.without_item == ()


def test_a_name_that_stands_once_belongs_to_the_lines_below_it() -> None:
    found = read([
        ["Наименование", "Размер", "Цена"],
        ["Труба", "20", 1], ["", "25", 2], ["", "32", 3], ["Муфта", "20", 4], ["", "25", 5],
    ])  # fmt: skip

    assert [row.name for row in found.accepted] == ["Труба"] * 3 + ["Муфта"] * 2
    assert len({row.sku for row in found.accepted}) == 5


def test_a_column_that_is_filled_far_below_is_kept() -> None:
    rows: Rows = [["Код", "Наименование", "Цена", "Гарантия"]]
    rows += [[str(i), f"Товар {i}", i + 1] for i in range(3_000)]
    rows += [["x", "Последний", 5, "12 мес.", None, "снят"]]

    last = read(rows).accepted[-1]

    assert last.characteristics == {"гарантия": "12 мес.", "column_6": "снят"}


def test_few_and_repeated_article_numbers_are_none() -> None:
    found = read([
        ["№ по каталогу", "Наименование", "Цена"],
        ["НИВА", "Шина 1", 5], [None, "Шина 2", 6], ["НИВА", "Шина 3", 7], ["матиз", "Шина 4", 8],
        ["НИВА", "Шина 5", 5], [None, "Шина 6", 6], [None, "Шина 7", 7], [None, "Шина 8", 8],
    ])  # fmt: skip

    assert len({row.sku for row in found.accepted}) == 8
    assert found.accepted[0].characteristics == {"№_по_каталогу": "НИВА"}


def test_the_end_of_a_name_before_a_price_is_left_out_of_pdfs_only() -> None:
    rows: Rows = [["Code", "Product", "Price"], ["A", "Tea", "1.20"], ["B", "Rice", "R* 119.99"]]

    assert read(rows, FileType.PDF).sheets[0].price_sum == Decimal("121.19")
    assert len(read(rows).rejected) == 1


def test_the_sum_is_of_the_prices_before_rounding() -> None:
    (sheet,) = read(
        [["Товар", "Цена"], ["Вал", "214.014"], ["Ось", "1.5"], ["Шкив", 2.125]]
    ).sheets

    assert sheet.price_sum == Decimal("217.639")


@pytest.mark.parametrize(
    ("cell", "amount"),
    [("от 99", "99"), ("from 12.50", "12.5"), ("15 руб. 50 коп.", "15.5"), ("2 р 5 к", "2.05")],
)
def test_a_least_price_and_roubles_with_kopecks_are_read(cell: str, amount: str) -> None:
    price = parse_price(cell)

    assert isinstance(price, ParsedPrice)
    assert price.amount == Decimal(amount)


AMOUNTS = st.decimals(Decimal("0.01"), Decimal("99999999.99"), places=2)
FORMS = [
    ("{}", ",", "."),
    ("{} руб.", "\u00a0", ","),
    ("{}р.", ",", "."),
    ("{} BYN", " ", ","),
    ("${}", ",", "."),
    ("{}", "'", "."),
    ("{} €", ".", ","),
    ("{}", "\u202f", ","),
    ("от {}", " ", ","),
]


@given(AMOUNTS, st.sampled_from(FORMS))
def test_what_is_written_as_a_price_is_read_back(
    amount: Decimal, form: tuple[str, str, str]
) -> None:
    pattern, groups, mark = form
    text = pattern.format(f"{amount:,.2f}".translate({ord(","): groups, ord("."): mark}))

    price = parse_price(text, mark=DecimalMark(mark))

    assert isinstance(price, ParsedPrice)
    assert price.amount == amount


@given(st.text(alphabet="0123456789", max_size=15))
def test_a_check_digit_is_right_when_the_standard_says_so(text: str) -> None:
    assert is_gtin(text) == ean.is_valid(text)


@given(st.text(max_size=600), st.text(max_size=300))
def test_texts_are_kept_within_their_lengths_and_fit_json(name: str, sku: str) -> None:
    found = read([["Код", "Наименование", "Цена"], ["0", "Чай", 1], [sku, name, 5]])

    for row in found.accepted:
        assert 1 <= len(row.name) <= 500
        assert 1 <= len(row.sku) <= 255
        assert "\x00" not in row.name
        json.dumps(row.name).encode("utf-8")
        row.name.encode("utf-8")
