"""Suppliers and the places of their lists."""

import pytest

from marketbel_adapters.testing.builders import a_supplier
from marketbel_core.catalog import SourceRef, SourceType


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
