"""The page on the public calls keeps its word: its examples run, and print what it says."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Final

import pytest

from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.postgres import PostgresCatalog, create_engine
from marketbel_adapters.sources.rows import LocalRowReader
from marketbel_adapters.system import SystemClock, TimeOrderedIdSource
from marketbel_runtime.ml_standin import create_app, serve

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]

_ROOT: Final = Path(__file__).parents[2]
_PAGE: Final = (_ROOT / "docs" / "how-to" / "call-marketbel.md").read_text(encoding="utf-8")
_PATIENCE_SECONDS: Final = 60
_RUNNER: Final = """
import ast, asyncio, inspect, sys
names = {}
async def run():
    for code in sys.stdin.read().split("\\x00"):
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        done = eval(compile(code, "call-marketbel.md", "exec", flags, dont_inherit=True), names)
        if inspect.isawaitable(done):
            await done
asyncio.run(run())
"""
"""Runs blocks with top-level `await`, one after another, as `python -m asyncio` would."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", _PAGE, re.DOTALL | re.MULTILINE)


@contextmanager
def standin(uploads: Path, database_url: str) -> Iterator[str]:
    """Serve the stand-in from a thread; give its URL."""
    ready, stop, url = Event(), Event(), list[str]()

    async def run() -> None:
        engine = create_engine(database_url)
        app = create_app(
            reader=LocalRowReader(DiskFileStore(uploads)),
            catalog=PostgresCatalog(engine),
            uploads=uploads,
            clock=SystemClock(),
            ids=TimeOrderedIdSource(),
            row_delay=timedelta(),
        )

        def tell(there: str) -> None:
            url.append(there)
            ready.set()

        serving = asyncio.create_task(serve(app, host="127.0.0.1", port=0, ready=tell))
        try:
            await asyncio.to_thread(stop.wait)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await engine.dispose()

    thread = Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert ready.wait(_PATIENCE_SECONDS)
        yield url[0]
    finally:
        stop.set()
        thread.join()


def test_each_example_prints_what_the_page_says(
    migrated_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with standin(tmp_path, migrated_database_url) as ml_url:
        ran = subprocess.run(
            [sys.executable, "-B", "-W", "error::ResourceWarning", "-c", _RUNNER],
            input="\x00".join(blocks("python")),
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
            cwd=tmp_path,  # no .env of ours
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(_ROOT / "src"),
                "PYTHONUTF8": "1",
                "DATABASE_URL": migrated_database_url,
                "REDIS_URL": redis_url,
                "UPLOADS_DIR": str(tmp_path),
                "ML_ANALYZE_URL": ml_url,
            },
        )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "".join(blocks("text"))


@pytest.mark.parametrize(
    "statement",
    [
        "from marketbel_adapters.arq import create_pool",
        "from marketbel_adapters.ml_analyze import ml_client",
        "from marketbel_adapters.redis import create_job, create_redis, get_job, update_job",
        "from marketbel_adapters.postgres import Product, Supplier, SupplierItem, get_session",
        "from marketbel_runtime import settings",
        "from marketbel_core import RefusedError, parse_message",
    ],
)
def test_the_page_shows_each_promised_import(statement: str) -> None:
    assert any(statement in block for block in blocks("python"))
