"""The chaos drill: 500 jobs, killed workers, a killed Valkey, no ml-analyze, rolling restarts.

Usage: python -m tests.system.chaos [--jobs N] [--kills N] [--keep FOLDER]

Starts PostgreSQL, Valkey, four workers and the stand-in for ml-analyze, with the product's own
settings: 30 s of lease, 15 s from sweep to sweep. What happens is told on stderr. The last line of
stdout is a JSON object: {"jobs", "lost", "stuck", "illegal", "stale_accepted", "catalogue_equal",
"recovery_p95_s", "deploy_attempts", "kills", "seconds"}. The exit status is 1 if one is missed.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Final

from marketbel_adapters.embedded import embedded_postgres, own_database
from marketbel_adapters.postgres import migrate
from tests.system.chaos.cluster import Cluster, Plan
from tests.system.chaos.drill import DEPLOYS, Drill, Phase, Place, run_drill
from tests.system.chaos.faults import Killer, kill_valkey, outage, rolling_restart

_SHARES: Final = (0.52, 0.16, 0.16, 0.16)
"""Of the jobs: killing workers takes longest. It is one a second: what half of the workers can
carry while the others start, for an overload would be measured otherwise.
"""

_OUTAGE_SECONDS: Final = 60.0
_VALKEY_KILLS: Final = 5
_RESTARTS: Final = 10
_KILL_SECONDS_MEAN: Final = 4.5


def _drill(jobs: int, kills: int) -> Drill:
    first, second, third, _ = (int(jobs * share) for share in _SHARES)

    def killing(cluster: Cluster, killer: Killer) -> Awaitable[None]:
        return killer.kill(cluster, times=kills)

    def killing_valkey(cluster: Cluster, _: Killer) -> Awaitable[None]:
        return kill_valkey(cluster, times=_VALKEY_KILLS, every=timedelta(seconds=8))

    def without_ml(cluster: Cluster, _: Killer) -> Awaitable[None]:
        return outage(cluster, seconds=_OUTAGE_SECONDS)

    def replacing(cluster: Cluster, _: Killer) -> Awaitable[None]:
        return rolling_restart(cluster, times=_RESTARTS)

    def phase(name: str, jobs: int, fault: object, *, lasting: float) -> Phase:
        return Phase(name=name, jobs=jobs, every=lasting / max(jobs, 1), fault=fault)  # type: ignore[arg-type] # one of the four

    return Drill(
        plan=Plan(workers=4, list_seconds=2.5, variables={}),
        phases=(
            phase("workers killed", first, killing, lasting=kills * _KILL_SECONDS_MEAN),
            phase("Valkey killed", second, killing_valkey, lasting=45),
            phase("ml-analyze away", third, without_ml, lasting=_OUTAGE_SECONDS),
            phase(DEPLOYS, jobs - first - second - third, replacing, lasting=70),
        ),
        kills=kills,
        kill_pause=(3.0, 5.2),
        settle_max=timedelta(seconds=240),
        recovery_seconds_max=45.0,
    )


def main() -> int:
    """Run the drill; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--keep", type=Path, help="keep logs and files below this new folder")
    arguments = parser.parse_args()
    drill = _drill(arguments.jobs, arguments.kills)
    with ExitStack() as stack:
        folder = arguments.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="marketbel-chaos-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # the servers' account has to pass
        server = stack.enter_context(embedded_postgres(None))
        places = []
        for name in ("calm", "stormy"):
            url = stack.enter_context(own_database(server.url))
            asyncio.run(migrate(url))
            places.append(Place(database_url=url, folder=folder.absolute() / name))
        report = asyncio.run(run_drill(drill, calm=places[0], stormy=places[1]))
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    return 0 if report.keeps(drill) else 1


if __name__ == "__main__":
    sys.exit(main())
