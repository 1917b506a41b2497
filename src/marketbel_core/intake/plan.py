"""What an import would change, and the limits beyond which a person is asked first."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, Self

from marketbel_core.catalog import GivenLayout, Money
from marketbel_core.intake.remembered import RememberedLayout

__all__ = [
    "STALE_KEY",
    "Difference",
    "DifferenceKind",
    "HoldReason",
    "ImportFigures",
    "ImportRules",
    "MissingPolicy",
    "SafetyLimits",
    "content_key",
    "essential_changes",
    "hold_reasons",
    "is_moved",
    "version_of",
]

STALE_KEY: Final = "_stale"
"""The characteristic that marks an item which its supplier's last list did not name."""

_READING_VERSION: Final = "1"
"""Part of what makes a file the same one: raised when the same bytes would be read otherwise."""

_METADATA_KEYS: Final = {
    "rows_min_percent": "import_rows_min_percent",
    "known_min_percent": "import_known_min_percent",
    "price_move_max_percent": "import_price_move_max_percent",
    "moved_rows_max_percent": "import_moved_rows_max_percent",
}
_MISSING_KEY: Final = "missing_items"
_ESSENTIAL: Final = ("sku", "name", "price")
"""Columns by which items are known and priced: another one in their place spoils a catalogue."""

_WHOLE: Final = 100


class MissingPolicy(StrEnum):
    """What becomes of an item that its supplier's new list does not name."""

    KEEP = "keep"  # it stays as it is; that it is missing is noted beside it
    STALE = "stale"  # it gets the characteristic `_stale`
    UNAVAILABLE = "unavailable"  # its characteristic `in_stock` becomes false


class DifferenceKind(StrEnum):
    """How an item differs from what is stored."""

    INSERTED = "inserted"  # it is not stored yet
    UPDATED = "updated"  # it says something else
    REPRICED = "repriced"  # the same, its price among it
    UNAVAILABLE = "unavailable"  # it is listed without a price
    MISSING = "missing"  # the list does not name it


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFigures:
    """What an import did: accepted rows = inserted + updated + unchanged + merged.

    Attributes:
        merged: Rows whose sku came again later in the list; the last one won.
        repriced: How many of the updated ones changed in price.
        moved: How many of those moved by more than the limit.
        rejected: Rows that were not accepted.
        no_price: Products without a price.
        unavailable: Known items that became unavailable because their row has no price.
        missing: Items of the supplier that the list does not name.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    merged: int = 0
    repriced: int = 0
    moved: int = 0
    rejected: int = 0
    no_price: int = 0
    unavailable: int = 0
    missing: int = 0

    @property
    def accepted(self) -> int:
        """All rows that were accepted."""
        return self.inserted + self.updated + self.unchanged + self.merged

    @property
    def items(self) -> int:
        """All items that the list priced."""
        return self.accepted - self.merged

    @property
    def named(self) -> int:
        """The known items that the list names, less those that are unavailable already."""
        return self.updated + self.unchanged + self.unavailable

    @property
    def read(self) -> int:
        """All rows that should have been items."""
        return self.accepted + self.rejected + self.no_price


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One item that an import changes.

    Attributes:
        before: The price that is stored; `None` for a new item.
        after: The price that the list says; `None` where it says none.
    """

    kind: DifferenceKind
    sku: str
    name: str
    before: Money | None = None
    after: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReason:
    """Why an import waits for a person.

    Attributes:
        code: Stable, for machines: `import.too_few_rows`, `import.too_few_known`,
            `import.price_moves`, `import.layout_changed`.
        message: One sentence for people.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyLimits:
    """Beyond these an import is held.

    Attributes:
        rows_min_percent: A list has at least so many percent of the rows of the list that was
            applied last; 0 switches the limit off.
        known_min_percent: A list names at least so many known items, in percent of the items of
            the list that was applied last; 0 switches the limit off. It tells another supplier's
            list, and one with new skus, from one that changed.
        price_move_max_percent: A price that moves by more, up or down, counts as moved.
        moved_rows_max_percent: At most so many percent of the known items that the list names
            may have moved; 100 switches the limit off.
    """

    rows_min_percent: Decimal = Decimal(50)
    known_min_percent: Decimal = Decimal(10)
    price_move_max_percent: Decimal = Decimal(50)
    moved_rows_max_percent: Decimal = Decimal(20)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value.is_finite() or value < 0:
                raise ValueError(f"{field.name} must be a finite number >= 0, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRules:
    """How a supplier's lists are imported."""

    limits: SafetyLimits = SafetyLimits()
    missing: MissingPolicy = MissingPolicy.KEEP

    def of(self, metadata: Mapping[str, object]) -> Self:
        """Return the rules of a supplier: these, but for what its metadata says.

        The keys are `import_rows_min_percent`, `import_known_min_percent`,
        `import_price_move_max_percent`, `import_moved_rows_max_percent` (numbers) and
        `missing_items` (a policy). A value that is none of that is passed over.
        """
        said = {name: _percent(metadata.get(key)) for name, key in _METADATA_KEYS.items()}
        limits = replace(
            self.limits, **{name: value for name, value in said.items() if value is not None}
        )
        wish = str(metadata.get(_MISSING_KEY, "")).strip().lower()
        known = {policy.value: policy for policy in MissingPolicy}
        return replace(self, limits=limits, missing=known.get(wish, self.missing))


def hold_reasons(
    figures: ImportFigures,
    *,
    limits: SafetyLimits,
    last: ImportFigures | None,
    layout_changes: Sequence[str] = (),
) -> tuple[HoldReason, ...]:
    """Return why an import with these figures has to wait; nothing means that it need not.

    Args:
        figures: What it would change.
        limits: The supplier's.
        last: What the list that was applied last did; `None` before the first.
        layout_changes: How its columns differ from those of the list before, in sentences.
    """
    reasons: list[HoldReason] = []
    rows_before = last.accepted if last else 0
    if figures.accepted * _WHOLE < rows_before * limits.rows_min_percent:
        reasons.append(
            HoldReason(
                code="import.too_few_rows",
                message=f"the list has {figures.accepted} rows, the one before had "
                f"{rows_before}: less than {limits.rows_min_percent:f} %",
            )
        )
    items_before = last.items if last else figures.named + figures.missing
    if figures.inserted and figures.named * _WHOLE < items_before * limits.known_min_percent:
        reasons.append(
            HoldReason(
                code="import.too_few_known",
                message=f"the list names {figures.named} known items and {figures.inserted} new "
                f"ones, where there were {items_before}: fewer than "
                f"{limits.known_min_percent:f} % come again; is it another supplier's list, or "
                "are its skus new?",
            )
        )
    known = figures.updated + figures.unchanged
    if figures.moved * _WHOLE > known * limits.moved_rows_max_percent:
        reasons.append(
            HoldReason(
                code="import.price_moves",
                message=f"{figures.moved} of {known} prices move by more than "
                f"{limits.price_move_max_percent:f} %: more than "
                f"{limits.moved_rows_max_percent:f} % of them",
            )
        )
    if layout_changes:
        told = "; ".join(layout_changes)
        reasons.append(
            HoldReason(code="import.layout_changed", message=f"the columns have changed: {told}")
        )
    return tuple(reasons)


def essential_changes(before: RememberedLayout, after: RememberedLayout) -> tuple[str, ...]:
    """Return how the columns of skus, names and prices differ from those of the list before.

    A column is known by its header, and by its place where there is none. Other columns may come,
    go and move: what they said is kept or missed, but no item is taken for another one by it.
    """
    told: list[str] = []
    for role in _ESSENTIAL:
        was, now = _column_of(before, role), _column_of(after, role)
        if was is not None and was.casefold() != (now or "").casefold():
            told.append(
                f"the {role} was in {was!r} and is now in {now!r}"
                if now
                else f"the {role} was in {was!r} and is in no column now"
            )
    return tuple(told)


def is_moved(before: Money, after: Money, *, max_percent: Decimal) -> bool:
    """Tell whether a price moved by more than `max_percent`; another currency always does."""
    if before.currency != after.currency:
        return True
    return abs(after.amount - before.amount) * _WHOLE > before.amount * max_percent


def content_key(
    sha256: str, *, sheet_name: str | None = None, layout: GivenLayout | None = None
) -> str:
    """Return what names a file together with the way in which it is read, 64 characters.

    A file whose checksum is unknown ("") has none: the key is empty then, and equals no other.
    """
    if not sha256:
        return ""
    how = [sha256, _READING_VERSION, sheet_name, asdict(layout) if layout else None]
    told = json.dumps(how, sort_keys=True, default=str)
    return hashlib.sha256(told.encode(errors="replace")).hexdigest()


def version_of(items: str, last_import: str) -> str:
    """Return the version that a plan is bound to, 16 characters.

    Args:
        items: What the supplier's items are, as a fingerprint.
        last_import: The id of the supplier's last import, if there is one.
    """
    return hashlib.sha256(f"{items}\0{last_import}".encode()).hexdigest()[:16]


def _column_of(layout: RememberedLayout, role: str) -> str | None:
    column = layout.columns.get(role)
    if column is None:
        return None
    return layout.headers.get(column) or f"column {column + 1}"


def _percent(value: object) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        percent = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return percent if percent.is_finite() and percent >= 0 else None
