"""The policy in force at the desk: read by everybody, changed by those who may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from merchants.models import ChannelRuleChange, Merchant, PolicyDraft, PolicyReview, Staff
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db

SignIn = Callable[[Staff], Client]
_CHANGE = {
    "channel": "wechat",
    "effective_date": "2026-12-01",
    "text": "间隔一分钟",
    "source": "https://pay.weixin.qq.com",
}


def test_everybody_reads_the_rules_and_only_some_may_change_them(shop: Shop, as_staff: SignIn) -> None:
    for staff in (shop.cashier, shop.reviewer, shop.finance, shop.manager):
        page = as_staff(staff).get("/desk/policy")
        assert page.status_code == 200
        body = page.content.decode()
        assert "¥200.00" in body
        assert ("Change the rules" in body) == (staff == shop.manager)


def test_merchant_without_a_policy_is_told_so(as_staff: SignIn) -> None:
    merchant = Merchant.objects.create(code="E1", name="空", kind="retail", created_at=make_merchant().created_at)
    page = as_staff(make_staff(merchant, "owner")).get("/desk/policy")
    assert page.status_code == 200
    assert "No rules yet" in page.content.decode()


def test_draft_begins_with_the_rules_in_force(shop: Shop, as_staff: SignIn) -> None:
    answer = as_staff(shop.manager).post("/desk/policy/drafts", {})
    draft = PolicyDraft.objects.get()
    assert answer["Location"] == f"/desk/policy/drafts/{draft.pk}"
    assert as_staff(shop.manager).post("/desk/policy/drafts", {"version": "7"}).status_code == 404
    assert as_staff(shop.reviewer).post("/desk/policy/drafts", {}).status_code == 403
    assert PolicyDraft.objects.count() == 1


def test_overdue_review_is_told_until_somebody_says_that_it_was_done(shop: Shop, as_staff: SignIn) -> None:
    manager, told = as_staff(shop.manager), "were to be looked through"
    assert told in manager.get("/desk/policy").content.decode()
    refused = manager.post("/desk/policy/reviewed", {"months": "99"})
    assert (refused.status_code, PolicyReview.objects.count()) == (422, 0)
    assert manager.post("/desk/policy/reviewed", {"months": "3", "note": "无变化"}).status_code == 302
    assert told not in manager.get("/desk/policy").content.decode()


def test_rule_change_is_noted_and_seen(shop: Shop, as_staff: SignIn) -> None:
    assert as_staff(shop.cashier).post("/desk/policy/rule-changes", _CHANGE).status_code == 403
    assert as_staff(shop.reviewer).post("/desk/policy/rule-changes", _CHANGE).status_code == 302
    change = ChannelRuleChange.objects.get()
    cashier = as_staff(shop.cashier)
    assert "I have seen it" in cashier.get("/desk/policy").content.decode()
    assert cashier.post(f"/desk/policy/rule-changes/{change.pk}/seen").status_code == 302
    assert "I have seen it" not in cashier.get("/desk/policy").content.decode()
    stranger = as_staff(make_staff(make_merchant(), "owner"))
    assert stranger.post(f"/desk/policy/rule-changes/{change.pk}/seen").status_code == 404


@pytest.mark.parametrize("lacks", [{"effective_date": "tomorrow"}, {"source": " "}, {"channel": "x"}])
def test_rule_change_that_lacks_something_keeps_what_was_typed(
    shop: Shop, as_staff: SignIn, lacks: dict[str, Any]
) -> None:
    answer = as_staff(shop.reviewer).post("/desk/policy/rule-changes", {**_CHANGE, **lacks})
    assert (answer.status_code, ChannelRuleChange.objects.count()) == (422, 0)
    assert "间隔一分钟" in answer.content.decode()
