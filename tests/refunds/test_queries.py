"""Reads that take the merchant first."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core.errors import NotFound
from refunds import queries
from refunds.models import RefundRequest
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def test_request_and_sale_of_another_merchant_or_store_are_not_found() -> None:
    request = make_request(make_sale(make_merchant()))
    theirs, store = make_merchant(), frozenset({request.store_id})
    found = queries.request_for(merchant_id=request.merchant_id, request_id=request.pk, store_ids=store)
    sale = queries.transaction_for(merchant_id=request.merchant_id, transaction_id=request.transaction_id)
    assert (found, sale.pk) == (request, request.transaction_id)
    for merchant_id, stores in ((theirs.pk, None), (request.merchant_id, frozenset[int]())):
        with pytest.raises(NotFound):
            queries.request_for(merchant_id=merchant_id, request_id=request.pk, store_ids=stores)
        with pytest.raises(NotFound):
            queries.transaction_for(merchant_id=merchant_id, transaction_id=request.transaction_id, store_ids=stores)
    with pytest.raises(NotFound):
        queries.request_for(merchant_id=request.merchant_id, request_id=uuid4())


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("field", ["", "due_at"])
def test_beyond_goes_through_a_list_without_leaving_out_or_repeating(field: str, *, descending: bool) -> None:
    merchant = make_merchant()
    for _ in range(4):
        make_request(make_sale(merchant, 50_000), 30_000)
    RefundRequest.objects.filter(pk__in=[row.pk for row in RefundRequest.objects.order_by("pk")[:2]]).update(
        due_at=RefundRequest.objects.order_by("pk")[0].due_at
    )
    sign = "-" if descending else ""
    rows = RefundRequest.objects.order_by(*([f"{sign}{field}"] if field else []), f"{sign}pk")
    seen: list[RefundRequest] = []
    while row := (
        rows.filter(
            queries.beyond(
                field=field,
                value=queries.place_of(rows, field=field, pk=seen[-1].pk) if field else None,
                pk=seen[-1].pk,
                descending=descending,
            )
        )
        if seen
        else rows
    ).first():
        seen.append(row)
    assert seen == list(rows)


def test_events_are_the_requests_own_oldest_first() -> None:
    request = make_request(make_sale(make_merchant()))
    make_request(make_sale(make_merchant()))
    events = list(queries.events_of(request.pk))
    assert [event.version for event in events if event.version] == [1, 2, 3]
    assert {event.object_id for event in events} == {str(request.pk)}
