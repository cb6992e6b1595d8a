"""A second factor with an act, at the desk and by REST: nothing is done before it is shown, and the page says what is signed."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from merchants import policies, signing
from merchants.models import ApiKey, Merchant, Signature, Staff
from merchants.principals import SYSTEM
from refunds.models import Approval, RefundRequest
from tests.desk.conftest import Shop
from tests.factories import RULES, make_request, make_sale, make_staff
from tests.passkeys import SoftKey, with_passkey
from tests.second_factors import code_of, with_app

pytestmark = pytest.mark.django_db
SignIn = Callable[[Staff], Client]


@pytest.fixture
def large(shop: Shop) -> RefundRequest:
    rules = {**RULES, "four_eyes_above_fen": 20_000, "second_approval_hours": 4}
    policies.publish(merchant=shop.merchant, name="two", rules=rules, by=SYSTEM, at=timezone.now())
    return make_request(make_sale(shop.merchant, 50_000), 30_000)


def _approve(client: Client, request: RefundRequest, **more: str) -> tuple[int, str]:
    answer = client.post(
        f"/desk/refunds/{request.number}/approve",
        {"version": str(request.version), "amount": "300", **more},
        secure=True,
        headers={"HX-Request": "true", "accept-language": "en"},
    )
    return answer.status_code, answer.content.decode()


def _asked(page: str) -> str:
    found = re.search(r'data-sign="([^"]+)"', page)
    assert found
    return html.unescape(found[1])


def test_approve_shows_what_is_signed_and_is_done_once_it_was(
    shop: Shop, large: RefundRequest, as_staff: SignIn
) -> None:
    key, client = with_passkey(shop.manager), as_staff(shop.manager)
    status, page = _approve(client, large)
    assert status == 200
    for text in (large.number, "¥300.00", "original", "approve"):
        assert text in page
    assert not Approval.objects.exists()
    status, page = _approve(client, large, signed_by_passkey=SoftKey().show(_asked(page)))
    assert (status, Approval.objects.count()) == (403, 0)
    assert "That was not right" in page
    status, _ = _approve(client, large, signed_by_passkey=key.show(_asked(page)))
    assert status == 204
    row = Approval.objects.get()
    assert row.signature is not None
    assert row.factor == row.signature.factor == "webauthn"
    # The session has shown it, too: what is small is decided without for five minutes.
    assert client.session["second_factor"]["kind"] == "webauthn"


def test_approve_with_an_apps_code_is_kept_as_weaker(shop: Shop, large: RefundRequest, as_staff: SignIn) -> None:
    secret, client = with_app(shop.manager), as_staff(shop.manager)
    assert _approve(client, large, signed_by_code="000000")[0] == 403
    assert not Approval.objects.exists()
    assert _approve(client, large, signed_by_code=code_of(secret))[0] == 204
    assert Approval.objects.get().factor == "totp"


def test_approve_when_passkeys_are_required_takes_no_code(shop: Shop, large: RefundRequest, as_staff: SignIn) -> None:
    secret = with_app(shop.manager)
    Merchant.objects.filter(pk=shop.merchant.pk).update(requires_passkeys_since=timezone.now() - timedelta(days=1))
    client = as_staff(shop.manager)
    status, page = _approve(client, large, signed_by_code=code_of(secret))
    assert (status, Approval.objects.count()) == (403, 0)
    with_passkey(shop.manager)
    status, page = _approve(client, large, signed_by_code=code_of(secret))
    assert (status, Approval.objects.count()) == (403, 0)
    assert "signed_by_code" not in page


def test_session_that_showed_a_factor_long_ago_shows_one_again(shop: Shop, as_staff: SignIn) -> None:
    secret, client, request = with_app(shop.manager), as_staff(shop.manager), shop.waiting()
    session = client.session
    signing.remember(session, "totp", at=timezone.now() - timedelta(minutes=6))
    session.save()
    url, form = f"/desk/refunds/{request.number}/approve", {"version": str(request.version), "amount": "100"}
    answer = client.post(url, form, headers={"accept-language": "en"})
    assert answer.status_code == 200
    assert 'name="amount" value="100"' in answer.content.decode()
    assert not Approval.objects.exists()
    assert client.post(url, {**form, "signed_by_code": code_of(secret)}).status_code == 302
    assert (Approval.objects.get().factor, Approval.objects.get().signature) == ("totp", None)
    again = shop.waiting()
    form["version"] = str(again.version)
    assert client.post(f"/desk/refunds/{again.number}/approve", form).status_code == 302


def test_keys_are_signed_and_bulk_leaves_what_is_signed_by_itself(
    shop: Shop, large: RefundRequest, as_staff: SignIn
) -> None:
    owner = make_staff(shop.merchant, "owner")
    secret, client = with_app(owner), as_staff(owner)
    form = {"name": "Till", "scopes": "refunds:read", "store": "*"}
    before = ApiKey.objects.count()
    assert "signed_by_code" in client.post("/desk/api-keys", form).content.decode()
    assert ApiKey.objects.count() == before
    assert client.post("/desk/api-keys", {**form, "signed_by_code": code_of(secret)}).status_code == 200
    assert ApiKey.objects.count() == before + 1
    assert Signature.objects.get(object_type="api_key", factor="totp").staff == owner
    keys = {"action": "approve", "keys": f"{large.number}@{large.version}", "confirm": "1"}
    client.post("/desk/bulk", keys)
    assert not Approval.objects.exists()


def test_rest_says_what_to_sign_and_takes_it_in_a_header(shop: Shop, large: RefundRequest, as_staff: SignIn) -> None:
    key, client = with_passkey(shop.manager), as_staff(shop.manager)
    url = f"/api/v1/refund-requests/{large.pk}/approve"

    def call(**headers: str) -> tuple[int, dict[str, object]]:
        body = {"version": large.version}
        answer = client.post(url, body, content_type="application/json", secure=True, headers=headers)
        return answer.status_code, answer.json()

    status, said = call()
    assert (status, said["code"]) == (403, "signature_needed")
    assert isinstance(said["statement"], dict)
    assert said["statement"]["amount"] == 30_000
    assert call(**{"Second-Factor": "webauthn AA"})[0] == 403
    assert not Approval.objects.exists()

    answer = key.show(json.dumps(said["passkey"]))
    assert call(**{"Second-Factor": f"webauthn {base64.urlsafe_b64encode(answer.encode()).decode()}"})[0] == 200
    assert Approval.objects.get().factor == "webauthn"
