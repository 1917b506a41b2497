"""A polling round over many readings is quick, and leaves the loop to others."""

import pytest

from benchmarks.polling import measure, slow_standin
from marketbel_runtime.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]


async def test_two_hundred_readings_are_asked_about_beside_each_other(settings: Settings) -> None:
    with slow_standin(settings) as url:
        there = settings.model_copy(update={"ml_analyze_url": url})

        figures = await measure(there, jobs=200, answer_ms=50)

    assert figures.polled == 200
    # One after the other they would take ten seconds.
    assert figures.round_s < 5.0
    # A thousand in one piece would hold the loop for a second.
    assert figures.loop_lag_ms < 500
