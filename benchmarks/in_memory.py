"""How long a file takes from its source to the aggregates on in-memory adapters.

Usage: python benchmarks/in_memory.py [--rows N] [--runs N]

The last line is a JSON object: {"rows", "runs", "best_s", "median_s"}; imports are not counted.
"""

import argparse
import asyncio
import json
import statistics
import time

from marketbel_core import Phase, SourceRef, SourceType, StartRequest
from marketbel_runtime.lifespan import memory

URL = "https://supplier.example/list.csv"


def price_list(rows: int) -> bytes:
    lines = ["Артикул;Наименование;Цена"]
    lines += [f"A{n};Кабель ВВГ {n % 7 + 1}x{n % 5 + 1} бухта {n} м;{n},50" for n in range(rows)]
    return "\n".join(lines).encode()


async def travel(content: bytes) -> float:
    """Return the seconds that one road took."""
    begin = time.perf_counter()
    app = memory()
    app.sources.put(URL, content)
    source = SourceRef(type=SourceType.CSV, location=URL)
    request = StartRequest(source=source, supplier_name="Acme", read_here=True)
    job = await app.container.start_ingestion()(request)
    await app.run()
    seconds = time.perf_counter() - begin
    if (await app.jobs.get(job.id)).phase is not Phase.COMPLETE:
        raise SystemExit("the job did not complete")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10)
    parser.add_argument("--runs", type=int, default=20)
    arguments = parser.parse_args()
    content = price_list(arguments.rows)
    seconds = [asyncio.run(travel(content)) for _ in range(arguments.runs)]
    print(
        json.dumps(
            {
                "rows": arguments.rows,
                "runs": arguments.runs,
                "best_s": round(min(seconds), 4),
                "median_s": round(statistics.median(seconds), 4),
            }
        )
    )


if __name__ == "__main__":
    main()
