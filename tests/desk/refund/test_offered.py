"""The desk hands nobody what they may not decide: the next one, the row that is preselected, picks, hand-overs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.audit.record import record
from desk.rows import lean
from merchants import api_keys
from merchants.models import KeyScope, Staff, Store
from merchants.principals import of_staff
from refunds.intake import resubmitting
from refunds.intake.resubmitting import Correction
from refunds.models import RefundRequest
from refunds.review import decidable, deciding
from tests.api.conftest import Api
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale, make_staff, works_in

SignIn = Callable[[Staff], Client]

#: Above the reviewers' 1,000.00.
TOO_MUCH = 135_880


def _large(shop: Shop, **fields: Any) -> RefundRequest:
    return make_request(make_sale(shop.merchant, TOO_MUCH), TOO_MUCH, **fields)


def _by_key_of(shop: Shop, staff: Staff) -> RefundRequest:
    """Asked for with a key that this person made."""
    _row, key, _secret = api_keys.issue(
        merchant=shop.merchant,
        name="till",
        scopes=[KeyScope.REFUNDS_WRITE, KeyScope.REFUNDS_READ],
        by=of_staff(staff),
        at=timezone.now(),
        all_stores=True,
    )
    sale = make_sale(shop.merchant, 33_980)
    body = {"transaction": str(sale.pk), "amount_fen": 26_800, "reason": "quality"}
    answer = Api(key, shop.merchant, of_staff(staff)).post("refund-requests", body)
    assert answer.status_code == 201
    return RefundRequest.objects.get(pk=answer.json()["id"])


def _corrected(shop: Shop, by: Staff) -> RefundRequest:
    """Asked for by another, corrected by this person."""
    now, request = timezone.now(), shop.waiting()
    deciding.request_info(
        request_id=request.pk, by=of_staff(shop.colleague), at=now, version=request.version, message="photo?"
    )
    version = RefundRequest.objects.get(pk=request.pk).version
    correction = Correction(description="a photo")
    resubmitting.resubmit(
        request_id=request.pk, correction=correction, by=of_staff(by), at=now, expected_version=version
    )
    return RefundRequest.objects.get(pk=request.pk)


def _rung_up_by(shop: Shop, staff: Staff) -> RefundRequest:
    return make_request(make_sale(shop.merchant, 33_980, cashier=staff.username), 26_800)


def _next(client: Client) -> set[str]:
    """What this person has on their desk after asking for the next one until there is none."""
    for _ in range(12):
        client.post("/desk/claim-next")
    claimed = RefundRequest.objects.filter(claimed_by__isnull=False).order_by("number")
    return set(claimed.values_list("number", flat=True))


def test_next_is_never_above_ones_tier(reviewer: Client, shop: Shop, as_staff: SignIn) -> None:
    large = _large(shop, at=timezone.now() - timedelta(hours=2))
    mine = shop.waiting()
    assert _next(reviewer) == {mine.number}
    said = reviewer.post("/desk/claim-next", follow=True).content.decode()
    assert "Nothing is left to claim that you may decide." in said
    assert _next(as_staff(shop.manager)) == {mine.number, large.number}


def test_next_is_never_ones_own(reviewer: Client, shop: Shop) -> None:
    manager = make_staff(shop.merchant, "manager")
    shop.waiting(by=shop.reviewer)
    _rung_up_by(shop, shop.reviewer)
    _corrected(shop, shop.reviewer)
    other = _by_key_of(shop, manager)
    assert _next(reviewer) == {other.number}


def test_next_of_a_manager_is_never_what_their_own_key_asked_for(shop: Shop, as_staff: SignIn) -> None:
    _by_key_of(shop, shop.manager)
    other = shop.waiting()
    assert _next(as_staff(shop.manager)) == {other.number}


def test_next_is_of_ones_own_stores(reviewer: Client, shop: Shop) -> None:
    shop.waiting()
    works_in(shop.reviewer, Store.objects.create(merchant=shop.merchant, code="S002", name="二号店"))
    assert _next(reviewer) == set()


def test_row_that_is_preselected_is_one_that_can_be_decided(reviewer: Client, shop: Shop, as_staff: SignIn) -> None:
    now = timezone.now()
    large, own, mine = _large(shop), shop.waiting(by=shop.reviewer), shop.waiting()
    taken = shop.waiting()
    deciding.claim(request_id=taken.pk, by=of_staff(shop.colleague), at=now)
    for request, minutes in ((large, 1), (own, 2), (taken, 3), (mine, 4)):
        RefundRequest.objects.filter(pk=request.pk).update(due_at=now + timedelta(minutes=minutes))

    page = reviewer.get("/desk")
    assert [row.number for row in page.context["rows"] if row.current] == [mine.number]
    assert page.context["selected"].number == mine.number
    assert as_staff(shop.manager).get("/desk").context["selected"].number == large.number
    # Whoever asks for one by its address looks at it all the same.
    assert reviewer.get(f"/desk?selected={large.number}").context["selected"].number == large.number
    # Nor does a decision go on with one of them.
    own_row = next(row for row in page.context["rows"] if row.number == large.number)
    assert f"selected={mine.number}" in own_row.leads.return_to


def test_nothing_is_preselected_where_nothing_can_be_decided(reviewer: Client, shop: Shop) -> None:
    large = _large(shop)
    page = reviewer.get("/desk")
    assert large.number in page.content.decode()
    assert page.context["selected"] is None
    assert 'aria-current="true" data-key' not in page.content.decode()


def test_row_that_cannot_be_decided_cannot_be_picked_and_says_why(reviewer: Client, shop: Shop) -> None:
    large, own, mine = _large(shop), shop.waiting(by=shop.reviewer), shop.waiting()
    page = reviewer.get("/desk").content.decode()
    boxes = {number: tag for tag, number in re.findall(r'(<input type="checkbox"[^>]*value="(RF-[^"]+)"[^>]*>)', page)}
    assert " disabled " not in boxes[mine.number]
    for request, why in ((large, "An amount like this is decided by"), (own, "Someone else must decide it")):
        assert " disabled " in boxes[request.number]
        assert why in boxes[request.number]


def test_buttons_that_are_refused_stand_there_disabled_with_the_reason(reviewer: Client, shop: Shop) -> None:
    large = _large(shop)
    for path in (f"/desk?selected={large.number}", f"/desk/refunds/{large.number}"):
        page = reviewer.get(path).content.decode()
        for name in ("approve", "reject", "info"):
            (button,) = set(re.findall(rf'<button[^>]*data-refused="{name}"[^>]*>', page))
            assert 'aria-disabled="true"' in button
            assert 'aria-describedby="why-not"' in button
            assert f'data-action="{name}"' not in page
        assert re.search(r'id="why-not".*?An amount like this is decided by: Manager, Owner', page, re.S)
        assert 'data-why-not="An amount like this is decided by' in page
        assert 'data-action="claim"' not in page


@pytest.mark.parametrize("kind", ["large", "own"])
def test_claim_of_what_one_may_not_decide_is_refused(reviewer: Client, shop: Shop, kind: str) -> None:
    request = _large(shop) if kind == "large" else shop.waiting(by=shop.reviewer)
    reviewer.post(f"/desk/refunds/{request.number}/claim", {"version": request.version})
    reviewer.post("/desk/bulk", {"keys": [request.number], "action": "claim", "confirm": "1"})
    assert RefundRequest.objects.get(pk=request.pk).claimed_by_id is None


def test_bulk_approval_leaves_out_what_is_above_ones_tier_or_ones_own(reviewer: Client, shop: Shop) -> None:
    large, own, mine = _large(shop), shop.waiting(by=shop.reviewer), shop.waiting()
    keys = [request.number for request in (large, own, mine)]
    dry = reviewer.post("/desk/bulk", {"keys": keys, "action": "approve"})
    assert [item.number for item in dry.context["allowed"]] == [mine.number]
    reviewer.post("/desk/bulk", {"keys": keys, "action": "approve", "confirm": "1"})
    states = dict(RefundRequest.objects.values_list("number", "state"))
    assert states == {large.number: "in_review", own.number: "in_review", mine.number: "approved"}


def test_nobody_is_handed_what_they_may_not_decide(shop: Shop, as_staff: SignIn) -> None:
    large, manager = _large(shop), as_staff(shop.manager)
    offered = manager.get(f"/desk/refunds/{large.number}?do=reassign").context["dialogs"].assignees
    assert str(shop.reviewer.pk) not in {item.value for item in offered}
    assert offered, "the owner can take it on"
    for staff in (shop.reviewer, shop.cashier):
        manager.post(f"/desk/refunds/{large.number}/reassign", {"version": large.version, "staff": str(staff.pk)})
        assert RefundRequest.objects.get(pk=large.pk).claimed_by_id is None


def _two_of_one_order(shop: Shop, **sale: Any) -> list[RefundRequest]:
    """Each is within a reviewer's tier, together they are not."""
    sale = {"order_no": "MIX-1", "phone": "", **sale}
    return [make_request(make_sale(shop.merchant, 60_000, **sale), 60_000) for _ in range(2)]


def test_next_is_never_of_an_order_that_comes_to_more_than_ones_tier(
    reviewer: Client, shop: Shop, as_staff: SignIn
) -> None:
    pair = _two_of_one_order(shop)
    mine = shop.waiting()
    assert _next(reviewer) == {mine.number}
    page = reviewer.get("/desk")
    assert {row.number for row in page.context["rows"] if row.blocked} == {request.number for request in pair}
    reviewer.post(f"/desk/refunds/{pair[0].number}/claim", {"version": pair[0].version})
    assert RefundRequest.objects.get(pk=pair[0].pk).claimed_by_id is None
    assert _next(as_staff(shop.manager)) == {mine.number, *(request.number for request in pair)}


def test_one_of_an_order_above_ones_tier_can_still_be_rejected(reviewer: Client, shop: Shop) -> None:
    """A rejection lets no money go: it takes no higher tier than the one alone."""
    request, _other = _two_of_one_order(shop)
    page = reviewer.get(f"/desk/refunds/{request.number}").content.decode()
    assert 'data-refused="approve"' in page
    assert 'data-refused="reject"' not in page
    assert 'data-action="reject"' in page
    form = {"version": request.version, "reason_code": "no_proof", "message": "?"}
    reviewer.post(f"/desk/refunds/{request.number}/reject", form)
    assert RefundRequest.objects.get(pk=request.pk).state == "rejected"


def test_next_is_found_behind_many_that_one_may_not_decide(reviewer: Client, shop: Shop) -> None:
    now = timezone.now()
    for _ in range(60):
        _rung_up_by(shop, shop.reviewer)
    RefundRequest.objects.update(due_at=now + timedelta(minutes=1))
    mine = shop.waiting()
    RefundRequest.objects.filter(pk=mine.pk).update(due_at=now + timedelta(hours=1))
    reviewer.post("/desk/claim-next")
    assert RefundRequest.objects.get(claimed_by__isnull=False).pk == mine.pk


def test_many_are_judged_in_a_fixed_number_of_statements(
    shop: Shop, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for phone in ("13800006021", "13800006022", ""):
        make_request(make_sale(shop.merchant, 33_980, phone=phone), 26_800)
        make_request(make_sale(shop.merchant, 33_980, phone=phone), 26_800)
    _corrected(shop, shop.reviewer)
    by, rows = of_staff(shop.reviewer), list(lean(RefundRequest.objects.order_by("pk")))
    with django_assert_max_num_queries(7):
        decidable.undecidable(requests=rows, by=by, at=timezone.now())


@pytest.mark.breaks_invariants
def test_lists_judge_as_the_decision_does(shop: Shop) -> None:
    """What many are asked at once agrees with ``conditions.check``, for everybody and every kind of distance."""
    now, owner = timezone.now(), Staff.objects.get(merchant=shop.merchant, role="owner")
    rows = [
        _large(shop),
        shop.waiting(),
        *(shop.waiting(by=staff) for staff in (shop.reviewer, shop.manager)),
        *(_rung_up_by(shop, staff) for staff in (shop.reviewer, shop.manager)),
        *(_corrected(shop, staff) for staff in (shop.reviewer, shop.manager)),
        *(_by_key_of(shop, staff) for staff in (shop.manager, owner)),
        *_two_of_one_order(shop),
        *(make_request(make_sale(shop.merchant, 60_000, phone="13800006021"), 60_000) for _ in range(2)),
        *(make_request(make_sale(shop.merchant, 33_980, cashier=code), 26_800) for code in ("C017", "ｃ017 ")),
    ]
    Staff.objects.filter(pk=shop.colleague.pk).update(till_codes=["c017"])
    shop.colleague.refresh_from_db()
    sent = shop.waiting()
    rows.append(sent)
    RefundRequest.objects.filter(pk=sent.pk).update(version=4)
    record(
        merchant_id=shop.merchant.pk,
        by=shop.manager.actor,
        action="refund.send_elsewhere",
        object_type="refund_request",
        object_id=sent.pk,
        at=now,
    )
    rows = list(RefundRequest.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk"))
    some = 0
    for staff in (shop.reviewer, shop.colleague, shop.manager, owner):
        allowed = {row.pk for row in rows if decidable.may_decide(by=of_staff(staff), request=row, at=now)}
        refused = decidable.undecidable(requests=rows, by=of_staff(staff), at=now)
        assert {row.pk for row in rows} - set(refused) == allowed
        assert allowed
        some += len(refused)
        narrowed = RefundRequest.objects.filter(decidable.decidable(by=of_staff(staff), at=now))
        assert allowed <= set(narrowed.values_list("pk", flat=True))
    assert some > len(rows)
    assert decidable.undecidable(requests=rows, by=of_staff(shop.cashier), at=now) == {}


def test_lists_leave_out_other_stores(shop: Shop) -> None:
    request, now = shop.waiting(), timezone.now()
    works_in(shop.reviewer, Store.objects.create(merchant=shop.merchant, code="S002", name="二号店"))
    by = of_staff(shop.reviewer)
    assert not decidable.may_decide(by=by, request=request, at=now)
    assert not RefundRequest.objects.filter(decidable.decidable(by=by, at=now)).exists()
