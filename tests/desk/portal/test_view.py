"""Two people end, at the desk, a payout of which the channel says nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from core.audit.models import AuditEvent
from merchants.models import Role, Staff
from payment_channels.contract import Unknown
from refunds import payouts
from refunds.models import RefundRequest
from tests import pictures
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale, make_staff
from tests.refunds.payouts.test_doubt import Scripted

pytestmark = pytest.mark.django_db

SignIn = Callable[[Staff], Client]
LOST = Unknown(code="timeout", message="no answer")


@pytest.fixture(autouse=True)
def _evidence_goes_to(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def lost(shop: Shop) -> RefundRequest:
    request = make_request(make_sale(shop.merchant), 1_200)
    now = timezone.now()
    for minutes in (0, 1, 10):
        for claimed in payouts.claim(limit=1, at=now + timedelta(minutes=minutes)):
            answer = payouts.ask(claimed, Scripted(refunds=[LOST], queries=[LOST]))
            payouts.settle([answer], at=now + timedelta(minutes=minutes))
    return RefundRequest.objects.get(pk=request.pk)


def _say(client: Client, request: RefundRequest, **form: Any) -> Any:
    values = {"version": request.version, "shows": "nothing", "note": "查无此单", "files": pictures.upload(), **form}
    return client.post(
        f"/desk/refunds/{request.number}/end-unknown", {name: value for name, value in values.items() if value}
    )


def _confirm(client: Client, request: RefundRequest, **form: Any) -> Any:
    return client.post(
        f"/desk/refunds/{request.number}/end-unknown/confirm", {"version": request.version, "confirmed": "1", **form}
    )


def _unchanged(request: RefundRequest) -> None:
    again = RefundRequest.objects.get(pk=request.pk)
    assert (again.state, again.version, again.refunded_fen) == ("unknown", request.version, 0)


def test_say_when_finance_found_it_leads_the_second_person_to_confirm(
    shop: Shop, as_staff: SignIn, lost: RefundRequest
) -> None:
    first, second = as_staff(shop.finance), as_staff(make_staff(shop.merchant, Role.OWNER))
    assert f"/desk/refunds/{lost.number}/end-unknown" in first.get(f"/desk/refunds/{lost.number}").content.decode()
    paid_at = timezone.localtime().strftime("%Y-%m-%dT%H:%M")

    answer = _say(first, lost, shows="paid", channel_refund_no="5030", paid_at=paid_at)

    assert answer.status_code == 302
    _unchanged(lost)
    page = f"/desk/refunds/{lost.number}/end-unknown"
    assert "Somebody else of finance confirms it." in first.get(page).content.decode()
    seen = second.get(page).content.decode()
    assert "5030" in seen
    assert "I have seen it in the portal myself" in seen
    assert "/evidence/" in seen
    assert _confirm(second, lost).status_code == 302
    done = RefundRequest.objects.get(pk=lost.pk)
    assert (done.state, done.refunded_fen) == ("refunded", 1_200)
    shown = second.get(f"/desk/refunds/{lost.number}").content.decode()
    assert "found it paid in the channel&#x27;s portal; a second person confirms" in shown
    assert "two people say so, with proof" in shown


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"shows": ""}, "Say what the portal shows"),
        ({"shows": "paid", "channel_refund_no": "5030", "paid_at": ""}, "Give day and time"),
        ({"shows": "paid", "channel_refund_no": "", "paid_at": "2026-01-01T10:00"}, "Give the channel"),
        ({"shows": "paid", "channel_refund_no": "5030", "paid_at": "2031-01-01T10:00"}, "not in the future"),
        ({"files": None}, "choose at least one picture"),
    ],
    ids=["nothing chosen", "no time", "no number", "in the future", "no picture"],
)
def test_say_when_it_is_no_proof_keeps_what_was_typed_and_changes_nothing(
    shop: Shop, as_staff: SignIn, lost: RefundRequest, form: dict[str, Any], said: str
) -> None:
    before = AuditEvent.objects.count()

    answer = _say(as_staff(shop.finance), lost, **form)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert "查无此单" in page
    assert (form.get("channel_refund_no") or "") in page
    _unchanged(lost)
    assert (AuditEvent.objects.count(), lost.evidence.count()) == (before, 0)


def test_confirm_when_it_is_the_same_person_or_nobody_said_anything_or_no_second_step_is_refused(
    shop: Shop, as_staff: SignIn, lost: RefundRequest
) -> None:
    first, second = as_staff(shop.finance), as_staff(make_staff(shop.merchant, Role.FINANCE))
    assert _confirm(first, lost).status_code == 409
    _say(first, lost)

    assert _confirm(first, lost).status_code == 403
    unticked = _confirm(second, lost, confirmed="")

    assert (unticked.status_code, "Tick that you have compared it" in unticked.content.decode()) == (422, True)
    _unchanged(lost)


def test_page_when_the_channel_may_still_say_offers_nothing(shop: Shop, as_staff: SignIn) -> None:
    request = make_request(make_sale(shop.merchant), 1_200)
    payouts.claim(limit=1, at=timezone.now())

    page = as_staff(shop.finance).get(f"/desk/refunds/{request.number}/end-unknown").content.decode()

    assert "does not wait for a person" in page
    assert 'name="shows"' not in page
    assert (
        f"/desk/refunds/{request.number}/end-unknown"
        not in as_staff(shop.finance).get(f"/desk/refunds/{request.number}").content.decode()
    )


@pytest.mark.parametrize("role", [Role.CASHIER, Role.REVIEWER, Role.MANAGER])
def test_page_when_not_of_finance_is_forbidden(shop: Shop, as_staff: SignIn, lost: RefundRequest, role: Role) -> None:
    client = as_staff(make_staff(shop.merchant, role))

    assert client.get(f"/desk/refunds/{lost.number}/end-unknown").status_code == 403
    assert _say(client, lost).status_code == 403
    _unchanged(lost)
