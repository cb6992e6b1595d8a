"""What each view holds, and how many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from desk.access import scope_of
from desk.queue.saved_views import VIEWS, counts
from merchants.models import Staff
from merchants.principals import of_staff
from refunds import lifecycle
from refunds.models import Approval, RefundRequest
from refunds.review import deciding, escalating
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_request, make_sale

SignIn = Callable[[Staff], Client]


def _fill(shop: Shop) -> dict[str, RefundRequest]:
    """One request in every view."""
    now = timezone.now()
    rows = {name: shop.waiting() for name in ("waiting", "mine", "soon", "info", "failed", "second")}
    deciding.claim(request_id=rows["mine"].pk, by=of_staff(shop.reviewer), at=now)
    RefundRequest.objects.filter(pk=rows["soon"].pk).update(due_at=now - timedelta(minutes=12))
    info = rows["info"]
    deciding.request_info(
        request_id=info.pk, by=of_staff(shop.reviewer), at=now, version=info.version, message="photo?"
    )
    second = rows["second"]
    told = {"amount_fen": second.amount_fen, "tier": second.tier}
    lifecycle.record_act(second, "refund.approve_first", by=shop.reviewer.actor, at=now, data=told)
    Approval.objects.create(
        request=second,
        staff=shop.reviewer,
        decision="approve",
        tier=second.tier,
        role=shop.reviewer.role,
        amount_fen=second.amount_fen,
        version=second.version,
        at=now,
        needed=2,
        lapses_at=now + timedelta(hours=1),
    )
    return rows


def test_views_count_what_they_list(shop: Shop) -> None:
    _fill(shop)
    make_request(make_sale(make_merchant(), 33_980), 26_800)
    scope, now = scope_of(shop.reviewer), timezone.now()
    counted = counts(scope=scope, at=now)
    listed = {view.name: scope.requests().filter(view.condition(shop.reviewer, now)).count() for view in VIEWS}
    assert counted == listed
    assert counted == {
        "waiting": 5,
        "mine": 1,
        "unclaimed": 4,
        "soon": 1,
        "escalated": 0,
        "delayed": 0,
        "second": 1,
        "info": 1,
        "goods": 0,
        "trouble": 0,
    }


def test_views_when_time_ran_out_or_days_passed_hold_what_must_not_be_overlooked(shop: Shop) -> None:
    rows, now = _fill(shop), timezone.now()
    escalating.work(at=now)
    RefundRequest.objects.filter(pk__in=[rows["info"].pk, rows["mine"].pk]).update(created_at=now - timedelta(days=12))
    RefundRequest.objects.filter(pk=rows["failed"].pk).update(created_at=now - timedelta(days=11, hours=23))
    scope = scope_of(shop.reviewer)
    counted = counts(scope=scope, at=now)
    for view in VIEWS:
        assert counted[view.name] == scope.requests().filter(view.condition(shop.reviewer, now)).count()
    assert (counted["escalated"], counted["delayed"]) == (1, 2)


def test_desk_when_refunds_are_delayed_says_so_at_its_head_and_in_their_rows(
    shop: Shop, as_staff: Callable[[Staff], Client]
) -> None:
    rows, now = _fill(shop), timezone.now()
    escalating.work(at=now)
    RefundRequest.objects.filter(pk=rows["info"].pk).update(created_at=now - timedelta(days=13))
    desk = as_staff(shop.reviewer)
    page = desk.get("/desk?view=delayed").content.decode()
    assert "1 refund is open or unpaid for 12 days or more" in page
    assert "Day 13 of 15" in page
    assert "Escalated" in desk.get(f"/desk/refunds/{rows['soon'].number}").content.decode()
