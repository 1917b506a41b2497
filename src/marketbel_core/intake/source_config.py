"""From what somebody wrote about a list to where it rests and how it is laid out.

What a config leaves out stays unsaid: the defaults of its model are the neighbours', and a list
that differs from them would be read wrongly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import AliasChoices, BaseModel, ValidationError

from marketbel_core.catalog import GivenLayout, SourceRef, SourceType
from marketbel_core.errors import RefusedError
from marketbel_core.intake.faults import told_faults
from marketbel_core.intake.parser_configs import (
    ColumnMapping,
    CsvParserConfig,
    ExcelParserConfig,
    GoogleSheetsConfig,
    SourceConfig,
)

__all__ = ["SaidSource", "read_source_config", "source_of"]

_MODELS: Final[Mapping[SourceType, type[SourceConfig]]] = {
    SourceType.GOOGLE_SHEETS: GoogleSheetsConfig,
    SourceType.CSV: CsvParserConfig,
    SourceType.EXCEL: ExcelParserConfig,
}
_ROWS: Final = ("header_row", "header_row_end", "data_start_row")
_NOBODY_LOOKED: Final = {"header_row": 1, "data_start_row": 2}
"""What the admin interface writes into every message: the header of a list may be anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidSource:
    """A source as it was said.

    Attributes:
        unread: The names of what was said and changes nothing.
    """

    source: SourceRef
    unread: tuple[str, ...] = ()


def read_source_config(
    said: object, *, source_type: SourceType, name: str = "source_config"
) -> SaidSource:
    """Return the source that a config says.

    Args:
        said: The config's fields, under any name that is in use.
        source_type: How the supplier publishes; decides which fields there are.
        name: What the config is called in a refusal.

    Raises:
        RefusedError: it is no such config (`job.invalid`). Every wrong field is named; what it
            held is not repeated, for it may be a secret.
    """
    model = _MODELS[source_type]
    fields = dict(said) if isinstance(said, Mapping) else said
    if isinstance(fields, dict):
        fields["parser_type"] = source_type.value
    try:
        config = model.model_validate(fields)
    except ValidationError as error:
        raise RefusedError("job.invalid", told_faults(error, within=name)) from None
    return SaidSource(
        source=source_of(config),
        unread=tuple(f"{name}.{field}" for field in _unread(fields, model)),
    )


def source_of(config: SourceConfig) -> SourceRef:
    """Return where the list rests and what was said about its layout."""
    return SourceRef(
        type=SourceType(config.parser_type),
        location=config.location,
        sheet_name=config.sheet_name if "sheet_name" in config.model_fields_set else None,
        original_filename=config.original_filename,
        layout=_layout_of(config),
    )


def _layout_of(config: SourceConfig) -> GivenLayout | None:
    given = config.model_fields_set
    rows: dict[str, int] = {name: getattr(config, name) for name in _ROWS if name in given}
    if rows == _NOBODY_LOOKED and config.column_mapping is None:
        rows = {}
    if "header_row_end" in rows:
        rows.setdefault("header_row", config.header_row)
    delimiter = encoding = None
    if isinstance(config, CsvParserConfig):
        delimiter = config.delimiter if "delimiter" in given else None
        encoding = config.encoding if "encoding" in given else None
    layout = GivenLayout(
        column_mapping=config.column_mapping.headers() if config.column_mapping else {},
        characteristic_columns=config.characteristic_columns,
        delimiter=delimiter,
        encoding=encoding,
        **rows,
    )
    return None if layout == GivenLayout() else layout


def _unread(fields: object, model: type[BaseModel]) -> list[str]:
    if not isinstance(fields, Mapping):
        return []
    names = [str(name) for name in fields if name not in _names(model)]
    mapping = fields.get("column_mapping")
    if isinstance(mapping, Mapping):
        known = _names(ColumnMapping)
        names += [f"column_mapping.{role}" for role in mapping if role not in known]
    return names


def _names(model: type[BaseModel]) -> set[str]:
    """Return every name under which the model takes a field."""
    names = set(model.model_fields)
    for field in model.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            names.update(str(choice) for choice in field.validation_alias.choices)
    return names
