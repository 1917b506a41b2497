"""Candidates of one item in order, and the match score: evidence on the scale of 0 to 100.

95 and more means: safe to link. It takes a certainty, no conflict, and a clear lead over the next
product. 70 to 94 means: worth a person's look. The lead counts for the best alone, because the
score answers "is it this one?" and not "are the names alike?".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from types import MappingProxyType
from typing import Final

from marketbel_core.matching.comparison import Comparison, compare
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.features import Features
from marketbel_core.matching.ladder import Rung, rung_of, score_of

__all__ = ["Ranked", "rank"]

_COMPARED_MAX: Final = 20
"""Of more candidates those with the likest letters are compared in full: it costs ten times as
much as to compare letters, and the right product is hardly ever further down."""

_LINK: Final = 95.0
_BELOW_LINK: Final = 94.99
_REVIEW: Final = 70.0
_WORTH_A_LOOK: Final = 0.27
_LEAD_GAIN: Final = 0.3
_LEAD_MAX: Final = 0.2
_MOST: Final = 1.0 + _LEAD_GAIN * _LEAD_MAX


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate in its place.

    Attributes:
        index: Its place among the candidates that were given.
        score: The match score, 0.0 to 100.0, two decimals.
        comparison: What the score was made of.
        lead: Of the best, by which share of its evidence it leads the next, 0.0 to 1.0; else 0.0.
        capped_by: What kept it below 95: conflicts, `uncertain` or `margin`; empty when nothing.
    """

    index: int
    score: float
    comparison: Comparison
    lead: float
    capped_by: tuple[str, ...]
    rung: Rung | None = None


def rank(
    item: Features,
    candidates: Sequence[Features],
    corpus: Corpus,
    *,
    known: Mapping[int, Rung] = MappingProxyType({}),
) -> list[Ranked]:
    """Return the candidates that were compared, best first; of equals the one given earlier.

    Args:
        item: What is looked for.
        candidates: What blocking let through.
        corpus: The counts of the products that may be candidates.
        known: What an earlier verdict or link says of the candidate in that place.
    """
    places = _shortlist(item, candidates, corpus, known)
    compared = {at: compare(item, candidates[at], corpus) for at in places}
    rungs = {
        at: rung_of(item, candidates[at], comparison.conflicts, known=known.get(at))
        for at, comparison in compared.items()
    }
    order = sorted(places, key=lambda at: (-compared[at].evidence, at))
    on_rungs = [at for at in order if rungs[at] is not None]
    on_rungs.sort(key=lambda at: -_rung_score(rungs[at]))
    ranked = [
        Ranked(at, _rung_score(rungs[at]), compared[at], 0.0, (), rungs[at]) for at in on_rungs
    ]
    order = [at for at in order if rungs[at] is None]
    for place, index in enumerate(order):
        best = place == 0 and not ranked
        lead = _lead(order, compared, candidates) if best else 0.0
        ranked.append(_placed(index, compared[index], lead=lead, best=best))
    return ranked


def _shortlist(
    item: Features, candidates: Sequence[Features], corpus: Corpus, known: Mapping[int, Rung]
) -> list[int]:
    """Return the places of those that are compared in full: by letters, and all with a key."""
    if len(candidates) <= _COMPARED_MAX:
        return list(range(len(candidates)))
    likeness = [corpus.cosine(item.text, candidate.text) for candidate in candidates]
    places = set(nlargest(_COMPARED_MAX, range(len(candidates)), key=likeness.__getitem__))
    places.update(known)
    places.update(
        at
        for at, candidate in enumerate(candidates)
        if (item.gtin and item.gtin == candidate.gtin)
        or (item.vendor_code and item.vendor_code == candidate.vendor_code)
    )
    return sorted(places)


def _rung_score(rung: Rung | None) -> float:
    return 0.0 if rung is None else score_of(rung)


def _lead(
    order: Sequence[int], compared: Mapping[int, Comparison], candidates: Sequence[Features]
) -> float:
    """Return by which share the best leads the first candidate that is not its namesake."""
    best = order[0]
    evidence = compared[best].evidence
    if evidence <= 0.0:
        return 0.0
    name = candidates[best].text
    others = (compared[at].evidence for at in order[1:] if candidates[at].text != name)
    return 1.0 - next(others, 0.0) / evidence


def _placed(index: int, comparison: Comparison, *, lead: float, best: bool) -> Ranked:
    evidence, certainty = comparison.evidence, comparison.certainty
    if certainty is not None and best and lead >= certainty.margin_min:
        score = _LINK + (100.0 - _LINK) * min(1.0, evidence)
        return Ranked(index, round(score, 2), comparison, lead, ())
    capped: tuple[str, ...] = tuple(comparison.conflicts)
    if not capped:
        capped = ("uncertain",) if certainty is None else ("margin",)
    scaled = _on_scale(evidence + _LEAD_GAIN * min(lead * evidence, _LEAD_MAX))
    return Ranked(index, round(scaled, 2), comparison, lead, capped)


def _on_scale(evidence: float) -> float:
    """Return the score below 95 of an evidence of 0.0 to 1.06."""
    if evidence < _WORTH_A_LOOK:
        return _REVIEW * evidence / _WORTH_A_LOOK
    share = (evidence - _WORTH_A_LOOK) / (_MOST - _WORTH_A_LOOK)
    return min(_BELOW_LINK, _REVIEW + (_BELOW_LINK - _REVIEW) * share)
