"""A given layout as the one text that a job's hash keeps of it; `''` means that none was given."""

import json
from collections.abc import Mapping

from marketbel_core.catalog import GivenLayout

__all__ = ["layout_from", "layout_text"]


def layout_text(layout: GivenLayout | None) -> str:
    """Return the layout as JSON; what was not said is left out."""
    if layout is None:
        return ""
    said = {
        "column_mapping": dict(layout.column_mapping) or None,
        "header_row": layout.header_row,
        "header_row_end": layout.header_row_end,
        "data_start_row": layout.data_start_row,
        "characteristic_columns": layout.characteristic_columns,
        "delimiter": layout.delimiter,
        "encoding": layout.encoding,
    }
    return json.dumps(
        {name: value for name, value in said.items() if value is not None}, ensure_ascii=False
    )


def layout_from(text: str) -> GivenLayout | None:
    """Return the layout that the text says; a field of a later version is passed over.

    Raises:
        ValueError: the text says no layout.
    """
    if not text:
        return None
    said: object = json.loads(text)
    if not isinstance(said, dict):
        raise ValueError("layout is no JSON object")  # noqa: TRY004  # what a stored text says
    columns = said.get("characteristic_columns")
    return GivenLayout(
        column_mapping=_mapping(said.get("column_mapping", {})),
        header_row=_row(said, "header_row"),
        header_row_end=_row(said, "header_row_end"),
        data_start_row=_row(said, "data_start_row"),
        characteristic_columns=None if columns is None else _texts(columns),
        delimiter=_text(said, "delimiter"),
        encoding=_text(said, "encoding"),
    )


def _row(said: Mapping[str, object], name: str) -> int | None:
    value = said.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError(f"layout: {name} is no whole number")


def _text(said: Mapping[str, object], name: str) -> str | None:
    value = said.get(name)
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"layout: {name} is no text")


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return tuple(value)
    raise ValueError("layout: characteristic_columns is no list of texts")


def _mapping(value: object) -> dict[str, str]:
    if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return value
    raise ValueError("layout: column_mapping does not map to texts")
