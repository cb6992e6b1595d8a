"""The pages of batches."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from merchants.principals import of_staff
from refunds.intake import batches
from refunds.intake.batches import Wish
from refunds.intake.claims import Draft
from refunds.models import RefundBatch, RefundRequest
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_sale, make_staff

SignIn = Callable[[Staff], Client]


@pytest.fixture
def finance(shop: Shop) -> Staff:
    return make_staff(shop.merchant, "finance")


def _batch(staff: Staff, *, bad: bool = False) -> RefundBatch:
    sale = make_sale(staff.merchant, 50_000)
    draft = Draft(transaction_id=sale.pk, amount_fen=1_000, reason="quality", customer_consent=True)
    wishes = [Wish(label=sale.order_no, amount_fen=1_000, draft=draft)]
    wishes += [Wish(label="<b>x</b>", errors=[{"field": "reason", "code": "required", "message": "?"}])] if bad else []
    batch = batches.file(name="recall", wishes=wishes, by=of_staff(staff), at=timezone.now())
    batches.work()
    return batch


def test_batch_is_looked_at_confirmed_by_another_and_run(shop: Shop, finance: Staff, as_staff: SignIn) -> None:
    batch = _batch(finance, bad=True)
    path = f"/desk/batches/{batch.pk}"
    assert "recall" in as_staff(finance).get("/desk/batches").content.decode()
    page = as_staff(finance).get(path).content.decode()
    assert "¥10.00" in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    owner = as_staff(make_staff(shop.merchant, "owner"))
    assert owner.post(f"{path}/confirm", {"window_minutes": "0"}).status_code == 409
    owner.post(f"{path}/confirm", {"window_minutes": "0", "skip_bad": "1"})
    assert 'hx-trigger="every 2s"' in owner.get(path).content.decode()
    batches.work()
    page = owner.get(path, {"outcome": "taken"}).content.decode()
    assert RefundRequest.objects.get(batch_row__batch=batch).number in page
    assert "&lt;b&gt;" not in page
    assert 'hx-trigger="every 2s"' not in page


def test_who_filed_it_does_not_confirm_it(finance: Staff, as_staff: SignIn) -> None:
    batch = _batch(finance)
    answer = as_staff(finance).post(f"/desk/batches/{batch.pk}/confirm", {"window_minutes": "0"})
    assert answer.status_code == 403
    assert RefundBatch.objects.get(pk=batch.pk).state == "ready"


def test_batch_is_called_off(finance: Staff, as_staff: SignIn) -> None:
    batch = _batch(finance)
    as_staff(finance).post(f"/desk/batches/{batch.pk}/cancel")
    assert RefundBatch.objects.get(pk=batch.pk).state == "cancelled"
    assert as_staff(finance).post(f"/desk/batches/{batch.pk}/cancel").status_code == 409


def test_another_merchants_batch_is_not_there(finance: Staff, as_staff: SignIn) -> None:
    batch = _batch(finance)
    other = as_staff(make_staff(make_merchant(), "owner"))
    for act in ("", "/cancel", "/confirm"):
        answer = other.post(f"/desk/batches/{batch.pk}{act}") if act else other.get(f"/desk/batches/{batch.pk}")
        assert answer.status_code == 404
    assert RefundBatch.objects.get(pk=batch.pk).state == "ready"
