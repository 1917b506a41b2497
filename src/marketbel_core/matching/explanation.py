"""Why a pair has its score, as data for the store and as sentences for people."""

from collections.abc import Iterable
from typing import Final

from marketbel_core.matching.conflicts import Conflict
from marketbel_core.matching.features import Kind
from marketbel_core.matching.ranking import Ranked

__all__ = ["detail_of", "why", "why_not"]

_TOKENS_MAX: Final = 12
"""A name has some ten tokens; more are told by their number."""

_CONFLICTS: Final[dict[Conflict, str]] = {
    Conflict.CODE: "the model codes differ",
    Conflict.TWIN_CODE: "the codes are of sister models",
    Conflict.NUMBER: "the numbers differ",
    Conflict.QUANTITY: "the quantities differ",
    Conflict.PACK: "a count of pieces stands on one side alone",
    Conflict.COLOUR: "the colours differ",
    Conflict.EDITION: "an edition stands on one side alone",
    Conflict.ACCESSORY: "one is an accessory for the other",
    Conflict.SUBSTITUTE: "one is compatible or remade, the other the maker's own",
    Conflict.BRAND: "the brands differ",
    Conflict.SIBLING: "they differ in a word that tells products of the catalogue apart",
    Conflict.PRICE: "the prices are more than 3.3 times apart",
    Conflict.VENDOR_CODE: "the maker's articles differ",
}
_CERTAINTIES: Final[dict[str, str]] = {
    "verdict": "a person said that they are the same",
    "gtin": "they have the same number of the world-wide register",
    "vendor_code": "they have the same maker's article and brand",
    "earlier_link": "this supplier's item was linked to it before",
    "code": "they share a code that hardly any other product has",
    "model": "the item's code is the product's with a suffix",
    "figures": "all codes and numbers of the product are in the item's name",
    "usual": "the words that one of them alone has are usual among products like it",
    "name": "the names say the same and nothing is left unexplained",
}
_SILENT: Final[dict[Kind, str]] = {
    Kind.CODE: "a code",
    Kind.NUMBER: "a number",
    Kind.QUANTITY: "a quantity",
    Kind.COLOUR: "a colour",
}


def detail_of(ranked: Ranked) -> dict[str, object]:
    """Return what the score is made of, as JSON values."""
    comparison = ranked.comparison
    alignment = comparison.alignment
    return {
        "evidence": round(comparison.evidence, 4),
        "overlap": round(comparison.overlap, 4),
        "letters": round(comparison.cosine, 4),
        "rare_code": round(comparison.rare_code, 2),
        "lead": round(ranked.lead, 4),
        "certain_by": _certain_by(ranked),
        "conflicts": [str(conflict) for conflict in comparison.conflicts],
        "one_sided": [kind.name.lower() for kind in comparison.silences],
        "capped_by": [str(cap) for cap in ranked.capped_by],
        "shared": _few(pair.token for pair in alignment.pairs),
        "item_only": _few(alignment.item_rest),
        "product_only": _few(alignment.product_rest),
    }


def _certain_by(ranked: Ranked) -> str | None:
    if ranked.rung is not None:
        return str(ranked.rung)
    certainty = ranked.comparison.certainty
    return certainty.reason if certainty else None


def why(ranked: Ranked) -> list[str]:
    """Return sentences that say what speaks for the pair."""
    comparison = ranked.comparison
    said = []
    if ranked.rung is not None:
        said.append(_sentence(_CERTAINTIES[ranked.rung]))
    shared = [pair.token for pair in comparison.alignment.pairs]
    if shared:
        said.append(f"Both say: {', '.join(_few(shared))}.")
    said.append(
        f"They share {comparison.overlap:.0%} of what their tokens tell,"
        f" and {comparison.cosine:.0%} of their letters' runs."
    )
    if comparison.certainty is not None:
        said.append(_sentence(_CERTAINTIES[comparison.certainty.reason]))
    if ranked.lead:
        said.append(f"It leads the next candidate by {ranked.lead:.0%}.")
    return said


def why_not(ranked: Ranked) -> list[str]:
    """Return sentences that say what speaks against the pair, or kept its score below 95."""
    comparison = ranked.comparison
    said = [_sentence(_CONFLICTS[conflict]) for conflict in comparison.conflicts]
    alignment = comparison.alignment
    for side, rest in (("item", alignment.item_rest), ("product", alignment.product_rest)):
        if rest:
            said.append(f"Only the {side} says: {', '.join(_few(rest))}.")
    if comparison.silences:
        kinds = " and ".join(_SILENT[kind] for kind in comparison.silences)
        said.append(f"One side alone names {kinds}.")
    if "margin" in ranked.capped_by and comparison.certainty is not None:
        said.append(
            f"It leads the next candidate by {ranked.lead:.0%}, and linking without a person"
            f" takes {comparison.certainty.margin_min:.0%}."
        )
    if "uncertain" in ranked.capped_by:
        said.append("Nothing makes the pair certain: no rare code, no complete name.")
    return said


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _few(tokens: Iterable[str]) -> list[str]:
    every = list(tokens)
    left = len(every) - _TOKENS_MAX
    return every if left <= 0 else [*every[:_TOKENS_MAX], f"and {left} more"]
