"""What became of everything: told from the sender's list, the journal and the catalogue."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from marketbel_adapters.job_snapshot import job_of
from marketbel_adapters.postgres import create_engine
from marketbel_adapters.testing.journal import violations
from marketbel_core.ids import JobId
from marketbel_core.jobs import Phase
from marketbel_core.ports import JournalEntry
from marketbel_runtime.lifespan import production
from tests.system.chaos.cluster import Cluster
from tests.system.chaos.faults import Kill
from tests.system.chaos.lists import SentList

__all__ = [
    "Breaches",
    "breaches_of",
    "catalogue_at",
    "failed_attempts",
    "journal_of",
    "lost_of",
    "percentile_95",
    "recovery_seconds",
]

_LINES: Final = text(
    "SELECT position, at, event, before, token, state FROM marketbel.job_journal ORDER BY position"
)
_CATALOGUE: Final = {
    # A supplier that two lists name at once has the source type of whichever was first.
    "suppliers": "SELECT name FROM suppliers",
    # How rare a word is depends on the drafts that are there by then, and with it the second
    # decimal of a score that is less than full: whoever comes first, the decision is the same.
    "items": """
        SELECT s.name AS supplier, i.supplier_sku, i.name, i.current_price, i.characteristics,
               i.match_status::text, round(i.match_score, -1) AS score, p.name AS product,
               (SELECT array_agg(h.price ORDER BY h.recorded_at) FROM price_history h
                 WHERE h.supplier_item_id = i.id) AS prices
          FROM supplier_items i JOIN suppliers s ON s.id = i.supplier_id
          LEFT JOIN products p ON p.id = i.product_id""",
    # The best candidate decides; further ones may be drafts, and those come in any order.
    "reviews": """
        SELECT s.name AS supplier, i.supplier_sku, r.status::text,
               r.candidate_products -> 0 ->> 'product_name' AS best
          FROM match_review_queue r JOIN supplier_items i ON i.id = r.supplier_item_id
          JOIN suppliers s ON s.id = i.supplier_id""",
    "products": """
        SELECT p.name, p.status::text, p.min_price, p.availability, s.name AS drafted_for,
               i.supplier_sku AS drafted_from
          FROM products p LEFT JOIN marketbel.drafts d ON d.product_id = p.id
          LEFT JOIN supplier_items i ON i.id = d.supplier_item_id
          LEFT JOIN suppliers s ON s.id = i.supplier_id""",
    "rejections": """
        SELECT s.name AS supplier, l.row_number, l.row_data ->> 'value' AS value,
               l.error_type, l.row_data -> 'cells' AS cells
          FROM parsing_logs l JOIN suppliers s ON s.id = l.supplier_id
         WHERE l.error_type = 'ValidationError'""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaches:
    """What the journal has in it that it must not have, in sentences."""

    illegal: tuple[str, ...]
    stale: tuple[str, ...]


def breaches_of(journal: Iterable[JournalEntry]) -> Breaches:
    """Return what is wrong with a journal: writers that had lost their right, and the rest."""
    found = violations(journal)
    stale = tuple(sentence for sentence in found if "token" in sentence)
    return Breaches(
        illegal=tuple(sentence for sentence in found if sentence not in stale), stale=stale
    )


async def lost_of(cluster: Cluster, lists: Sequence[SentList]) -> tuple[set[JobId], set[JobId]]:
    """Return the jobs that are not there, and those that are still on their way."""
    phases = await cluster.phases(sent.job_id for sent in lists)
    ended = {Phase.COMPLETE.value, Phase.FAILED.value}
    lost = {job_id for job_id, phase in phases.items() if phase is None}
    return lost, {job_id for job_id, phase in phases.items() if phase not in ended} - lost


async def journal_of(cluster: Cluster) -> list[JournalEntry]:
    """Return every line: what is in the archive, and what has not come there yet."""
    async with production(cluster.settings) as container:
        waiting = await container.journal().read(limit=100_000)
    engine = create_engine(cluster.settings.require_database_url())
    async with engine.connect() as connection:
        archived = [
            JournalEntry(
                position=row.position,
                at=row.at,
                event=row.event,
                before=None if row.before is None else Phase(row.before),
                token=row.token,
                job=job_of(row.state),
            )
            for row in await connection.execute(_LINES)
        ]
    await engine.dispose()
    last = archived[-1].position if archived else ""
    return [*archived, *(entry for entry in waiting if entry.position > last)]


def recovery_seconds(kills: Iterable[Kill], journal: Sequence[JournalEntry]) -> list[float]:
    """Return how long each job of a killed worker waited for the next one, in seconds.

    A job that the next line shows in the hands of another worker all along was not the victim's.
    One that nobody took up again has waited for ever.
    """
    lines: dict[JobId, list[JournalEntry]] = {}
    for entry in journal:
        lines.setdefault(entry.job.id, []).append(entry)
    waits = [_wait(lines.get(job_id, []), kill.at) for kill in kills for job_id in kill.held]
    return [wait for wait in waits if wait is not None]


def percentile_95(seconds: Sequence[float]) -> float:
    """Return the value that 95 of 100 do not exceed; 0 of none."""
    ordered = sorted(seconds)
    return ordered[math.ceil(len(ordered) * 0.95) - 1] if ordered else 0.0


def failed_attempts(journal: Iterable[JournalEntry], *, since: datetime, until: datetime) -> int:
    """Return how many attempts ended without success, or were added, between two instants."""
    spent = {"AttemptFailed", "RetryRequested", "Replayed"}
    return sum(entry.event in spent and since <= entry.at <= until for entry in journal)


async def catalogue_at(database_url: str) -> dict[str, list[str]]:
    """Return the catalogue without what every run makes anew: ids and instants."""
    engine = create_engine(database_url)
    async with engine.connect() as connection:
        tables = {
            name: sorted(str(tuple(row)) for row in await connection.execute(text(query)))
            for name, query in _CATALOGUE.items()
        }
    await engine.dispose()
    return tables


def _wait(lines: Sequence[JournalEntry], at: datetime) -> float | None:
    for entry in lines:
        if entry.at <= at:
            continue
        if entry.event == "Claimed":
            return (entry.at - at).total_seconds()
        if entry.event != "LeaseLost":
            return None
    return float("inf")
