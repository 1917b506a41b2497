"""What people decide about an item's match, as functions from one state to the next.

A state holds everything that a decision may change; the one before is kept with the decision, so
that undoing it is putting that state back. Of one pair of item and product there is one verdict,
the latest; at most one of an item's verdicts says SAME.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from marketbel_core.catalog import MatchStatus, Product, draft_id, internal_sku
from marketbel_core.errors import RefusedError
from marketbel_core.ids import ProductId, SupplierItemId
from marketbel_core.matching.ladder import Precedents
from marketbel_core.matching.review import ReviewStatus
from marketbel_core.matching.verdicts import (
    API,
    Action,
    ItemReview,
    MatchState,
    PairVerdict,
    Reviewer,
    ReviewRow,
    Verdict,
)

__all__ = [
    "approved",
    "candidate_id",
    "expired",
    "linked_to",
    "precedents_of",
    "reconciled",
    "redrafted",
    "rejected",
    "reset",
    "ruled_out",
    "unlinked",
    "unsure",
]

_FULL_SCORE: Final = 100.0


def approved(
    state: MatchState, product_id: ProductId, *, by: Reviewer, at: datetime
) -> MatchState:
    """Return the state in which a person confirmed that the item is this product.

    Raises:
        RefusedError: a person linked it to another product before (`review.settled`).
    """
    if state.status is MatchStatus.VERIFIED_MATCH:
        if state.product_id == product_id:
            return state
        raise _settled()
    score = _score_of(state, product_id)
    return replace(
        _settled_on(state, product_id, by=by, at=at), score=state.score if score is None else score
    )


def linked_to(
    state: MatchState, product_id: ProductId, *, by: Reviewer, at: datetime
) -> MatchState:
    """Return the state in which a person linked the item, whatever was before."""
    if state.status is MatchStatus.VERIFIED_MATCH and state.product_id == product_id:
        return state
    return replace(_settled_on(state, product_id, by=by, at=at), score=_FULL_SCORE)


def rejected(
    state: MatchState, product_id: ProductId, *, by: Reviewer, at: datetime
) -> MatchState:
    """Return the state in which no candidate was right, and the item founded `product_id`.

    Raises:
        RefusedError: a person linked the item before (`review.settled`).
    """
    if state.status is MatchStatus.VERIFIED_MATCH:
        raise _settled()
    refused = [*_shown(state), *([state.product_id] if state.product_id else [])]
    verdicts = state.verdicts
    for one in refused:
        verdicts = _said(state, verdicts, one, Verdict.DIFFERENT, by=by, at=at)
    return replace(
        state,
        product_id=product_id,
        status=MatchStatus.VERIFIED_MATCH,
        score=_FULL_SCORE,
        candidates=None,
        verdicts=_said(state, verdicts, product_id, Verdict.SAME, by=by, at=at),
        row=_closed(state.row, ReviewStatus.REJECTED, by=by, at=at),
    )


def unlinked(state: MatchState, *, by: Reviewer, at: datetime) -> MatchState:
    """Return the state in which the item is not what it was linked to, and waits again.

    Raises:
        RefusedError: it is not linked (`review.not_linked`).
    """
    if state.product_id is None:
        raise RefusedError("review.not_linked", "the item is linked to no product")
    verdicts = _said(state, state.verdicts, state.product_id, Verdict.DIFFERENT, by=by, at=at)
    return replace(_given_back(state, by=by, at=at), verdicts=verdicts)


def reset(state: MatchState, *, by: Reviewer, at: datetime) -> MatchState:
    """Return the state in which the matcher begins anew; what it is not stays known."""
    kept = tuple(one for one in state.verdicts if one.verdict is Verdict.DIFFERENT)
    return replace(_given_back(state, by=by, at=at), verdicts=kept)


def unsure(
    state: MatchState,
    product_id: ProductId | None,
    *,
    by: Reviewer,
    at: datetime,
    review_for: timedelta,
) -> MatchState:
    """Return the state in which somebody looked and could not tell; the item waits on.

    Args:
        state: Of an item that waits for a person.
        product_id: The candidate that is meant; `None` means all that are shown.
        by: Who looked.
        at: When.
        review_for: How long it waits from now on.

    Raises:
        RefusedError: the item does not wait for a person (`review.not_waiting`).
    """
    if state.row is None or state.row.status is not ReviewStatus.PENDING:
        raise RefusedError("review.not_waiting", "the item does not wait for a person")
    verdicts = state.verdicts
    for one in [product_id] if product_id else _shown(state):
        verdicts = _said(state, verdicts, one, Verdict.UNSURE, by=by, at=at)
    row = replace(state.row, expires_at=max(state.row.expires_at, at + review_for))
    return replace(state, verdicts=verdicts, row=row)


def expired(state: MatchState) -> MatchState:
    """Return the state in which nobody looked in time: the item goes back to the matcher.

    One that a neighbour has linked meanwhile keeps its link.
    """
    row = None if state.row is None else replace(state.row, status=ReviewStatus.EXPIRED)
    if state.product_id is not None or state.status is not MatchStatus.POTENTIAL_MATCH:
        return replace(state, row=row)
    return replace(state, status=MatchStatus.UNMATCHED, score=None, candidates=None, row=row)


def reconciled(review: ItemReview, *, at: datetime) -> tuple[Action, MatchState] | None:
    """Return what a neighbour did to the item's link, and the state in which it is understood.

    `None` means nothing was done, or nothing that anybody decided: a link that we never wrote
    under a status that says that it is settled is taken as it is.
    """
    state, known = review.state, review.known_product_id
    is_settled = state.status in {MatchStatus.AUTO_MATCHED, MatchStatus.VERIFIED_MATCH}
    if state.product_id is None:
        if not is_settled:
            return None
        given_back = _given_back(state, by=API, at=at)
        if known is None or not review.known_product_exists:
            return Action.API_UNLINK, given_back
        verdicts = _said(state, state.verdicts, known, Verdict.DIFFERENT, by=API, at=at)
        return Action.API_UNLINK, replace(given_back, verdicts=verdicts)
    if is_settled and known in {None, state.product_id}:
        return None
    before = replace(state, product_id=known if review.known_product_exists else None)
    after = _settled_on(before, state.product_id, by=API, at=at)
    return Action.API_LINK, replace(after, score=_FULL_SCORE)


def ruled_out(verdicts: tuple[PairVerdict, ...]) -> frozenset[ProductId]:
    """Return the products that an item with these verdicts is never offered again."""
    return frozenset(one.product_id for one in verdicts if one.verdict is Verdict.DIFFERENT)


def precedents_of(
    verdicts: tuple[PairVerdict, ...], namesakes: frozenset[ProductId]
) -> Precedents:
    """Return what is known of an item from before.

    Args:
        verdicts: What people said of it.
        namesakes: What its supplier's items of the very same name are linked to. Several products
            tell nothing: the name is not what sets them apart.
    """
    same = (one.product_id for one in verdicts if one.verdict is Verdict.SAME)
    return Precedents(
        same=next(same, None),
        different=ruled_out(verdicts),
        earlier=next(iter(namesakes)) if len(namesakes) == 1 else None,
    )


def redrafted(product: Product, *, ruled: frozenset[ProductId], at: datetime) -> Product:
    """Return the draft, or another one in place of those that were ruled out for its item.

    The same one at every run, until that is ruled out as well.
    """
    while product.id in ruled:
        another = draft_id(SupplierItemId(product.id))
        product = replace(product, id=another, internal_sku=internal_sku(another, at=at))
    return product


def candidate_id(candidate: Mapping[str, object]) -> ProductId | None:
    """Return which product a stored candidate is; `None` where a neighbour wrote no usable id."""
    try:
        return ProductId(UUID(str(candidate.get("product_id"))))
    except ValueError:
        return None


def _settled() -> RefusedError:
    return RefusedError(
        "review.settled", "a person has linked the item before: link or unlink it instead"
    )


def _settled_on(
    state: MatchState, product_id: ProductId, *, by: Reviewer, at: datetime
) -> MatchState:
    """Return the state linked for good; a product that it was linked to before was wrong."""
    verdicts = state.verdicts
    if state.product_id is not None and state.product_id != product_id:
        verdicts = _said(state, verdicts, state.product_id, Verdict.DIFFERENT, by=by, at=at)
    return replace(
        state,
        product_id=product_id,
        status=MatchStatus.VERIFIED_MATCH,
        verdicts=_said(state, verdicts, product_id, Verdict.SAME, by=by, at=at),
        row=_closed(state.row, ReviewStatus.APPROVED, by=by, at=at),
    )


def _given_back(state: MatchState, *, by: Reviewer, at: datetime) -> MatchState:
    return replace(
        state,
        product_id=None,
        status=MatchStatus.UNMATCHED,
        score=None,
        candidates=None,
        row=_closed(state.row, ReviewStatus.EXPIRED, by=by, at=at),
    )


def _closed(
    row: ReviewRow | None, status: ReviewStatus, *, by: Reviewer, at: datetime
) -> ReviewRow | None:
    """Return the row as decided; one that was decided before stays as it was."""
    if row is None or row.status in {ReviewStatus.APPROVED, ReviewStatus.REJECTED}:
        return row
    return replace(row, status=status, reviewed_at=at, reviewed_by=by.user_id)


def _said(
    state: MatchState,
    verdicts: tuple[PairVerdict, ...],
    product_id: ProductId,
    verdict: Verdict,
    *,
    by: Reviewer,
    at: datetime,
) -> tuple[PairVerdict, ...]:
    """Return the verdicts with this one; of several SAME the last stays."""
    others = [
        one
        for one in verdicts
        if one.product_id != product_id
        and not (verdict is Verdict.SAME and one.verdict is Verdict.SAME)
    ]
    said = PairVerdict(
        product_id=product_id,
        verdict=verdict,
        by=by.name,
        at=at,
        score=_score_of(state, product_id),
    )
    return tuple(sorted([*others, said], key=lambda one: one.product_id))


def _shown(state: MatchState) -> list[ProductId]:
    """Return the candidates that a person saw, each once, without those ruled out before."""
    row = state.row
    shown = row.candidates if row is not None else state.candidates or ()
    seen = dict.fromkeys(map(candidate_id, shown))
    ruled = ruled_out(state.verdicts)
    return [one for one in seen if one is not None and one not in ruled]


def _score_of(state: MatchState, product_id: ProductId) -> float | None:
    for candidates in (state.row.candidates if state.row else (), state.candidates or ()):
        for candidate in candidates:
            score = candidate.get("score")
            if candidate_id(candidate) == product_id and isinstance(score, int | float):
                return float(score)
    return None
