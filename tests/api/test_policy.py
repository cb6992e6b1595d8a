"""The rules in force, in words, as a terminal shows them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from merchants import policies
from merchants.principals import of_staff
from samples.demo import rules as sample
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


def test_rules_are_told_in_words_with_their_version(api: Api) -> None:
    policies.publish(
        merchant=api.merchant,
        name="堂食",
        rules=sample.RESTAURANT,
        by=of_staff(make_staff(api.merchant, "owner")),
        at=timezone.now(),
    )

    answer = api.get("policy")

    told = answer.json()
    assert answer.status_code == 200
    assert (told["name"], told["auto_approve_limit_fen"]) == ("堂食", 5_000)
    assert "50" in told["summary"]
    by_reason = {row["reason"]: row for row in told["reasons"]}
    assert set(by_reason) == set(sample.RESTAURANT["reasons"])
    assert "50%" in by_reason["service_failure"]["words"]
    assert all(row["label"] and row["words"] for row in told["reasons"])


def test_sums_that_are_approved_by_rule_are_told_with_the_limit_of_one_refund(api: Api) -> None:
    policies.publish(
        merchant=api.merchant,
        name="堂食",
        rules={
            **sample.RESTAURANT,
            "auto_customer_day_limit_fen": 12_000,
            "auto_key_day_count": 200,
        },
        by=of_staff(make_staff(api.merchant, "owner")),
        at=timezone.now(),
    )

    told = api.get("policy").json()

    assert told["auto_order_limit_fen"] == told["auto_approve_limit_fen"] == 5_000
    assert (told["auto_customer_day_limit_fen"], told["auto_cashier_day_count"]) == (12_000, 3)
    assert (told["auto_key_day_count"], told["auto_key_day_fen"]) == (200, None)
    assert (told["plan_rule"], told["tranche_fen"]) == ("pro_rata", 500_000)
    assert "120.00" in told["summary"]
    assert "3" in told["summary"]


def test_rules_of_tomorrow_are_not_told_today(api: Api) -> None:
    before = api.get("policy").json()
    policies.publish(
        merchant=api.merchant,
        name="later",
        rules=sample.RETAIL,
        by=of_staff(make_staff(api.merchant, "owner")),
        at=timezone.now() + timedelta(days=1),
    )

    assert api.get("policy").json() == before


def test_every_merchant_has_its_own_rules() -> None:
    ours, theirs = api_for(make_merchant()), api_for(make_merchant())
    policies.publish(
        merchant=theirs.merchant,
        name="theirs",
        rules=sample.RETAIL,
        by=of_staff(make_staff(theirs.merchant, "owner")),
        at=timezone.now(),
    )

    assert ours.get("policy").json()["name"] != "theirs"


def test_a_key_without_the_scope_is_told_nothing() -> None:
    assert api_for(make_merchant(), scopes=["transactions:read"]).get("policy").status_code == 403


def test_all_rules_and_guides_are_told_in_the_callers_language(api: Api) -> None:
    guides = {"goods_return": {"zh": "核对小票", "en": "Compare the receipt"}}
    policies.publish(
        merchant=api.merchant,
        name="堂食",
        rules=sample.RESTAURANT,
        guides=guides,
        by=of_staff(make_staff(api.merchant, "owner")),
        at=timezone.now(),
    )

    told = api.get("policy").json()

    assert [(guide["kind"], guide["text"]) for guide in told["guides"]] == [("goods_return", "核对小票")]
    assert Client().get(
        "/api/v1/policy", headers={"Authorization": f"Bearer {api.key}", "Accept-Language": "en"}
    ).json()["guides"] == [{"kind": "goods_return", "label": "Goods return", "text": "Compare the receipt"}]
    lines = [line["words"] for section in told["sections"] for line in section["lines"]]
    assert "¥50.00" in lines
    assert told["review_due_date"]
