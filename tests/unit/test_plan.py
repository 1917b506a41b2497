"""Safety limits: what holds an import, what does not, and whose word counts."""

from decimal import Decimal

import pytest

from marketbel_core.catalog import GivenLayout, Money
from marketbel_core.intake.plan import (
    ImportFigures,
    ImportRules,
    MissingPolicy,
    SafetyLimits,
    content_key,
    essential_changes,
    hold_reasons,
    is_moved,
)
from marketbel_core.intake.remembered import RememberedLayout

_LIMITS = SafetyLimits(
    rows_min_percent=Decimal(50),
    known_min_percent=Decimal(20),
    price_move_max_percent=Decimal(30),
    moved_rows_max_percent=Decimal(10),
)


def codes(
    figures: ImportFigures, *, last: int | None = None, changes: tuple[str, ...] = ()
) -> list[str]:
    before = None if last is None else ImportFigures(unchanged=last)
    found = hold_reasons(figures, limits=_LIMITS, last=before, layout_changes=changes)
    return [reason.code for reason in found]


@pytest.mark.parametrize(
    ("accepted", "last", "is_held"),
    [(50, 100, False), (49, 100, True), (0, 100, True), (0, None, False), (3, 0, False)],
)
def test_a_list_with_too_few_of_the_last_rows_is_held(
    accepted: int, last: int | None, is_held: bool
) -> None:
    held = codes(ImportFigures(unchanged=accepted), last=last)

    assert held == (["import.too_few_rows"] if is_held else [])


@pytest.mark.parametrize(
    ("moved", "updated", "unchanged", "is_held"),
    [(1, 1, 9, False), (2, 2, 9, True), (1, 1, 0, True), (0, 5, 0, False)],
)
def test_a_list_with_too_many_moved_prices_is_held(
    moved: int, updated: int, unchanged: int, is_held: bool
) -> None:
    figures = ImportFigures(moved=moved, updated=updated, unchanged=unchanged, inserted=1_000)

    assert codes(figures) == (["import.price_moves"] if is_held else [])


@pytest.mark.parametrize(
    ("figures", "last", "is_held"),
    [
        (ImportFigures(inserted=100), 100, True),
        (ImportFigures(inserted=90, unchanged=19), 100, True),
        (ImportFigures(inserted=90, unchanged=12, updated=8), 100, False),
        (ImportFigures(inserted=90, unavailable=20), 100, False),
        (ImportFigures(unchanged=100, missing=100_000), 100, False),
        (ImportFigures(inserted=5, missing=100), None, True),
        (ImportFigures(inserted=5, unchanged=20, missing=80), None, False),
        (ImportFigures(inserted=5), None, False),
    ],
    ids=[
        *("none", "too few", "enough", "without a price", "many left out long ago"),
        *("first list, none", "first list, enough", "first of all"),
    ],
)
def test_a_list_that_names_hardly_any_known_item_is_held(
    figures: ImportFigures, last: int | None, *, is_held: bool
) -> None:
    assert codes(figures, last=last) == (["import.too_few_known"] if is_held else [])


def test_percentages_are_told_as_people_write_them() -> None:
    limits = SafetyLimits(
        rows_min_percent=Decimal("5E+1"),
        known_min_percent=Decimal("1E+1"),
        price_move_max_percent=Decimal("5E+1"),
        moved_rows_max_percent=Decimal("2E+1"),
    )

    reasons = hold_reasons(
        ImportFigures(inserted=5, updated=1, moved=1),
        limits=limits,
        last=ImportFigures(unchanged=100),
    )

    told = " ".join(reason.message for reason in reasons)
    assert len(reasons) == 3
    assert "E+" not in told
    assert "less than 50 %" in told


def test_rows_that_name_an_item_twice_do_not_count_as_two_items() -> None:
    last = ImportFigures(inserted=100, merged=900)
    figures = ImportFigures(inserted=1, unchanged=20, merged=900)

    assert hold_reasons(figures, limits=_LIMITS, last=last) == ()


def test_new_items_have_no_price_that_could_move() -> None:
    assert codes(ImportFigures(inserted=5)) == []


def test_every_reason_is_told() -> None:
    figures = ImportFigures(moved=1, updated=1)

    told = codes(figures, last=100, changes=("the price was elsewhere",))

    assert told == ["import.too_few_rows", "import.price_moves", "import.layout_changed"]


@pytest.mark.parametrize(
    ("before", "after", "is_far"),
    [
        ("10.00", "13.00", False),
        ("10.00", "13.01", True),
        ("10.00", "6.99", True),
        ("10.00", "7.00", False),
        ("0.00", "0.01", True),
        ("0.00", "0.00", False),
    ],
)
def test_a_price_moves_by_more_than_the_limit(before: str, after: str, is_far: bool) -> None:
    moved = is_moved(Money(Decimal(before)), Money(Decimal(after)), max_percent=Decimal(30))

    assert moved is is_far


def test_another_currency_is_always_a_move() -> None:
    price = Decimal("10.00")

    assert is_moved(Money(price), Money(price, "USD"), max_percent=Decimal(1_000))


def test_a_suppliers_own_words_win() -> None:
    said: dict[str, object] = {
        "import_rows_min_percent": 80,
        "import_known_min_percent": "0",
        "import_price_move_max_percent": " 12.5 ",
        "missing_items": "Unavailable",
    }

    rules = ImportRules(limits=_LIMITS).of(said)

    assert rules.missing is MissingPolicy.UNAVAILABLE
    assert rules.limits == SafetyLimits(
        rows_min_percent=Decimal(80),
        known_min_percent=Decimal(0),
        price_move_max_percent=Decimal("12.5"),
        moved_rows_max_percent=Decimal(10),
    )


@pytest.mark.parametrize("value", [True, None, "", "many", -1, "NaN", "-Infinity", [5], {"a": 1}])
def test_what_is_no_percentage_is_passed_over(value: object) -> None:
    rules = ImportRules(limits=_LIMITS, missing=MissingPolicy.STALE)

    assert rules.of({"import_rows_min_percent": value, "missing_items": value}) == rules


@pytest.mark.parametrize("value", [Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
def test_a_limit_is_a_number_from_nought(value: Decimal) -> None:
    with pytest.raises(ValueError, match="rows_min_percent"):
        SafetyLimits(rows_min_percent=value)


def test_bytes_read_in_another_way_are_another_list() -> None:
    keys = [
        content_key("a" * 64),
        content_key("b" * 64),
        content_key("a" * 64, sheet_name="Лист1"),
        content_key("a" * 64, layout=GivenLayout(delimiter=";")),
    ]

    assert len(set(keys)) == len(keys)
    assert all(len(key) == 64 for key in keys)
    assert content_key("a" * 64) == keys[0]
    assert content_key("", sheet_name="x") == ""


def a_layout(**headers: str) -> RememberedLayout:
    columns = {role: place for place, role in enumerate(headers)}
    return RememberedLayout(
        header_row=1,
        columns=columns,
        headers={columns[role]: text for role, text in headers.items() if text},
    )


def test_another_column_for_the_price_is_told() -> None:
    before = a_layout(sku="Код", name="Товар", price="Цена опт")
    after = a_layout(sku="код", name="Товар", price="Цена розница")

    assert essential_changes(before, after) == (
        "the price was in 'Цена опт' and is now in 'Цена розница'",
    )


def test_a_sku_that_is_gone_is_told_and_a_new_one_is_not() -> None:
    without, with_sku = (
        a_layout(name="Товар", price="Цена"),
        a_layout(name="Товар", price="Цена", sku="Код"),
    )

    assert essential_changes(with_sku, without) == (
        "the sku was in 'Код' and is in no column now",
    )
    assert essential_changes(without, with_sku) == ()


def test_columns_that_name_no_item_may_come_go_and_move() -> None:
    before = a_layout(sku="Код", name="Товар", price="Цена", stock="Наличие")
    after = a_layout(brand="Бренд", price="Цена", name="Товар", sku="Код")

    assert essential_changes(before, after) == ()


def test_columns_without_headers_are_known_by_their_places() -> None:
    before, after = a_layout(name="", price=""), a_layout(price="", name="")

    assert essential_changes(before, after) == (
        "the name was in 'column 1' and is now in 'column 2'",
        "the price was in 'column 2' and is now in 'column 1'",
    )
