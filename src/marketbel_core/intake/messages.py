"""What others say when they want a price list read: every spelling that is in use, within bounds.

What is said is checked, not acted upon.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from marketbel_core.catalog import AMOUNT_MAX, SourceType
from marketbel_core.errors import RefusedError
from marketbel_core.intake.faults import told_faults
from marketbel_core.intake.parser_configs import (
    LenientModel,
    ParserType,
    SourceConfig,
    guessed_parser_type,
    parser_type_of,
)

__all__ = ["ParseTaskMessage", "ParsedItem", "Priority", "parse_message"]

_CENT: Final = Decimal("0.01")


class Priority(StrEnum):
    """How urgent the sender finds a message; told on, and decides nothing here."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


def _price(amount: Decimal) -> Decimal:
    cents = amount.quantize(_CENT, ROUND_HALF_UP) if abs(amount) <= AMOUNT_MAX + 1 else amount
    if not 0 <= cents <= AMOUNT_MAX:
        raise PydanticCustomError(
            "price_range", "a price is 0 to {most}", {"most": str(AMOUNT_MAX)}
        )
    return cents


def _strict_json(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise PydanticCustomError("json", "NaN and infinity are no JSON") from None
    return value


def _in_utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


class ParsedItem(LenientModel):
    """One line of a list, as a parser hands it on.

    Attributes:
        supplier_sku: The supplier's article number, 1 to 255 characters; also given as `sku`.
            `None` when the list has none.
        name: 1 to 500 characters.
        price: 0 to 99,999,999.99, rounded half up to the cent; also given as `current_price`.
        characteristics: Everything else that the line said; strict JSON.
    """

    supplier_sku: Annotated[str | None, Field(min_length=1, max_length=255)] = Field(
        default=None, validation_alias=AliasChoices("supplier_sku", "sku")
    )
    name: Annotated[str, Field(min_length=1, max_length=500)]
    price: Annotated[Decimal, AfterValidator(_price)] = Field(
        validation_alias=AliasChoices("price", "current_price")
    )
    characteristics: Annotated[dict[str, JsonValue], AfterValidator(_strict_json)] = Field(
        default_factory=dict
    )

    @property
    def sku(self) -> str | None:
        """The same as `supplier_sku`."""
        return self.supplier_sku


type _TaggedConfig = Annotated[SourceConfig, Field(discriminator="parser_type")]


class ParseTaskMessage(LenientModel):
    """A request to read one list. `supplier_id` alone will do: source and layout are known then.

    Attributes:
        task_id: 1 to 255 characters.
        parser_type: Guessed from the location when it is not said.
        supplier_name: 1 to 255 characters; not needed beside `supplier_id`.
        source_config: Not needed beside `supplier_id`, nor for a stub.
        retry_count: From 0.
        max_retries: 1 to 10.
        enqueued_at: When it was sent (aware, UTC); also given as `created_at`.
    """

    task_id: Annotated[str | None, Field(min_length=1, max_length=255)] = None
    parser_type: Annotated[ParserType | None, BeforeValidator(parser_type_of)] = None
    supplier_id: UUID | None = None
    supplier_name: Annotated[str | None, Field(min_length=1, max_length=255)] = None
    source_config: _TaggedConfig | None = None
    retry_count: Annotated[int, Field(ge=0)] = 0
    max_retries: Annotated[int, Field(ge=1, le=10)] = 3
    enqueued_at: Annotated[datetime, AfterValidator(_in_utc)] | None = Field(
        default=None, validation_alias=AliasChoices("enqueued_at", "created_at")
    )
    priority: Priority = Priority.NORMAL

    @model_validator(mode="before")
    @classmethod
    def _config_is_of_the_type_said(cls, said: object) -> object:
        if not isinstance(said, Mapping) or not isinstance(said.get("source_config"), Mapping):
            return said
        config: Mapping[str, object] = said["source_config"]
        known = parser_type_of(said.get("parser_type") or "")
        if known is ParserType.STUB or not config:
            return {name: value for name, value in said.items() if name != "source_config"}
        kind = known if isinstance(known, ParserType) else guessed_parser_type(config)
        return {
            **said,
            "parser_type": said.get("parser_type") or kind,
            "source_config": {**config, "parser_type": kind.value},
        }

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        if self.supplier_id is None and self.supplier_name is None:
            raise PydanticCustomError("supplier", "supplier_name or supplier_id is missing")
        needs_config = self.supplier_id is None and self.parser_type is not ParserType.STUB
        if needs_config and self.source_config is None:
            raise PydanticCustomError("config", "source_config is missing")
        return self

    @property
    def source_type(self) -> SourceType | None:
        """How the supplier publishes, in the words of the suppliers table; `None`: not said."""
        match self.parser_type:
            case None:
                return None
            case ParserType.STUB:
                return SourceType.CSV
            case known:
                return SourceType(known.value)


def parse_message(data: Mapping[str, object] | str | bytes) -> ParseTaskMessage:
    """Return the message that `data` says: its fields, or a JSON text of them.

    Raises:
        RefusedError: it is no such message (`job.invalid`). Every wrong field is named; what it
            held is not repeated, for it may be a secret.
    """
    try:
        if isinstance(data, str | bytes):
            return ParseTaskMessage.model_validate_json(data)
        return ParseTaskMessage.model_validate(data)
    except ValidationError as error:
        told = told_faults(error)
    raise RefusedError("job.invalid", f"the message cannot be used: {told}")
