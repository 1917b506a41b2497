"""Products' ids and article numbers: the same at every run, in the agreed form."""

import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from marketbel_adapters.testing.builders import NOW, fresh_id
from marketbel_core.catalog import draft_id, internal_sku
from marketbel_core.ids import ProductId, SupplierItemId

_FORM = re.compile(r"PROD-\d+-[A-Z0-9]{4}")
_INSTANTS = st.integers(0, 7_000_000_000_000_000).map(
    lambda micros: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
)


@given(st.uuids(), _INSTANTS)
def test_an_article_number_has_the_agreed_form(product_id: ProductId, at: datetime) -> None:
    assert _FORM.fullmatch(internal_sku(product_id, at=at))


def test_an_article_number_names_the_millisecond() -> None:
    at = datetime(2026, 3, 14, 9, 26, 53, 589_000, tzinfo=UTC)

    sku = internal_sku(ProductId(fresh_id()), at=at)

    assert sku.split("-")[1] == "1773480413589"


def test_an_article_number_does_not_depend_on_the_time_zone() -> None:
    product_id = ProductId(fresh_id())
    elsewhere = NOW.astimezone(timezone(timedelta(hours=3)))

    assert internal_sku(product_id, at=NOW) == internal_sku(product_id, at=elsewhere)


@given(st.uuids())
def test_a_drafts_id_is_the_same_at_every_run(item_id: SupplierItemId) -> None:
    first, second = draft_id(item_id), draft_id(SupplierItemId(UUID(str(item_id))))

    assert first == second
    assert first != item_id
    assert first.version == 5


def test_a_drafts_id_never_changes_between_versions_of_this_program() -> None:
    item_id = SupplierItemId(UUID(int=1))

    assert str(draft_id(item_id)) == "8cf88e99-1792-5b18-847c-bf952d0c1018"


def test_drafts_of_one_instant_rarely_share_an_article_number() -> None:
    drafts = [draft_id(SupplierItemId(fresh_id())) for _ in range(200)]

    skus = sorted(internal_sku(draft, at=NOW) for draft in drafts)

    assert len(set(drafts)) == len(drafts)
    assert sum(one == other for one, other in pairwise(skus)) <= 2
