"""Codes for a scan over REST."""

from __future__ import annotations

import pytest
from django.test import override_settings
from django.utils import timezone

from merchants.models import Role
from merchants.principals import of_staff
from refunds.models import TillAuthorisation
from refunds.review import agreeing
from refunds.review.agreeing import Consent
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_request, make_sale, make_staff


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


def test_show_when_another_amount_was_agreed_says_which(api: Api) -> None:
    request = make_request(make_sale(api.merchant, 50_000), 30_000, by=api.by)
    consent = Consent(agreed_by="王女士", means="in_store", agreed_at=timezone.now())
    manager = of_staff(make_staff(api.merchant, Role.MANAGER))
    agreeing.agree_amount(request_id=request.pk, amount_fen=20_000, consent=consent, by=manager, at=timezone.now())
    path, told = f"refund-requests/{request.pk}", api.get(f"refund-requests/{request.pk}").json()
    body = {"terminal": "POS-01", "version": told["version"], "amount_fen": 30_000}
    refused = api.post(f"{path}/till-authorisations", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "till_code_changed")
    now = {name: refused.json()[name] for name in ("version", "amount_fen")}
    assert now["amount_fen"] == told["agreements"][-1]["amount_fen"] == 20_000
    assert api.post(f"{path}/till-authorisations", body | now).status_code == 201


def test_outcome_for_another_key_or_merchant_is_a_404(api: Api) -> None:
    request = make_request(make_sale(api.merchant, 50_000), 30_000, by=api.by)
    path = f"refund-requests/{request.pk}/till-authorisations"
    body = {"terminal": "POS-01", "version": request.version, "amount_fen": 30_000}
    shown = api.post(path, body).json()
    for other in (api_for(api.merchant), api_for(make_merchant())):
        assert other.get(f"{path}/{shown['id']}").status_code == 404
        assert TillAuthorisation.objects.count() == 1
