"""Article numbers for rows that have none."""

from hashlib import md5

from hypothesis import given
from hypothesis import strategies as st

from marketbel_core.intake import Cell, Grid, read_rows

HEADER: list[Cell] = ["Наименование", "Размер", "Цвет", "Остаток", "Цена"]


def skus_of(*rows: list[Cell], header: list[Cell] = HEADER) -> list[str]:
    grid = Grid(name="Лист1", rows=tuple(map(tuple, [header, *rows])))
    return [row.sku for row in read_rows([grid]).accepted]


def test_sizes_of_one_name_are_items_of_their_own() -> None:
    skus = skus_of(["Труба", "20", None, 1, 5], ["Труба", "25", None, 1, 5])

    assert len(set(skus)) == 2


def test_a_plain_name_gives_the_digits_of_its_md5() -> None:
    (sku,) = skus_of(["Чай", 5], header=["Товар", "Цена"])

    assert sku == "AUTO-" + md5("чай".encode(), usedforsecurity=False).hexdigest()[:8].upper()


def test_neither_price_nor_stock_nor_further_rows_change_an_article_number() -> None:
    before = skus_of(["Труба", "20", "синий", 1, 5], ["Кран", "1/2", None, 3, 7])

    after = skus_of(
        ["Муфта", "20", None, 8, 2],
        ["Кран", "1/2", None, 0, 9],
        ["Труба", "16", "синий", 4, 4],
        ["Труба", "20", "синий", 7, 6],
    )

    assert after[3] == before[0]
    assert after[1] == before[1]
    assert len(set(after)) == 4


def test_columns_in_another_order_change_no_article_number() -> None:
    before = skus_of(["Труба", "20", "синий", 1, 5])
    after = skus_of(
        ["синий", "20", "Труба", 5, 1],
        header=["Цвет", "Размер", "Наименование", "Цена", "Остаток"],
    )

    assert before == after


def test_another_column_tells_rows_of_one_name_apart() -> None:
    header: list[Cell] = ["Товар", "Страна", "Цена"]

    skus = skus_of(["Чай", "Индия", 5], ["Чай", "Китай", 5], ["Рис", "Китай", 5], header=header)

    assert len(set(skus)) == 3
    assert skus[2] == skus_of(["Рис", "Италия", 5], header=header)[0]


def test_rows_that_nothing_tells_apart_are_one_item_or_are_numbered_by_their_prices() -> None:
    skus = skus_of(["Чай", 5], ["Чай", 6], ["ЧАЙ", 5], ["Чай", 7], header=["Товар", "Цена"])

    assert skus == [skus[0], f"{skus[0]}-2", skus[0], f"{skus[0]}-3"]


def test_a_product_that_loses_its_price_keeps_its_article_number() -> None:
    priced = Grid(name="L", rows=(("Товар", "Цена"), ("Чай", 5), ("Рис", 6)))
    unpriced = Grid(name="L", rows=(("Товар", "Цена"), ("Чай", "звоните"), ("Рис", 6)))

    (row,) = read_rows([unpriced]).unpriced

    assert row.sku == read_rows([priced]).accepted[0].sku


NAMES = st.sampled_from(["Чай", "Кофе", "Рис", "Мак"])


@given(
    st.lists(st.tuples(NAMES, st.sampled_from(["10", "20", ""]), st.integers(1, 3)), min_size=1)
)
def test_one_article_number_is_never_given_to_two_prices(
    rows: list[tuple[str, str, int]],
) -> None:
    header = ("Товар", "Размер", "Цена")
    read = read_rows([Grid(name="L", rows=(header, *rows))]).accepted

    prices: dict[str, tuple[str, object]] = {}
    for row in read:
        said = (row.name, row.price)
        assert prices.setdefault(row.sku, said) == said
