"""What a master sheet would change, key by key, and when a person should look first."""

from dataclasses import replace

import pytest

from marketbel_adapters.testing.builders import a_supplier
from marketbel_core.catalog import SourceType, Supplier
from marketbel_core.intake.master_sheet import MasterSheetRows, SkippedRow, SupplierRow
from marketbel_core.intake.supplier_plan import (
    SupplierPlan,
    after_updates,
    due_suppliers,
    plan_suppliers,
)

URL = "https://acme.example/prices.xlsx"


def a_row(name: str = "Acme", *, active: bool = True, notes: str | None = None) -> SupplierRow:
    return SupplierRow(
        row_number=2,
        name=name,
        source_type=SourceType.EXCEL,
        location=URL,
        is_active=active,
        notes=notes,
    )


def known(name: str = "Acme", *, active: bool = True, **metadata: object) -> Supplier:
    kept = {"source_url": URL, "notes": None, "is_active": active, **metadata}
    return a_supplier(name=name, source_type=SourceType.EXCEL, is_active=active, metadata=kept)


def plan(rows: list[SupplierRow], suppliers: list[Supplier]) -> SupplierPlan:
    return plan_suppliers(MasterSheetRows(rows=tuple(rows)), suppliers)


def test_who_is_not_known_is_created() -> None:
    assert plan([a_row()], []) == SupplierPlan(creations=(a_row(),), named=1)


def test_who_is_as_the_sheet_says_is_left_alone() -> None:
    assert plan([a_row("ACME ")], [known("acme")]) == SupplierPlan(unchanged=1, active=1, named=1)


def test_what_differs_is_merged_and_other_keys_stay() -> None:
    old = known(use_ml_processing=False, sheet_name="Прайс", source_url="https://old.example/")

    [update] = plan([replace(a_row(notes="new"), source_type=SourceType.CSV)], [old]).updates

    assert dict(update.metadata) == {"source_url": URL, "notes": "new"}
    assert update.changed == ("source_type", "source_url", "notes")
    [after] = after_updates([old], [update])
    assert after.source_type is SourceType.CSV
    assert after.metadata == {**old.metadata, "source_url": URL, "notes": "new"}
    assert (after.is_active, after.use_ml_processing) == (True, old.use_ml_processing)


def test_notes_stay_when_the_sheet_has_no_column_of_them() -> None:
    row = replace(a_row(), has_notes=False)

    assert plan([row], [known(notes="by hand")]).updates == ()


def test_who_is_missing_is_deactivated_once() -> None:
    gone, away = known("Gone"), known("Away", active=False)

    planned = plan([a_row()], [known(), gone, away])

    assert [one.supplier_id for one in planned.deactivations] == [gone.id]
    [_, after, _] = after_updates([known(), gone, away], planned.deactivations)
    assert (after.is_active, after.metadata["is_active"]) == (False, False)


def test_who_comes_back_is_activated() -> None:
    [update] = plan([a_row()], [known(active=False)]).updates

    assert dict(update.metadata) == {"is_active": True}


def test_a_row_that_is_skipped_deactivates_nobody() -> None:
    skipped = SkippedRow(row_number=2, name=" ACME", code="sheet.bad_source", message="no")

    planned = plan_suppliers(MasterSheetRows(rows=(), skipped=(skipped,)), [known()])

    assert planned.deactivations == ()


def test_of_suppliers_with_one_name_the_oldest_is_meant_and_none_is_missing() -> None:
    old, young = known(notes="x"), known(notes="x")

    planned = plan([a_row()], [old, young])

    assert [one.supplier_id for one in planned.updates] == [old.id]
    assert planned.deactivations == ()


def test_a_supplier_that_was_just_made_by_hand_is_spared_once() -> None:
    new = known("New")

    planned = plan_suppliers(MasterSheetRows(rows=(a_row(),)), [new], spared=[new.id])

    assert (planned.deactivations, planned.spared) == ((), ("New",))


@pytest.mark.parametrize(
    ("known_count", "named_count", "share", "held"),
    [
        (10, 10, 0.5, False),
        (10, 5, 0.5, False),
        (10, 4, 0.5, True),
        (10, 4, 1.0, False),
        (10, 0, 0.5, True),
        (10, 9, 0.0, False),
        (10, 7, 0.0, True),
        (2, 0, 0.5, True),
        (3, 1, 0.5, False),
        (0, 0, 0.0, False),
    ],
)
def test_a_sheet_that_suddenly_lacks_many_is_held(
    known_count: int, named_count: int, share: float, held: bool
) -> None:
    rows = [a_row(str(number)) for number in range(named_count)]
    suppliers = [known(str(number)) for number in range(known_count)]

    assert plan(rows, suppliers).is_held(missing_share_max=share) is held


def test_due_is_who_is_active_and_has_a_source_by_name() -> None:
    bare, second, first = known("C", source_url=" "), known("B"), known("A")

    due, without = due_suppliers([bare, second, known("D", active=False), first])

    assert (due, without) == ([first, second], [bare])
