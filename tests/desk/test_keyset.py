"""Pages by key: nothing twice, nothing left out, and nonsense in a cursor is the first page."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from desk import addresses, keyset
from desk.keyset import Capped, Order
from refunds.models import RefundRequest
from tests.factories import make_merchant, make_request, make_sale

_BY_DUE = Order("due_at")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor",
    ["x", "n...", "n.1.2.3", "n.9" * 40, "p.-1.01a204f9-9588-7070-8f22-eae05f29e5f2.x", "n.1.\x00.1", "n..0.1", "…"],
)
def test_cursor_that_cannot_be_read_gives_the_first_page(cursor: str) -> None:
    for order in (_BY_DUE, Order(descending=True)):
        page = keyset.page(RefundRequest.objects.all(), order=order, cursor=cursor, size=5)
        assert (page.rows, page.next_cursor, page.prev_cursor) == ([], "", "")


@pytest.mark.django_db
@given(st.text(max_size=80))
def test_any_text_is_a_cursor_or_none(cursor: str) -> None:
    keyset.page(RefundRequest.objects.all(), order=_BY_DUE, cursor=cursor, size=5)


def test_a_number_beyond_the_cap_says_so() -> None:
    assert str(Capped(keyset.CAP)) == "1000"
    assert f"{Capped(keyset.CAP + 1)!s}" == "1000+"


def test_addresses_keep_what_a_list_is_of_and_drop_where_one_stood() -> None:

    query = QueryDict("view=mine&c=n.1.2&selected=RF-1&q=%26x")
    assert addresses.with_query("/desk", query) == "/desk?view=mine&q=%26x"
    assert addresses.with_query("/desk", query, q="", sort="-due") == "/desk?view=mine&sort=-due"


@pytest.mark.django_db
def test_cursor_when_it_is_from_a_list_by_id_alone_goes_on_after_its_row() -> None:
    sale = make_sale(make_merchant())
    made = [make_request(sale, 10 + index) for index in range(4)]
    newest = Order("created_at", descending=True)
    page = keyset.page(RefundRequest.objects.all(), order=newest, cursor=f"n..{made[2].pk}.3", size=5)
    assert [row.pk for row in page.rows] == [made[1].pk, made[0].pk]
    gone = keyset.page(
        RefundRequest.objects.all(), order=newest, cursor="n..01a204f9-9588-7070-8f22-eae05f29e5f2.3", size=5
    )
    assert len(gone.rows) == 4
