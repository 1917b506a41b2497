"""Suppliers and the places of their lists."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_adapters.testing.builders import a_supplier
from marketbel_core.catalog import SourceRef, SourceType, shown_location


@pytest.mark.parametrize("name", ["Я", "  padded  ", "x" * 255])
def test_a_name_has_1_to_255_characters(name: str) -> None:
    assert a_supplier(name=name).name == name


@pytest.mark.parametrize("name", ["", "   ", "\n\t", "x" * 256])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        a_supplier(name=name)


def test_a_supplier_has_no_wishes_unless_told() -> None:
    supplier = a_supplier()

    assert supplier.is_active
    assert supplier.use_ml_processing is None
    assert dict(supplier.metadata) == {}


@pytest.mark.parametrize("location", ["", " ", "\t\n"])
def test_a_source_is_somewhere(location: str) -> None:
    with pytest.raises(ValueError, match="location"):
        SourceRef(type=SourceType.CSV, location=location)


def test_a_source_means_every_sheet_unless_told() -> None:
    source = SourceRef(type=SourceType.EXCEL, location="/lists/march.xlsx")

    assert source.sheet_name is None
    assert source.original_filename is None


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://shop.example/march.xlsx", "https://shop.example/march.xlsx"),
        ("https://shop.example/march.xlsx?token=s3cret#s3cret", "https://shop.example/march.xlsx"),
        ("https://shop.example?token=s3cret", "https://shop.example"),
        ("https://user:s3cret@shop.example:8443/a", "https://shop.example:8443/a"),
        ("https://s3cret@shop.example", "https://shop.example"),
        ("HTTPS://user:s3cret@[::1]:80/a?s3cret", "HTTPS://[::1]:80/a"),
        ("https://user:s3@cret@shop.example/a", "https://shop.example/a"),
        ("https://user:s3cret/more@shop.example/a", "https://"),
        ("https://user:s3?cret@shop.example/a?s3cret", "https://"),
        ("https://user:s3#cret@shop.example/a", "https://"),
        ("https://user:s3cret\\@shop.example/a", "https://shop.example/a"),
        ("https:user:s3cret@shop.example/a?s3cret", "https:shop.example/a"),
        ("https:\\\\user:s3cret@shop.example\\a?s3cret", "https:\\\\shop.example\\a"),
        ("  ht\ntps://user:s3cret@shop.example/a?s3cret\t ", "https://shop.example/a"),
        ("https://[x?s3cret", "https://[x"),
        ("https://host:port/@a?s3cret", "https://"),
        ("https://shop.example/@team/a.csv", "https://shop.example/@team/a.csv"),
        ("ftp://user:s3cret@shop.example/a.csv", "ftp://shop.example/a.csv"),
        ("https://shop.example/a ?s3cret", "https://shop.example/a"),
        ("https://", "https://"),
        ("https://?s3cret", "https://"),
        ("https://?mail=s3@cret", "https://"),
        ("https://user:s3cret@/a", "https://"),
        ("https:https://user:s3cret@shop.example/a", "https:"),
    ],
)
def test_an_address_is_shown_without_credentials_and_parameters(location: str, shown: str) -> None:
    assert shown_location(location) == shown


@pytest.mark.parametrize(
    "location",
    [
        "/shared/uploads/what?.csv",
        "march #2.xlsx",
        "C:\\lists\\a?.csv",
        "a@b.csv",
        "",
        " x ",
        "x\n",
    ],
)
def test_a_path_is_shown_as_it_is(location: str) -> None:
    assert shown_location(location) == location


@given(location=st.text())
def test_showing_never_fails_and_shows_no_more_the_second_time(location: str) -> None:
    shown = shown_location(location)

    assert shown_location(shown) == shown


@given(
    host=st.from_regex(r"[a-z]{1,9}\.example(:[0-9]{1,5})?", fullmatch=True),
    user=st.text(st.characters(exclude_characters="/\\?#@", exclude_categories=["C", "Z"])),
    query=st.text(),
)
def test_what_is_shown_still_names_the_host(host: str, user: str, query: str) -> None:
    shown = shown_location(f"https://{user}@{host}/list.csv?{query}")

    assert (urlsplit(shown).netloc, urlsplit(shown).path) == (host, "/list.csv")


def test_a_shortened_address_is_completed_by_its_whole() -> None:
    whole = SourceRef(type=SourceType.CSV, location="https://u:p@e.com/a?token=1", sheet_name="1")

    assert whole.shown().completed_by(replace(whole, sheet_name="2")) == whole


def test_an_address_is_completed_by_nothing_but_its_whole() -> None:
    whole = SourceRef(type=SourceType.CSV, location="https://e.com/a?token=1")
    shortened = whole.shown()

    assert whole.completed_by(replace(whole, location="https://e.com/a?token=2")) == whole
    assert whole.completed_by(shortened) == whole
    assert shortened.completed_by(shortened) == shortened
    assert shortened.completed_by(replace(whole, location="https://e.com/b?token=1")) == shortened
