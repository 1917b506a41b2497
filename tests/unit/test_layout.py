"""Where the header is, and which column is what."""

import pytest

from marketbel_core.intake import Cell, Grid, Layout, Role, find_layout
from marketbel_core.intake.layout import header_meaning


def a_grid(*rows: list[Cell]) -> Grid:
    return Grid(name="Лист1", rows=tuple(tuple(row) for row in rows))


def layout_of(*rows: list[Cell]) -> Layout:
    layout = find_layout(a_grid(*rows))
    assert layout is not None
    return layout


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("Артикул", Role.SKU),
        ("Код товара:", Role.SKU),
        ("№ по каталогу", Role.SKU),
        ("Product Code", Role.SKU),
        ("Артыкул", Role.SKU),
        ("Наименование товара", Role.NAME),
        ("Найменування", Role.NAME),
        ("Модель", Role.NAME),
        ("Product Description", Role.NAME),
        ("Цена с НДС* (BYN)", Role.PRICE),
        ("Опт, руб.", Role.PRICE),
        ("Розн.", Role.PRICE),
        ("РРЦ / INTERNET", Role.PRICE),
        ("МРЦ", Role.PRICE),
        ("Предзаказ (ПЗ)*, руб", Role.PRICE),
        ("Ціна", Role.PRICE),
        ("Unit Price", Role.PRICE),
        ("Цена на складе", Role.PRICE),
        ("Сток", Role.STOCK),
        ("Остаток на складе", Role.STOCK),
        ("Наличие", Role.STOCK),
        ("Кол-во", Role.STOCK),
        ("Qty", Role.STOCK),
        ("Ед. изм.", Role.UNIT),
        ("Вал.", Role.CURRENCY),
        ("Валюта цены", Role.CURRENCY),
        ("Price currency", Role.CURRENCY),
        ("Цена в валюте", Role.PRICE),
        ("Штрих-код", Role.BARCODE),
        ("Бренд", Role.BRAND),
        ("Производитель", Role.BRAND),
        ("Категория", Role.CATEGORY),
        ("Ссылка", Role.LINK),
        ("Кол-во в упаковке", Role.PACK),
        ("Фото", Role.IMAGE),
        ("Код производителя", Role.VENDOR_CODE),
        ("Цена за упаковку", Role.PRICE),
        ("Цена со скидкой", Role.PRICE),
        ("Назва товару", Role.NAME),
        ("Адзінка вымярэння", Role.UNIT),
        ("Виробник", Role.BRAND),
        ("Наименовние", Role.NAME),
        ("Артикуул", Role.SKU),
    ],
)
def test_a_header_word_has_a_role(header: str, role: Role) -> None:
    meaning = header_meaning(header)

    assert meaning is not None
    assert meaning.role is role


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Сумма",
        "Заказ, шт.",
        "Вес",
        "Изменение цены",
        "Скидка",
        "Стоимость доставки",
        "Дата изменения цены",
        "Тип цены",
        "НДС",
        "Код ТН ВЭД",
        "x",
    ],
)
def test_a_decoy_has_none(header: str) -> None:
    assert header_meaning(header) is None


def test_the_header_is_found_below_a_title_block() -> None:
    layout = layout_of(
        ["ООО «Ромашка»"],
        ["Прайс-лист на", "01.09.2026"],
        [],
        ["Артикул", "Наименование", "Ед.", "Цена, BYN", "Остаток", "Страна происхождения"],
        ["001", "Молоко", "шт", 2.5, 10, "РБ"],
        ["002", "Кефир", "шт", 2.7, 0, "РБ"],
    )

    assert layout.header_row == 4
    assert layout.data_start_row == 5
    assert layout.columns == {
        Role.SKU: 0, Role.NAME: 1, Role.UNIT: 2, Role.PRICE: 3, Role.STOCK: 4,
    }  # fmt: skip
    assert layout.characteristic_columns == {5: "страна_происхождения"}
    assert 0.8 <= layout.confidence <= 1
    assert layout.reasons == ("header in row 4",)


def test_a_header_of_two_lines_is_joined() -> None:
    layout = layout_of(
        ["Товар", "Цены, руб.", None, None],
        [None, "Опт", "Розница", "Закупка"],
        ["Мыло", 10, 15, 8],
        ["Пена", 20, 25, 18],
    )

    assert layout.header_row == 2
    assert layout.columns == {Role.NAME: 0, Role.PRICE: 1}
    assert layout.price_columns == {"wholesale": 1, "retail": 2, "purchase": 3}
    assert layout.headers[2] == "Цены, руб. Розница"


def test_the_leftmost_real_price_is_the_main_one() -> None:
    layout = layout_of(
        ["Наименование", "Цена по акции", "Опт", "РРЦ", "Опт 2"],
        ["Чай", None, 4, 5, 3],
        ["Кофе", None, 9, 12, 8],
    )

    assert layout.columns[Role.PRICE] == 2
    assert layout.price_columns == {"wholesale": 2, "retail": 3, "3": 4}


def test_stock_is_never_a_price() -> None:
    layout = layout_of(
        ["Название", "Сток", "Цена"], ["Чай", 400, 4.5], ["Кофе", 900, 9.5], ["Какао", 7, 3]
    )

    assert layout.columns[Role.PRICE] == 2
    assert layout.columns[Role.STOCK] == 1


def test_names_are_where_the_words_are_whatever_the_header_says() -> None:
    layout = layout_of(
        ["Наименование товаров", None, "Цена"],
        ["070891", "Самовыравнивающий состав", 17.23],
        ["070889", "Быстрый состав", 27.9],
    )

    assert layout.columns == {Role.SKU: 0, Role.NAME: 1, Role.PRICE: 2}
    assert "whatever the header says" in layout.reasons[1]


def test_a_name_column_may_have_no_header() -> None:
    layout = layout_of(
        [None, "Упаковка", "Опт, руб.", "РРЦ"],
        ["Сигнализация Альфа", "12 шт.", "2,400.00р.", "2,690.00р."],
        ["Сигнализация Бета", "12 шт.", "2,350.00р.", "2,790.00р."],
    )

    assert layout.columns == {Role.NAME: 0, Role.PACK: 1, Role.PRICE: 2}


def test_a_list_without_a_header_is_read_by_its_content() -> None:
    layout = layout_of(
        [1, "Омега-3, 90 капсул", 4600000001, "2190,50", "1781"],
        [2, "Таурин, 90 капсул", 4600000002, "1290,10", "1013"],
        [3, "Магний, 60 капсул", 4600000003, "990,00", "790,10"],
        [4, "Цинк, 60 капсул", 4600000004, "890,00", "700,10"],
    )

    assert (layout.header_row, layout.data_start_row) == (0, 1)
    assert layout.columns == {Role.NAME: 1, Role.PRICE: 3}
    assert layout.price_columns == {"2": 4}


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [["Содержание"], ["Трубы", "Фитинги"], ["Краны", "Котлы"]],
        [["Наименование", "Цена"]],
        [["Наименование", "Цена"], ["Чай", "звоните"]],
        [["Вид цены", "Номер колонки"], ["Оптовые", 17], ["Розничные", 23]],
        [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]],
    ],
)
def test_a_sheet_that_is_no_price_list_has_no_layout(rows: list[list[Cell]]) -> None:
    assert find_layout(a_grid(*rows)) is None


def test_columns_of_one_name_get_keys_of_their_own() -> None:
    layout = layout_of(
        ["Название", "Цена", "Цвет", "Цвет", None],
        ["Кружка", 5, "синий", "белый", "новинка"],
        ["Чашка", 6, "чёрный", "белый", None],
    )

    assert layout.characteristic_columns == {2: "цвет", 3: "цвет_4", 4: "column_5"}
