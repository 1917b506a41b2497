"""A polling round over many readings is quick, and leaves the loop to others."""

import pytest

from benchmarks.polling import measure, slow_standin
from marketbel_runtime.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]


async def test_two_hundred_readings_are_asked_about_beside_each_other(settings: Settings) -> None:
    with slow_standin(settings) as url:
        there = settings.model_copy(update={"ml_analyze_url": url})

        figures = await measure(there, jobs=200, answer_ms=100)

    assert figures.polled == 200
    # One after the other they would take twenty seconds. How quick a round is at rest,
    # benchmarks/polling.py measures.
    assert figures.round_s < 10.0
    assert figures.loop_lag_ms < 3_000
