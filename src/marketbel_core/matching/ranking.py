"""Candidates of one item in order, and the match score: evidence on the scale of 0 to 100.

95 and more means: safe to link. It takes a certainty, no conflict, and a clear lead over the next
product. 70 to 94 means: worth a person's look. The lead counts for the best alone, because the
score answers "is it this one?" and not "are the names alike?".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from marketbel_core.matching.certainty import certainty_among
from marketbel_core.matching.comparison import Comparison, completed
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.features import Features
from marketbel_core.matching.ladder import Rung, rung_of, score_of
from marketbel_core.matching.sketching import sketch

__all__ = ["Ranked", "rank"]

_LINK: Final = 95.0
_BELOW_LINK: Final = 94.99
_REVIEW: Final = 70.0
_WORTH_A_LOOK: Final = 0.28
_LEAD_GAIN: Final = 2.0
_LEAD_MAX: Final = 0.6
_MOST: Final = 1.0 + _LEAD_GAIN * _LEAD_MAX
"""Whether the best is right is told by its lead more than by its likeness: at an equal evidence a
pair that leads by half is right three times as often as one that hardly leads."""


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
    places: int | None = None,
) -> list[Ranked]:
    """Return the candidates, best first; of equals the one given earlier.

    Args:
        item: What is looked for.
        candidates: What blocking let through.
        corpus: The counts of the products that may be candidates.
        known: What an earlier verdict or link says of the candidate in that place.
        places: How many of the best are wanted; `None` means all. The fewer, the fewer are looked
            at for what speaks against them; who comes first, and by which lead, stays the same.
    """
    compared = _compared(item, candidates, corpus, known=known, places=places)
    rungs = {
        at: rung_of(item, candidates[at], comparison.conflicts, known=known.get(at))
        for at, comparison in compared.items()
    }
    order = sorted(compared, key=lambda at: (-compared[at].evidence, at))
    on_rungs = [at for at in order if rungs[at] is not None]
    on_rungs.sort(key=lambda at: -_rung_score(rungs[at]))
    ranked = [
        Ranked(at, _rung_score(rungs[at]), compared[at], 0.0, (), rungs[at]) for at in on_rungs
    ]
    order = [at for at in order if rungs[at] is None]
    for place, index in enumerate(order):
        best = place == 0 and not ranked
        lead = _lead(order, compared, candidates) if best else 0.0
        comparison = compared[index]
        if best and not comparison.conflicts and comparison.certainty is None:
            comparison = _among(comparison, candidates, corpus)
        ranked.append(_placed(index, comparison, lead=lead, best=best))
    return ranked[:places]


def _among(comparison: Comparison, candidates: Sequence[Features], corpus: Corpus) -> Comparison:
    """Return the best's comparison with what its neighbours make certain."""
    if comparison.rare_code:
        return comparison
    certainty = certainty_among(
        comparison.alignment, candidates, corpus, evidence=comparison.evidence
    )
    return replace(comparison, certainty=certainty)


def _compared(
    item: Features,
    candidates: Sequence[Features],
    corpus: Corpus,
    *,
    known: Mapping[int, Rung],
    places: int | None,
) -> dict[int, Comparison]:
    """Return the comparisons of the candidates that can reach the first `places`, or lead there.

    What speaks against a pair only lowers its evidence: who has less without it than the last of
    the first places has with it cannot come before it.
    """
    sketches = [sketch(item, candidate, corpus) for candidate in candidates]
    if places is None:
        return {at: completed(one, corpus) for at, one in enumerate(sketches)}
    keyed = [at for at, one in enumerate(candidates) if at in known or _share_a_key(item, one)]
    done = {at: completed(sketches[at], corpus) for at in keyed}
    reached: list[tuple[float, str]] = []
    for at in sorted(range(len(sketches)), key=lambda at: (-sketches[at].evidence_max, at)):
        if at in done:
            continue
        if len(reached) > places and sketches[at].evidence_max < _settled(reached, places):
            break
        done[at] = completed(sketches[at], corpus)
        reached.append((done[at].evidence, candidates[at].text))
    return done


def _settled(reached: list[tuple[float, str]], places: int) -> float:
    """Return the evidence that reaches the first `places`, or is the first's rival."""
    best_first = sorted(reached, reverse=True)
    name = best_first[0][1]
    rival = next((evidence for evidence, other in best_first if other != name), 0.0)
    return min(rival, best_first[places][0])


def _share_a_key(item: Features, product: Features) -> bool:
    return bool(
        (item.gtin and item.gtin == product.gtin)
        or (item.vendor_code and item.vendor_code == product.vendor_code)
    )


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
    scaled = _on_scale(evidence * (1.0 + _LEAD_GAIN * min(lead, _LEAD_MAX)))
    return Ranked(index, round(scaled, 2), comparison, lead, capped)


def _on_scale(evidence: float) -> float:
    """Return the score below 95 of an evidence of 0.0 to 1.0, raised by its lead to 2.2."""
    if evidence < _WORTH_A_LOOK:
        return _REVIEW * evidence / _WORTH_A_LOOK
    share = (evidence - _WORTH_A_LOOK) / (_MOST - _WORTH_A_LOOK)
    return min(_BELOW_LINK, _REVIEW + (_BELOW_LINK - _REVIEW) * share)
