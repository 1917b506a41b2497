"""A found layout, made better by what the cells say: codes and currencies without a header.

What somebody said about a column is never changed.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from marketbel_core.intake.columns import body_of, columns_of, keys_of, priced_rows
from marketbel_core.intake.content_columns import (
    barcode_column,
    code_column,
    currency_column,
    is_dirty_sku,
)
from marketbel_core.intake.header_lines import header_meaning
from marketbel_core.intake.header_words import VARIANT, VOLATILE
from marketbel_core.intake.headers import Role, folded_header
from marketbel_core.intake.layout import Layout
from marketbel_core.intake.money_words import currency_in_title
from marketbel_core.intake.sample import SheetSample
from marketbel_core.intake.text import cell_text

__all__ = ["SheetFacts", "facts_of", "refined"]

_STEADY_MIN: Final = 0.95
_TELLING_MIN: Final = 0.5
_INHERITING_MIN: Final = 0.15
_ROWS_MIN: Final = 3
_LINES_BELOW: Final = 12
_VARIANT_ROLES: Final = (Role.PACK, Role.VENDOR_CODE, Role.BARCODE)
_NO_TELLERS: Final = frozenset({
    Role.PRICE, Role.STOCK, Role.LINK, Role.IMAGE, Role.DESCRIPTION, Role.CURRENCY, Role.NAME,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFacts:
    """What is known of a sheet beside its layout.

    Attributes:
        variants: Columns whose values make of one name several items.
        tellers: Further columns that may tell rows of one name apart.
        steady: Columns that every product fills: a line without them is a title.
        inherits_names: Whether a blank name means the one above.
        currency: The currency that a line outside the table names.
    """

    variants: tuple[int, ...] = ()
    tellers: tuple[int, ...] = ()
    steady: tuple[int, ...] = ()
    inherits_names: bool = False
    currency: str | None = None


def refined(sheet: SheetSample, layout: Layout, *, said: Collection[str] = ()) -> Layout:
    """Return the layout with the columns that only their cells give away.

    Args:
        sheet: The sample that the layout was found by.
        layout: What the header gave.
        said: The roles whose columns somebody named.
    """
    rows = priced_rows(body_of(sheet, layout.data_start_row - 1), layout.columns[Role.PRICE])
    if len(rows) < _ROWS_MIN:
        return layout
    texts = [[cell_text(cell) for cell in row] for row in rows]
    figures = columns_of(rows)
    columns = dict(layout.columns)
    others = dict(layout.characteristic_columns)
    reasons = list(layout.reasons)
    sku = columns.get(Role.SKU)
    if sku is not None and Role.SKU not in said and is_dirty_sku(figures.get(sku), len(rows)):
        others |= keys_of([sku], layout.headers)
        reasons.append(
            f"column {sku + 1} repeats its article numbers: they are made from the names"
        )
    is_understood = any(
        meaning is not None and meaning.role in {Role.NAME, Role.SKU}
        for meaning in map(header_meaning, layout.headers.values())
    )
    untitled = [column for column in others if not (is_understood and layout.headers.get(column))]
    price = columns[Role.PRICE]
    # Without a header, figures behind the price are pieces, other prices, bar codes.
    coded = untitled if is_understood else [column for column in untitled if column < price]
    for role, found in (
        (Role.CURRENCY, currency_column(texts, untitled)),
        (Role.BARCODE, barcode_column(texts, untitled)),
        (Role.SKU, code_column(figures, texts, coded)),
    ):
        if role not in columns and found is not None and found not in columns.values():
            columns[role] = found
            others.pop(found, None)
            reasons.append(f"column {found + 1} is for {role} by what stands in it")
    maker = columns.get(Role.VENDOR_CODE)
    if (
        maker is not None
        and not {Role.VENDOR_CODE, Role.SKU} & set(said)
        and Role.SKU not in columns
        and not is_dirty_sku(figures.get(maker), len(rows))
    ):
        columns[Role.SKU] = columns.pop(Role.VENDOR_CODE)
        reasons.append(f"column {maker + 1} has the only article numbers: the makers' ones")
    return replace(layout, columns=columns, characteristic_columns=others, reasons=tuple(reasons))


def facts_of(sheet: SheetSample, layout: Layout) -> SheetFacts:
    """Return what else the sample says about the sheet."""
    rows = priced_rows(body_of(sheet, layout.data_start_row - 1), layout.columns[Role.PRICE])
    texts = [[cell_text(cell) for cell in row] for row in rows]
    filled = {
        column: sum(column < len(row) and bool(row[column]) for row in texts)
        for column in {*layout.columns.values(), *layout.characteristic_columns}
    }
    others = layout.characteristic_columns
    variants = [
        column
        for column in others
        if VARIANT.search(folded_header(layout.headers.get(column, "")))
    ] + [layout.columns[role] for role in _VARIANT_ROLES if role in layout.columns]
    tellers = [
        column
        for column in others
        if column not in variants
        and not VOLATILE.search(folded_header(layout.headers.get(column, "")))
        and filled[column] > _TELLING_MIN * len(rows)
    ] + [
        column
        for role, column in layout.columns.items()
        if role not in _NO_TELLERS and column not in variants
    ]
    prices = {layout.columns[Role.PRICE], *layout.price_columns.values()}
    known = {layout.columns[Role.NAME], layout.columns.get(Role.SKU), *prices}
    return SheetFacts(
        variants=tuple(sorted(variants)),
        tellers=tuple(sorted(tellers)),
        steady=tuple(
            column
            for column, count in sorted(filled.items())
            if column not in known and len(rows) >= _ROWS_MIN and count >= _STEADY_MIN * len(rows)
        ),
        inherits_names=_inherits_names(layout, texts, variants),
        currency=_title_currency(sheet, layout),
    )


def _inherits_names(layout: Layout, texts: list[list[str]], variants: Collection[int]) -> bool:
    """Tell whether names stand once above their variants: many lines have a price and no name.

    A line with an article number of its own is one only if it says which variant it is.
    """
    name, sku = layout.columns[Role.NAME], layout.columns.get(Role.SKU)
    nameless = [row for row in texts if name >= len(row) or not row[name]]
    coded = sum(sku is not None and sku < len(row) and bool(row[sku]) for row in nameless)
    told = any(all(column < len(row) and row[column] for row in nameless) for column in variants)
    return (
        len(texts) >= _ROWS_MIN
        and (coded == 0 or told)
        and len(nameless) >= _INHERITING_MIN * len(texts)
        and bool(texts[0][name : name + 1] and texts[0][name])
        and all(len([text for text in row if text]) > 1 for row in nameless)
    )


def _title_currency(sheet: SheetSample, layout: Layout) -> str | None:
    """Return the currency that the lines above the header name, else the last lines."""
    lines = layout.header_row or layout.data_start_row
    above = [
        row
        for row in sheet.rows[: lines - 1]
        if layout.header_words.isdisjoint(map(cell_text, row))
    ]
    below = (*sheet.rows, *sheet.further)[-_LINES_BELOW:]
    alone = [row for row in below if sum(map(bool, map(cell_text, row))) == 1]
    for row in (*above, *alone):
        for cell in row:
            named = currency_in_title(cell_text(cell)) if isinstance(cell, str) else None
            if named is not None:
                return named
    return None
