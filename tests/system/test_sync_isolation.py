"""In a sync of fifty suppliers, three that fail, each in its own way, touch nobody else."""

from marketbel_adapters.testing.containers import a_workbook, sheet_xml
from marketbel_core.errors import RefusedError
from marketbel_core.jobs import Phase
from marketbel_core.ports import AtOnce
from marketbel_core.use_cases import SyncReport, SyncRequest
from marketbel_runtime.lifespan import memory
from marketbel_runtime.settings import Settings

SHEET = "https://x.example/master.xlsx"
GONE, BAD, POISON = 7, 23, 41
POISONED = a_workbook(sheet=sheet_xml('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))


def url(number: int) -> str:
    return f"https://x.example/{number}.{'xlsx' if number == POISON else 'csv'}"


async def test_one_suppliers_failure_never_touches_the_other_forty_nine() -> None:
    world = memory(Settings(_env_file=None, master_sheet_url=SHEET, use_ml_processing=False))
    rows = [(f"{n:02}", url(n), "xlsx" if n == POISON else "csv") for n in range(50)]
    world.master_sheet.put(SHEET, [("name", "url", "format"), *rows])
    for number in range(50):
        world.sources.put(url(number), f"sku,name,price\nA{number},Cable,2.50\n".encode())
    world.sources.put(url(GONE), RefusedError("http.gone", "404"))
    world.sources.put(url(BAD), b"nothing to see here\n")
    world.sources.put(url(POISON), POISONED)

    wish = AtOnce(task_id="sync-1", key="1")
    report = await world.container.sync_suppliers()(SyncRequest(wish=wish))
    await world.run()

    assert isinstance(report, SyncReport)
    assert report.run.figures.queued == 50
    assert report.drained.errors == ()
    failed = await world.jobs.list_in(Phase.FAILED, limit=99)
    complete = await world.jobs.list_in(Phase.COMPLETE, limit=99)
    assert {int(job.supplier_name) for job in failed} == {GONE, BAD, POISON}
    assert len(complete) == 47
    assert len(world.catalog.items()) == 47
