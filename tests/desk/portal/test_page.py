"""What the page shows on which two people end a payout: what was found, whose word it is, who may go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from desk.access import scope_of
from desk.portal.view import Typed, portal_page
from desk.refund.page import find
from merchants.models import Role
from merchants.principals import of_staff
from payment_channels.contract import Unknown
from refunds import payouts
from refunds.evidence import files
from refunds.models import RefundRequest
from refunds.payouts import ending
from refunds.payouts.ending import Finding
from tests import pictures
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def lost(shop: Shop, settings: Settings, tmp_path: Path) -> RefundRequest:
    settings.VAR_DIR = tmp_path
    request = make_request(make_sale(shop.merchant), 1_200)
    (claimed,) = payouts.claim(limit=1, at=timezone.now())
    answer = payouts.Answer(
        claimed.execution_id,
        request.pk,
        claimed.account_id,
        Unknown(code="timeout", message=""),
        "answer",
        turn=claimed.turn,
    )
    payouts.settle([answer], at=timezone.now() + timedelta(minutes=10))
    return RefundRequest.objects.get(pk=request.pk)


def test_page_when_somebody_said_what_is_there_is_theirs_for_one_and_to_confirm_for_the_other(
    shop: Shop, lost: RefundRequest
) -> None:
    ending.propose(
        request_id=lost.pk,
        finding=Finding(paid=False, note="查无此单"),
        picture=files.read_picture(upload=pictures.upload()),
        by=of_staff(shop.finance),
        at=timezone.now(),
        version=lost.version,
    )

    scopes = [scope_of(shop.finance), scope_of(make_staff(shop.merchant, Role.OWNER))]
    first, second = (portal_page(found=find(scope, lost.number), scope=scope, typed=Typed()) for scope in scopes)

    assert first.waits
    assert first.proposal is not None
    assert (first.proposal.by, first.proposal.paid, first.proposal.note) == (shop.finance.name, False, "查无此单")
    assert first.proposal.yours
    assert second.proposal == replace(first.proposal, yours=False)
    assert (len(second.pictures), second.blocked) == (1, False)


def test_page_when_nobody_said_anything_has_no_proposal(shop: Shop, lost: RefundRequest) -> None:
    scope = scope_of(shop.finance)
    page = portal_page(found=find(scope, lost.number), scope=scope, typed=Typed(note="?"), error="!")
    assert (page.proposal, page.waits, page.typed.note, page.error) == (None, True, "?", "!")
