"""The twin that test keys work on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, NotFound
from integrations import sandbox
from integrations.sandbox import NoStandIns
from merchants import api_keys
from merchants.models import ApiKey, Merchant, Store
from merchants.principals import Principal, of_staff
from refunds.models import Notification, RefundRequest
from refunds.payouts import loop
from refunds.telling import outbox
from simulators.kit.testing import RunningSimulator
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def stand_ins(wechat: RunningSimulator, tmp_path: Path, settings: LazySettings) -> RunningSimulator:
    """Where sandboxes find the stand-in that runs."""
    (tmp_path / "wechat").mkdir()
    (tmp_path / "wechat" / "account.json").write_text(json.dumps(wechat.account))
    settings.STAND_INS_DIR = str(tmp_path)
    return wechat


def owner(merchant: Merchant) -> Principal:
    return of_staff(make_staff(merchant, "owner"))


def sandbox_api(merchant: Merchant) -> Api:
    by = owner(merchant)
    _row, key = sandbox.issue(name="", by=by, at=timezone.now())
    return Api(key, Merchant.objects.get(sandbox_of=merchant), by)


def test_issue_when_there_is_no_sandbox_makes_a_twin_with_stores_rules_and_stand_ins(
    stand_ins: RunningSimulator,
) -> None:
    merchant = make_merchant()
    by = owner(merchant)
    row, key = sandbox.issue(name="till vendor", by=by, at=timezone.now())
    twin = row.merchant
    assert key.startswith("rd_test_")
    assert twin.sandbox_of_id == merchant.pk
    assert list(twin.stores.values_list("code", flat=True)) == ["S001"]
    assert twin.policy_versions.get().rules == merchant.policy_versions.get().rules
    assert twin.channel_accounts.get().channel == "wechat"
    client = api_keys.recognise(key)
    assert client is not None
    assert client.principal.is_test
    assert client.principal.merchant_id == twin.pk
    # Once more: the same twin, with what the merchant has by now.
    Store.objects.create(merchant=merchant, code="S002", name="二号店")
    again, _ = sandbox.issue(name="", by=by, at=timezone.now())
    assert again.merchant_id == twin.pk
    assert set(twin.stores.values_list("code", flat=True)) == {"S001", "S002"}
    assert twin.policy_versions.count() == 1
    assert AuditEvent.objects.filter(merchant_id=merchant.pk, action="sandbox.open").count() == 1
    sandbox.revoke(key_id=row.pk, by=by, at=timezone.now())
    assert api_keys.recognise(key) is None
    with pytest.raises(NotFound):
        sandbox.revoke(key_id=again.pk, by=owner(make_merchant()), at=timezone.now())


def test_issue_when_there_are_no_stand_ins_or_no_right_makes_nothing(settings: LazySettings) -> None:
    merchant = make_merchant()
    settings.STAND_INS_DIR = ""
    with pytest.raises(NoStandIns):
        sandbox.issue(name="", by=owner(merchant), at=timezone.now())
    with pytest.raises(Forbidden):
        sandbox.issue(name="", by=of_staff(make_staff(merchant, "reviewer")), at=timezone.now())
    assert not Merchant.objects.filter(sandbox_of=merchant).exists()
    assert not ApiKey.objects.exists()


def test_refund_in_the_sandbox_is_paid_by_the_stand_in_and_seen_by_nobody_else(
    stand_ins: RunningSimulator, settings: LazySettings
) -> None:
    merchant = make_merchant()
    live = make_request(make_sale(merchant))
    api = sandbox_api(merchant)
    sale = api.post("test/payments", {"channel": "wechat", "amount_fen": 50_000, "phone": "13800006021"})
    assert sale.status_code == 201, sale.content
    body = {"transaction": sale.json()["id"], "amount_fen": 30_000, "reason": "quality", "route": "original"}
    made = api.post("refund-requests", {**body, "customer_consent": True, "customer": {"phone": "13800006021"}})
    assert made.status_code == 201, made.content
    path = f"test/refund-requests/{made.json()['id']}/outcome"
    assert made.json()["state"] == "in_review"
    assert api.post(path, {"outcome": "paid"}).json()["code"] == "nothing_to_end"
    decided = api.post(path, {"outcome": "approved"})
    assert decided.status_code == 200, decided.content
    loop.drain_in_turn()
    loop.drain_in_turn()
    state = api.get(f"refund-requests/{made.json()['id']}").json()["state"]
    assert state in ("executing", "refunded")
    assert [row["amount_fen"] for row in stand_ins.control("GET", "/refunds")["rows"]] == [30_000]
    # Neither sees the other, and no customer hears of it.
    assert api.get(f"refund-requests/{live.pk}").status_code == 404
    assert RefundRequest.objects.filter(merchant=merchant).count() == 1
    outbox.work(at=timezone.now())
    told = Notification.objects.filter(request_id=made.json()["id"])
    assert {one.receipt for one in told} == {"sandbox: nobody was sent anything"}


def test_test_calls_when_the_key_is_live_are_refused() -> None:
    api = api_for(make_merchant())
    request = make_request(make_sale(api.merchant))
    for path, body in (
        ("test/clock", {"advance": "PT1H"}),
        ("test/payments", {"channel": "wechat", "amount_fen": 100}),
        (f"test/refund-requests/{request.pk}/outcome", {"outcome": "approved"}),
        ("test/events", {"type": "transaction.created"}),
    ):
        refused = api.post(path, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "test_key_required"), path
    assert api.get("test/clock").status_code == 403
    assert RefundRequest.objects.get(pk=request.pk).version == request.version


def test_event_is_told_in_the_sandboxs_feed_about_its_newest_sale(stand_ins: RunningSimulator) -> None:
    api = sandbox_api(make_merchant())
    assert api.post("test/events", {"type": "transaction.corrected"}).status_code == 404
    sale = api.post("test/payments", {"channel": "wechat", "amount_fen": 500}).json()
    assert api.post("test/events", {"type": "transaction.corrected"}).status_code == 200
    told = AuditEvent.objects.get(action=sandbox.EVENT)
    assert (told.object_id, told.data) == (sale["id"], {"type": "transaction.corrected"})
