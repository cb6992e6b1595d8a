"""Taking a whole list away."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid, NotFound
from merchants.models import Store
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import exporting
from tests.factories import make_merchant, make_request, make_sale, make_staff, works_in

pytestmark = pytest.mark.django_db


def test_export_is_ones_own_rows_and_in_the_trail_before_the_first_leaves(in_review: RefundRequest) -> None:
    make_request(make_sale(make_merchant()))
    by = of_staff(make_staff(in_review.merchant, "manager"))
    rows = exporting.checked(
        RefundRequest.objects.order_by("pk"), by=by, filters={"state": "in_review", "q": ""}, at=timezone.now()
    )
    event = AuditEvent.objects.get(action="refund.export")
    assert (event.actor_id, event.data) == (str(by.staff_id), {"filters": {"state": "in_review"}, "rows": 1})
    assert list(rows) == [in_review]


def test_export_of_too_many_rows_or_by_a_reviewer_is_refused_and_leaves_no_trace(
    in_review: RefundRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_ROWS", 0)
    for role, error in (("manager", Invalid), ("reviewer", Forbidden)):
        by = of_staff(make_staff(in_review.merchant, role))
        with pytest.raises(error):
            exporting.checked(RefundRequest.objects.order_by("pk"), by=by, filters={}, at=timezone.now())
    assert not AuditEvent.objects.filter(action="refund.export").exists()


def test_export_by_who_works_in_another_store_is_empty(in_review: RefundRequest) -> None:
    other = Store.objects.create(merchant=in_review.merchant, code="S002", name="二号店")
    by = of_staff(make_staff(in_review.merchant, "manager", stores=[other]))
    rows = exporting.checked(RefundRequest.objects.order_by("pk"), by=by, filters={}, at=timezone.now())
    assert not rows.exists()


def test_file_is_not_taken_by_who_works_in_fewer_stores_by_now(in_review: RefundRequest) -> None:
    """A list of the whole merchant, made yesterday, is none of somebody's who works in one store today."""
    merchant, at = in_review.merchant, timezone.now()
    here, there = in_review.store, Store.objects.create(merchant=in_review.merchant, code="S002", name="二号店")
    staff = make_staff(merchant, "manager")
    made = {}
    for stores in (None, (here.pk,), (here.pk, there.pk)):
        asked = exporting.ask(page="refunds", query="", form="csv", language="en", by=of_staff(staff), at=at)
        claimed = exporting.claim(at=at)
        assert claimed is not None
        exporting.finish(claimed, content=b"x", stores=stores)
        made[stores] = asked.pk
    for pk in made.values():
        assert exporting.take(export_id=pk, by=of_staff(staff), at=at).content
    works_in(staff, here)
    for stores, pk in made.items():
        if stores == (here.pk,):
            assert exporting.take(export_id=pk, by=of_staff(staff), at=at).pk == pk
            continue
        with pytest.raises(NotFound):
            exporting.take(export_id=pk, by=of_staff(staff), at=at)
