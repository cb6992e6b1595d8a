"""Codes for a scan over REST."""

from __future__ import annotations

import pytest
from django.test import override_settings

from refunds.models import TillAuthorisation
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_request, make_sale


@pytest.mark.parametrize("left_out", ["terminal", "version", "amount_fen"])
def test_show_when_something_is_left_out_is_refused(api: Api, left_out: str) -> None:
    request = make_request(make_sale(api.merchant, 50_000), 30_000, by=api.by)
    body = {"terminal": "POS-01", "version": request.version, "amount_fen": 30_000}
    del body[left_out]
    answer = api.post(f"refund-requests/{request.pk}/till-authorisations", body)
    assert answer.json()["errors"][0]["field"] == left_out
    assert not TillAuthorisation.objects.exists()


@override_settings(BASE_URL="https://desk.example")
def test_show_tells_the_address_once_and_a_repeat_gives_the_same_code(api: Api) -> None:
    request = make_request(make_sale(api.merchant, 50_000), 30_000, by=api.by)
    path = f"refund-requests/{request.pk}/till-authorisations"
    body = {"terminal": "POS-01", "version": request.version, "amount_fen": 30_000}
    first, again = (api.post(path, body, idempotency_key="one") for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first.json()["url"].startswith("https://desk.example/desk/at-till/")
    assert "url" not in api.get(f"{path}/{first.json()['id']}").json()


def test_outcome_for_another_key_or_merchant_is_a_404(api: Api) -> None:
    request = make_request(make_sale(api.merchant, 50_000), 30_000, by=api.by)
    path = f"refund-requests/{request.pk}/till-authorisations"
    body = {"terminal": "POS-01", "version": request.version, "amount_fen": 30_000}
    shown = api.post(path, body).json()
    for other in (api_for(api.merchant), api_for(make_merchant())):
        assert other.get(f"{path}/{shown['id']}").status_code == 404
        assert TillAuthorisation.objects.count() == 1
