"""What is read from a name, and which spellings of it are one."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_core.matching import features_of
from marketbel_core.matching.features import _piece

_LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяabcdefghijklmnopqrstuvwxyz"
_NAMES = st.text(_LETTERS + _LETTERS.upper() + "Ёё0123456789 .,-/×()№", max_size=60)


def quantity(name: str) -> set[tuple[Decimal, str]]:
    return set(features_of(name).quantities)


def test_a_name_is_taken_apart() -> None:
    features = features_of("Дрель ударная Bosch GSB-13RE 600 Вт, 2 режима")

    assert features.words == {"drel", "udarn", "bosch", "rezhim"}
    assert features.codes == {"gsb13re"}
    assert features.quantities == {(Decimal(600), "w")}
    assert features.numbers == ("2",)
    assert features.text == "drel udarn bosch gsb13re 600w 2 rezhim"


@given(_NAMES)
def test_case_does_not_matter(name: str) -> None:
    assert features_of(name.upper()) == features_of(name) == features_of(name.lower())


@given(_NAMES, st.sampled_from(["  ", "\t", "\u00a0", "\n"]))
def test_blanks_do_not_matter(name: str, blank: str) -> None:
    spaced = blank + name.replace(" ", blank) + blank

    assert features_of(spaced) == features_of(name)


@given(st.text(max_size=80))
def test_any_text_at_all_has_features(name: str) -> None:
    features = features_of(name)

    assert features == features_of(name)
    assert list(features.numbers) == sorted(features.numbers)
    assert all(amount >= 0 for amount, _ in features.quantities)


@pytest.mark.parametrize(
    "spellings",
    [
        ["1,5 л", "1.5 l", "1500 мл", "1500ml", "1,50 Л", "1.5 л."],
        ["0,5 кг", "500 г", "500 гр.", "500 g", "0.5KG"],
        ["2,4 м", "240 см", "2400 мм", "2.4 M", "2400mm"],
        ["0,6 кВт", "600 Вт", "600W"],
        ["1 ТБ", "1000 ГБ", "1000gb"],
        ["12 В", "12v"],
        ["10 шт", "10 pcs", "10шт."],
    ],
)
def test_one_amount_is_one_quantity_however_it_is_written(spellings: list[str]) -> None:
    read = [features_of(f"Товар {spelling}") for spelling in spellings]

    assert all(features == read[0] for features in read)
    assert len(read[0].quantities) == 1
    assert not read[0].numbers
    assert not read[0].codes


@given(
    st.decimals(min_value=0, max_value=10_000, places=3),
    st.sampled_from(["л", "l", "Л", "L"]),
    st.sampled_from([",", "."]),
    st.sampled_from(["", " ", "\u00a0"]),
)
def test_litres_are_a_thousand_millilitres(
    litres: Decimal, unit: str, mark: str, blank: str
) -> None:
    written = f"Краска {litres:f}".replace(".", mark) + blank + unit
    base = f"Краска {litres * 1000:f} мл"

    assert features_of(written) == features_of(base)


@pytest.mark.parametrize(
    ("one", "other"),
    [("0.5 л", "5 л"), ("1 кг", "1 л"), ("12 В", "12 Вт"), ("5 м", "5 мм"), ("1.5 л", "15 л")],
)
def test_amounts_that_differ_stay_apart(one: str, other: str) -> None:
    assert quantity(one) != quantity(other)


@pytest.mark.parametrize("name", ["5 лампа", "5л0", "5 м2", "v.1.5 л2", "№5 Лето"])
def test_a_letter_that_goes_on_is_no_unit(name: str) -> None:
    assert quantity(name) == set()


@pytest.mark.parametrize(
    ("cyrillic", "latin"),
    [("А52", "A52"), ("МХ-500", "mx500"), ("ВТН-10", "BTH10"), ("СУ/7", "cy7"), ("Т1К", "T1K")],
)
def test_a_code_typed_with_look_alikes_is_the_same_code(cyrillic: str, latin: str) -> None:
    assert features_of(f"Насос {cyrillic}").codes == features_of(f"Насос {latin}").codes


@given(st.text("АВЕКМНОРСТУХ", min_size=1, max_size=4), st.integers(1, 9_999))
def test_every_look_alike_is_folded(letters: str, number: int) -> None:
    latin = letters.translate(str.maketrans("АВЕКМНОРСТУХ", "ABEKMHOPCTYX"))

    assert features_of(f"{letters}{number}x").codes == features_of(f"{latin}{number}X").codes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Самсунг", "samsung"),
        ("ёлка", "елка"),
        ("дрели", "дрель"),
        ("белая", "белый"),
        ("ＢＯＳＣＨ", "Bosch"),
        ("чай-пакет", "чай пакет"),
    ],
)
def test_words_that_people_take_for_one_are_one(one: str, other: str) -> None:
    assert features_of(one).words == features_of(other).words


def test_a_number_that_is_said_twice_stands_twice() -> None:
    assert features_of("Плита 600 600 300").numbers == ("300", "600", "600")
    assert features_of("Плита 600 300 300").numbers == ("300", "300", "600")


def test_a_decimal_comma_is_a_point() -> None:
    assert features_of("Сверло 3,5").numbers == features_of("Сверло 3.5").numbers == ("3.5",)


def test_a_name_of_signs_alone_says_nothing() -> None:
    features = features_of("*** !!! ---")

    assert features.text == ""
    assert not features.words | features.codes | features.quantities


def forget_what_was_read() -> None:
    features_of.cache_clear()
    _piece.cache_clear()


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_threads_that_read_names_at_once_read_what_one_alone_reads() -> None:
    endings = ["ельные", "ионная", "ьерного", "ющаяся", "ированных", "остями"]
    names = [
        f"{one}{two}{three}{ending}"
        for one, two, three in product(["стро", "водо", "интер"], "абвгде", "клмнор")
        for ending in endings
    ]
    forget_what_was_read()
    with ThreadPoolExecutor(max_workers=4) as threads:
        at_once = list(threads.map(features_of, names))
    forget_what_was_read()

    assert at_once == [features_of(name) for name in names]
