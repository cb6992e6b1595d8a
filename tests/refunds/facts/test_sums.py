"""What refunds come to together: the tier that decides, and the caps of a sale, one after another and at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from merchants import policies
from merchants.principals import of_staff
from refunds.models import Execution, RefundRequest
from refunds.review import decidable
from tests.api.conftest import api_for, session_for
from tests.factories import RULES, make_merchant, make_request, make_sale, make_staff
from tests.refunds.hand import BY_HAND_RULES, sale_for
from tests.refunds.limited import ask, at_once, body, post, sales, shop

pytestmark = pytest.mark.django_db


# --- the tier -------------------------------------------------------------------------------------------------------------


def test_approve_when_the_order_comes_to_more_than_the_tier_a_reviewer_may_not() -> None:
    """Ten times 990.00 are 9,900.00."""
    merchant = shop()
    sale = make_sale(merchant, 1_000_000)
    session = session_for(make_staff(merchant, "reviewer"))
    waiting = [make_request(sale, 99_000) for _ in range(10)]
    assert [request.tier for request in waiting] == ["manager"] + ["head_office"] * 9
    for request in waiting:
        answer = session.post(f"refund-requests/{request.pk}/approve", {"version": request.version})
        assert (answer.status_code, answer.json()["code"]) == (403, "tier_required")
    assert not RefundRequest.objects.exclude(state="in_review").exists()
    assert not Execution.objects.exists()
    # Refusing takes no higher tier; what is left comes to less.
    for request in waiting[1:]:
        data = {"version": request.version, "reason_code": "not_covered", "message": "已超过"}
        assert session.post(f"refund-requests/{request.pk}/reject", data).status_code == 200
    assert session.post(f"refund-requests/{waiting[0].pk}/approve", {"version": waiting[0].version}).status_code == 200


def test_bulk_approval_at_the_desk_is_held_to_the_same_sum() -> None:
    merchant = shop()
    sale = make_sale(merchant, 1_000_000)
    waiting = [make_request(sale, 99_000) for _ in range(3)]
    client = Client()
    client.force_login(make_staff(merchant, "reviewer"), backend="django.contrib.auth.backends.ModelBackend")
    keys = [f"{request.number}@{request.version}" for request in waiting]
    client.post("/desk/bulk", {"action": "approve", "keys": keys, "confirm": "1"})
    assert Counter(RefundRequest.objects.values_list("state", flat=True)) == {"in_review": 3}


def test_approve_when_a_customer_asked_for_more_that_day_a_reviewer_may_not() -> None:
    merchant = shop()
    waiting = [make_request(sale, 60_000) for sale in sales(merchant, 2, 100_000, phone="13800006021")]
    session = session_for(make_staff(merchant, "reviewer"))
    answer = session.post(f"refund-requests/{waiting[1].pk}/approve", {"version": waiting[1].version})
    assert (answer.status_code, answer.json()["code"]) == (403, "tier_required")
    manager = session_for(make_staff(merchant, "manager"))
    assert manager.post(f"refund-requests/{waiting[1].pk}/approve", {"version": waiting[1].version}).status_code == 200
    assert waiting[1].approvals.get().tier == "head_office"


def test_desk_says_who_decides_and_offers_the_rejection_only() -> None:
    merchant = shop()
    sale = make_sale(merchant, 1_000_000)
    waiting = [make_request(sale, 99_000) for _ in range(2)]
    client = Client()
    client.force_login(make_staff(merchant, "reviewer"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/desk/refunds/{waiting[0].number}").content.decode()
    assert "/reject" in page
    assert f"/desk/refunds/{waiting[0].number}/approve" not in page


# --- caps of a sale, judged again -------------------------------------------------------------------------------------------


def test_approve_when_the_cash_limit_was_lowered_meanwhile_is_refused() -> None:
    merchant = make_merchant(rules=BY_HAND_RULES)
    sale = sale_for(merchant, "cash", 100_000)
    api = api_for(merchant)
    asked = ask(api, sale, 40_000, route="cash")
    lower = {**BY_HAND_RULES, "route_rules": {"cash": {"fundings": ["cash"], "limit_fen": 30_000}}}
    owner = make_staff(merchant, "owner")
    policies.publish(merchant=merchant, name="低", rules=lower, by=of_staff(owner), at=timezone.now())
    session = session_for(make_staff(merchant, "reviewer"))
    answer = session.post(f"refund-requests/{asked['id']}/approve", {"version": asked["version"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "route_limit")
    assert RefundRequest.objects.get().state == "in_review"
    smaller = {"version": asked["version"], "amount_fen": 30_000}
    assert session.post(f"refund-requests/{asked['id']}/approve", smaller).status_code == 200


def test_approve_when_the_channel_takes_fewer_refunds_by_now_is_refused() -> None:
    merchant = shop()
    sale = make_sale(merchant, 500_000)
    waiting = [make_request(sale, 20_000) for _ in range(3)]
    account = merchant.channel_accounts.get()
    account.profile_overrides = {**account.profile_overrides, "max_partials": 2}
    account.save()
    session = session_for(make_staff(merchant, "manager"))
    answer = session.post(f"refund-requests/{waiting[0].pk}/approve", {"version": waiting[0].version})
    assert (answer.status_code, answer.json()["code"]) == (409, "channel_refund_count")
    assert not Execution.objects.exists()


def test_approve_when_the_store_has_a_tier_of_its_own_it_decides_there() -> None:
    own = {"name": "manager", "limit_fen": 150_000, "roles": ["reviewer"], "stores": ["S001"]}
    elsewhere = {**own, "stores": ["S002"]}
    for tier, status in ((own, 200), (elsewhere, 403)):
        merchant = shop(tiers=[tier, *RULES["tiers"]])
        waiting = make_request(make_sale(merchant, 500_000), 120_000)
        reviewer = make_staff(merchant, "reviewer")
        assert decidable.may_decide(by=of_staff(reviewer), request=waiting, at=timezone.now()) is (status == 200)
        assert bool(decidable.undecidable(requests=[waiting], by=of_staff(reviewer), at=timezone.now())) is (
            status == 403
        )
        answer = session_for(reviewer).post(f"refund-requests/{waiting.pk}/approve", {"version": waiting.version})
        assert answer.status_code == status


# --- at once ----------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_approvals_at_once_of_one_order_do_not_pass_the_tier() -> None:
    merchant = shop()
    sale = make_sale(merchant, 1_000_000)
    waiting = [make_request(sale, 99_000) for _ in range(10)]

    def approve(request: RefundRequest) -> Callable[[], Any]:
        session = session_for(make_staff(merchant, "reviewer"))
        return lambda: session.post(f"refund-requests/{request.pk}/approve", {"version": request.version})

    answers = at_once([approve(request) for request in waiting])
    assert {answer.status_code for answer in answers} == {403}


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_in_cash_end_within_the_cap() -> None:
    api = api_for(make_merchant(rules=BY_HAND_RULES))
    sale = sale_for(api.merchant, "cash", 1_000_000)
    answers = at_once([post(api, sale, 30_000, route="cash") for _ in range(8)], width=8)
    assert Counter((answer.status_code, answer.json().get("code", "")) for answer in answers) == {
        (201, ""): 1,
        (422, "route_limit"): 7,
    }
    assert RefundRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_sixty_partial_refunds_at_once_never_pass_fifty() -> None:
    api = api_for(shop())
    sale = make_sale(api.merchant, 1_000_000)
    answers = at_once([post(api, sale, 1_000) for _ in range(60)])
    assert Counter((answer.status_code, answer.json().get("code", "")) for answer in answers) == {
        (201, ""): 50,
        (422, "channel_refund_count"): 10,
    }
    sale.refresh_from_db()
    assert (sale.reserved_fen, RefundRequest.objects.count()) == (50_000, 50)


@pytest.mark.django_db(transaction=True)
def test_cash_of_one_order_paid_twice_at_once_ends_within_the_cap() -> None:
    api = api_for(make_merchant(rules=BY_HAND_RULES))
    first = sale_for(api.merchant, "cash", 1_000_000)
    other = sale_for(api.merchant, "cash", 1_000_000, order_no=first.order_no)
    answers = at_once([post(api, sale, 30_000, route="cash") for sale in (first, other) * 3], width=6)
    assert Counter((answer.status_code, answer.json().get("code", "")) for answer in answers) == {
        (201, ""): 1,
        (422, "route_limit"): 5,
    }


@pytest.mark.parametrize("before_fen", [0, 30_000], ids=["alone", "after another in cash"])
def test_submit_when_the_last_part_of_an_order_is_in_cash_it_counts_towards_the_cap(before_fen: int) -> None:
    rules = {**BY_HAND_RULES, "auto_approve_limit_fen": 500_000}
    api = api_for(make_merchant(rules=rules))
    card = make_sale(api.merchant, 40_000)
    drawer = sale_for(api.merchant, "cash", 60_000, order_no=card.order_no)
    if before_fen:
        assert post(api, drawer, before_fen, route="cash")().status_code == 201
    named = {"transaction": None, "order_no": card.order_no}
    answers = [
        api.post("refund-requests", {name: value for name, value in body(card, fen, **named).items() if value})
        for fen in (40_000 + 60_000 - before_fen, 40_000 + 25_000)
    ]
    told = [(answer.status_code, answer.json().get("code", "")) for answer in answers]
    assert told == [(422, "route_limit"), (422, "route_limit") if before_fen else (201, "")]
