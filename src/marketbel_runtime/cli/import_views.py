"""What people and programs see of imports: figures, reasons, differences."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from marketbel_core.catalog import Money
from marketbel_core.intake.plan import Difference, DifferenceKind, HoldReason, ImportFigures
from marketbel_core.ports import Import, UndoOutcome
from marketbel_core.use_cases import ImportPlan
from marketbel_runtime.cli.output import in_columns

__all__ = [
    "IMPORT_HEADS",
    "difference_lines",
    "difference_told",
    "figure_line",
    "import_cells",
    "import_lines",
    "import_told",
    "plan_lines",
    "plan_told",
    "reason_lines",
    "undo_line",
]

IMPORT_HEADS: Final = ("ID", "STATE", "AT (UTC)", "SUPPLIER", "ROWS", "FILE", "WHAT IT DID")

_WORDS: Final = (
    ("inserted", "new"),
    ("updated", "updated"),
    ("unchanged", "unchanged"),
    ("merged", "twice in the list"),
    ("repriced", "with another price"),
    ("moved", "of them far from before"),
    ("unavailable", "unavailable for want of a price"),
    ("missing", "missing from the list"),
    ("rejected", "rejected"),
    ("no_price", "without a price"),
)
_MARKS: Final = {
    DifferenceKind.INSERTED: "+",
    DifferenceKind.UPDATED: "~",
    DifferenceKind.REPRICED: "~",
    DifferenceKind.UNAVAILABLE: "!",
    DifferenceKind.MISSING: "-",
}
_NAME_LENGTH_MAX: Final = 60
_REJECTIONS_SHOWN: Final = 5
_KEPT_SHOWN: Final = 20


def figure_line(figures: ImportFigures) -> str:
    """Return the figures that are not 0, in words."""
    told = [f"{value} {word}" for key, word in _WORDS if (value := getattr(figures, key))]
    return ", ".join(told) or "nothing"


def plan_lines(plan: ImportPlan) -> list[str]:
    """Return a plan for people."""
    lines = [f"{plan.supplier_name}: {figure_line(plan.figures)}"]
    if plan.repeats is not None:
        lines.append(
            f"the same file was applied already, as import {plan.repeats.id}: nothing to do"
        )
    lines += [f"the columns have changed: {told}" for told in plan.layout_changes]
    lines += reason_lines(plan.reasons)
    lines += difference_lines(plan.differences)
    lines += [
        f"x row {each.row_number} of {each.sheet}: {each.message} ({each.code})"
        for each in plan.rejections[:_REJECTIONS_SHOWN]
    ]
    return lines


def plan_told(plan: ImportPlan) -> dict[str, object]:
    """Return a plan for programs."""
    return {
        "supplier": plan.supplier_name,
        "version": plan.version,
        "held": plan.is_held,
        "repeats": str(plan.repeats.id) if plan.repeats else None,
        "figures": _figures_told(plan.figures),
        "reasons": [asdict(reason) for reason in plan.reasons],
        "layout_changes": list(plan.layout_changes),
        "differences": [difference_told(each) for each in plan.differences],
        "rejections": [
            {
                "sheet": each.sheet,
                "row": each.row_number,
                "column": each.column,
                "value": each.value,
                "code": each.code,
                "message": each.message,
            }
            for each in plan.rejections
        ],
    }


def difference_lines(differences: Sequence[Difference]) -> list[str]:
    """Return differences for people, one a line, in columns."""
    return in_columns(
        [
            (f"{_MARKS[each.kind]} {each.sku}", _short(each.name), _prices(each))
            for each in differences
        ]
    )


def difference_told(difference: Difference) -> dict[str, object]:
    """Return a difference for programs; amounts are text."""
    return {
        "kind": difference.kind.value,
        "sku": difference.sku,
        "name": difference.name,
        "before": _money(difference.before),
        "after": _money(difference.after),
    }


def import_cells(record: Import, *, supplier_name: str) -> tuple[str, ...]:
    """Return an import as a row of a table."""
    return (
        str(record.id),
        record.state.value,
        f"{record.noted_at:%Y-%m-%d %H:%M}",
        supplier_name,
        str(record.figures.read),
        record.source_name,
        figure_line(record.figures),
    )


def import_lines(record: Import) -> list[str]:
    """Return an import for people."""
    lines = [
        f"import {record.id}: {record.state}, {record.noted_at:%Y-%m-%d %H:%M:%S} UTC",
        f"file {record.source_name or 'unknown'}"
        + (f", job {record.job_id}, attempt {record.attempt}" if record.job_id else ""),
        figure_line(record.figures),
        *reason_lines(record.reasons),
    ]
    if record.approved_at is not None:
        lines.append(f"approved by {record.approved_by}, {record.approved_at:%Y-%m-%d %H:%M}")
    if record.undone_at is not None:
        lines.append(f"undone {record.undone_at:%Y-%m-%d %H:%M}")
    return lines


def import_told(record: Import) -> dict[str, object]:
    """Return an import for programs."""
    return {
        "id": str(record.id),
        "supplier_id": str(record.supplier_id),
        "state": record.state.value,
        "at": record.noted_at.isoformat(),
        "job_id": str(record.job_id) if record.job_id else None,
        "attempt": record.attempt,
        "file": record.source_name,
        "figures": _figures_told(record.figures),
        "reasons": [asdict(reason) for reason in record.reasons],
        "approved_by": record.approved_by,
        "approved_at": record.approved_at.isoformat() if record.approved_at else None,
        "undone_at": record.undone_at.isoformat() if record.undone_at else None,
    }


def undo_line(outcome: UndoOutcome) -> str:
    """Return what an undo did, for people."""
    line = f"{outcome.reversed} reversed, {outcome.kept} kept, {outcome.failed} failed"
    if outcome.drafts:
        line += f"; {outcome.drafts} drafted products went with their items"
    if outcome.kept_skus:
        shown = ", ".join(outcome.kept_skus[:_KEPT_SHOWN])
        more = outcome.kept - len(outcome.kept_skus[:_KEPT_SHOWN])
        line += f"; changed or judged by somebody since, and kept: {shown}"
        line += f" and {more} more" if more else ""
    return line


def _short(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH_MAX else name[: _NAME_LENGTH_MAX - 1] + "…"


def _figures_told(figures: ImportFigures) -> dict[str, int]:
    return {"read": figures.read, "accepted": figures.accepted, **asdict(figures)}


def reason_lines(reasons: Sequence[HoldReason]) -> list[str]:
    """Return why an import waits for a person, a reason a line."""
    return [f"held: {reason.message} ({reason.code})" for reason in reasons]


def _prices(difference: Difference) -> str:
    before, after = _money(difference.before), _money(difference.after)
    match difference.kind:
        case DifferenceKind.INSERTED:
            return after or ""
        case DifferenceKind.REPRICED:
            return f"{before} → {after}"
        case DifferenceKind.UPDATED:
            return f"{before}, changed but for its price"
        case DifferenceKind.UNAVAILABLE:
            return f"{before}, listed without a price"
        case DifferenceKind.MISSING:
            return f"{before}, not in the list"


def _money(money: Money | None) -> str | None:
    return None if money is None else f"{money.amount:.2f} {money.currency}"
