"""A list against a catalogue without a database, and the command that does it on csv files."""

import csv
from pathlib import Path

import pytest

from marketbel_core.errors import RefusedError
from marketbel_core.matching import Decision, features_of
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.listing import Listing, Record, one_to_one
from marketbel_runtime.cli.app import run

_HEAD = "id,name,category,brand,model,price,description"


def a_listing(*products: Record) -> Listing:
    return Listing(products)


def a_record(
    name_id: str, name: str, category: str, *, gtin: str = "", model: str = "", brand: str = ""
) -> Record:
    return Record(id=name_id, name=name, category=category, gtin=gtin, model=model, brand=brand)


def test_identical_names_do_not_collapse_and_the_first_wins() -> None:
    listing = a_listing(
        Record(id="old", name="Насос GSX-1300"), Record(id="young", name="Насос GSX-1300")
    )

    answer = listing.match(Record(id="i", name="насос gsx 1300"))

    assert answer.decision is Decision.LINK
    assert [product_id for product_id, _ in answer.candidates] == ["old", "young"]


def test_an_item_is_matched_inside_its_category() -> None:
    listing = a_listing(
        Record(id="p1", name="Насос GSX-1300", category="Насосы"),
        Record(id="p2", name="Насос GSX-1300", category="Сад"),
    )

    found = listing.match(Record(id="i", name="Насос GSX-1300", category="  САД "))

    assert [product_id for product_id, _ in found.candidates] == ["p2"]


@pytest.mark.parametrize("category", ["", "Неведомое"])
def test_an_unknown_category_is_matched_against_everything(category: str) -> None:
    listing = a_listing(
        Record(id="p1", name="Насос GSX-1300", category="Насосы"),
        Record(id="p2", name="Дрель HR-2470", category="Дрели"),
    )

    found = listing.match(Record(id="i", name="Дрель HR2470", category=category))

    assert found.candidates[0][0] == "p2"


@pytest.mark.parametrize(
    ("product", "item"),
    [
        ({"gtin": "4006381333931"}, {"gtin": "4006381333931"}),
        ({"model": "AB-1020", "brand": "Bosch"}, {"model": "ab 1020", "brand": "bosch"}),
    ],
)
def test_a_category_never_hides_an_equal_key(
    product: dict[str, str], item: dict[str, str]
) -> None:
    listing = a_listing(
        a_record("p1", "Помпа", "Насосы", **product),
        Record(id="p2", name="Дрель", category="Дрели"),
    )

    found = listing.match(a_record("i", "Агрегат", "Дрели", **item))

    assert (found.decision, found.candidates[0][0]) == (Decision.LINK, "p1")


def test_two_lines_of_one_list_that_differ_do_not_share_a_product() -> None:
    listing = a_listing(Record(id="p", name="Насос GSX-1300"))
    lines = [
        Record(id="a", name="Насос GSX-1300", supplier="s"),
        Record(id="b", name="Насос GSX-1300 красный", supplier="s"),
        Record(id="c", name="Насос GSX-1300", supplier="s"),
        Record(id="d", name="Насос GSX-1300 красный"),
    ]
    corpus = Corpus([features_of("Насос GSX-1300")])

    answers = list(one_to_one([listing.match(line) for line in lines], corpus))

    decisions = {answer.item.id: answer.decision for answer in answers}
    assert decisions["a"] is decisions["c"] is decisions["d"] is Decision.LINK
    assert decisions["b"] is Decision.REVIEW


def test_the_command_answers_every_item_once_in_order(tmp_path: Path) -> None:
    catalogue, items, out = (tmp_path / name for name in ("c.csv", "i.csv", "o.csv"))
    catalogue.write_text(
        f"{_HEAD}\np1,Насос GSX-1300,,,,,\np2,Краска белая 5 л,,,,10,\n", encoding="utf-8"
    )
    items.write_text(
        f"{_HEAD}\n9,Клей ПВА,,,,,\n2,насос gsx 1300,,,,,\n5,Краска белая 1 л,,,,x,\n",
        encoding="utf-8-sig",
    )

    status = run(
        ["match", "--catalogue", str(catalogue), "--items", str(items), "--out", str(out)]
    )

    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert status == 0
    assert [row["item_id"] for row in rows] == ["9", "2", "5"]
    assert [row["decision"] for row in rows] == ["new", "link", "review"]
    assert [row["product_id"] for row in rows] == ["", "p1", "p2"]
    assert all(len(row["score"].rpartition(".")[2]) == 2 for row in rows)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("id,name,category,brand,model,price\n", "match.column_missing"),
        ("", "match.column_missing"),
        (f"{_HEAD}\n1,a,,,,,\n1,b,,,,,\n", "match.id_repeated"),
        (f'{_HEAD}\n1,"a\n', "match.not_csv"),
    ],
)
def test_a_bad_table_is_refused_with_a_code(tmp_path: Path, text: str, code: str) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(text, encoding="utf-8")

    with pytest.raises(RefusedError) as refused:
        run(["match", "--catalogue", str(bad), "--items", str(bad), "--out", str(bad) + ".out"])

    assert refused.value.code == code


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(f"{_HEAD}\n1,Насос,,,,,\n".encode("cp1251"))

    with pytest.raises(RefusedError, match=r"UTF-8"):
        run(["match", "--catalogue", str(bad), "--items", str(bad), "--out", str(bad)])


def test_a_pair_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    status = run(["match", "explain", "Краска белая 0,5 л", "Краска белая 5 л"])

    told = capsys.readouterr().out
    assert status == 0
    assert "- The quantities differ." in told
    assert "+ Both say: " in told
