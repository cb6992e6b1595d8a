"""Evidence as it is served."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from merchants.models import Role, Store
from refunds.models import Evidence, RefundRequest
from tests.factories import make_merchant, make_request, make_sale, make_staff, works_in
from tests.refunds.evidence.conftest import add, files_below

pytestmark = pytest.mark.django_db


def at_desk(row: Evidence) -> str:
    assert row.request is not None
    return reverse("desk:evidence", args=[row.request.number, row.pk])


def signed_in(
    request: RefundRequest, *, store: Store | None = None, merchant_of: RefundRequest | None = None
) -> Client:
    staff = make_staff((merchant_of or request).merchant, Role.CASHIER)
    if store is not None:
        works_in(staff, store)
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_staff_of_the_store_see_the_picture_and_nothing_else_in_it(request_in_review: RefundRequest) -> None:
    (row,) = add(request_in_review)
    client = signed_in(request_in_review, store=request_in_review.store)
    response = client.get(at_desk(row))
    assert response.status_code == 200
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith("inline")
    whole = response.content
    assert hashlib.sha256(whole).hexdigest() == row.sha256
    assert len(client.get(at_desk(row) + "?size=small").content) <= len(whole)


def test_what_is_not_a_picture_is_only_ever_downloaded(request_in_review: RefundRequest) -> None:
    (row,) = add(request_in_review)
    Evidence.objects.filter(pk=row.pk).update(content_type="text/html")
    response = signed_in(request_in_review).get(at_desk(row))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")


def test_others_learn_nothing_of_a_picture(request_in_review: RefundRequest) -> None:
    (row,) = add(request_in_review)
    elsewhere = make_request(make_sale(make_merchant(), 50_000), 26_800)
    merchant = request_in_review.merchant
    other_store = Store.objects.create(merchant=merchant, code="S002", name="二号店")
    assert signed_in(request_in_review, merchant_of=elsewhere).get(at_desk(row)).status_code == 404
    assert signed_in(request_in_review, store=other_store).get(at_desk(row)).status_code == 404
    assert Client().get(at_desk(row)).status_code == 302, "to the login"
    assert signed_in(request_in_review).post(at_desk(row)).status_code == 405


def test_a_picture_that_somebody_took_away_is_a_404(request_in_review: RefundRequest, folder: Path) -> None:
    (row,) = add(request_in_review)
    for path in files_below(folder):
        path.unlink()
    assert signed_in(request_in_review).get(at_desk(row)).status_code == 404
