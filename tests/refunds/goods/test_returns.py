"""Goods that are asked for, sent, received and given up, and what becomes of the clock meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import DomainError
from refunds.goods import returns
from refunds.models import GoodsReturn, RefundRequest
from refunds.payouts import ways_back
from refunds.review import escalating
from refunds.worker import confirming
from tests.factories import make_sale, make_staff, of_customer, submit
from tests.refunds.goods.conftest import ask, fresh, inspect, receive, who
from tests.refunds.settled import paid

pytestmark = pytest.mark.django_db


def test_submit_when_only_the_goods_are_missing_waits_for_them(waiting: RefundRequest) -> None:
    assert (waiting.state, waiting.paused_at is not None, waiting.executions.count()) == ("waiting_goods", True, 0)
    row = GoodsReturn.objects.get(request=waiting)
    assert (row.state, row.by_policy, row.asked_by) == ("awaited", True, "")
    assert row.due_at == waiting.created_at + timedelta(days=7)
    assert [(one.line.sku, one.quantity) for one in row.lines.select_related("line") if one.line] == [("SKU-1", 2)]


def test_submit_when_more_than_the_goods_is_missing_goes_to_a_person(in_review: RefundRequest) -> None:
    assert (in_review.state, in_review.goods_returns.count()) == ("in_review", 0)


def test_submit_when_no_article_is_named_waits_for_all_of_it(shop: Any) -> None:
    request = submit(make_sale(shop), customer_consent=True)
    assert request.state == "waiting_goods"
    line = request.goods_returns.get().lines.get()
    assert (line.line, line.quantity) == (None, 1)


def test_ask_when_in_review_pauses_the_clock_and_names_the_day(in_review: RefundRequest) -> None:
    due_at = timezone.now() + timedelta(days=3)
    row = ask(in_review, due_at=due_at, message="请带包装", lines=[("SKU-1", Decimal(1))], way="in_store")
    asked = fresh(in_review)
    assert (asked.state, asked.message_to_customer, asked.paused_at is not None) == ("waiting_goods", "请带包装", True)
    assert (row.due_at, row.way, row.by_policy, row.lines.get().quantity) == (due_at, "in_store", False, 1)
    assert AuditEvent.objects.filter(object_id=str(asked.pk), action="refund.ask_goods").count() == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"due_at": timedelta(days=-1)}, "goods_due_invalid"),
        ({"due_at": timedelta(days=61)}, "goods_due_invalid"),
        ({"way": "pigeon"}, "unknown_way"),
        ({"version": 1}, "version_conflict"),
        ({"lines": [("SKU-1", Decimal(3))]}, "unknown_article"),
        ({"lines": [("SKU-1", Decimal(1)), ("SKU-1", Decimal(1))]}, "unknown_article"),
        ({"lines": [("SKU-9", Decimal(1))]}, "unknown_article"),
    ],
)
def test_ask_when_something_is_wrong_changes_nothing(in_review: RefundRequest, more: dict[str, Any], code: str) -> None:
    if "due_at" in more:
        more = {"due_at": timezone.now() + more["due_at"]}
    with pytest.raises(DomainError) as refused:
        ask(in_review, **more)
    assert refused.value.code == code
    assert (fresh(in_review).state, GoodsReturn.objects.count()) == ("in_review", 0)


def test_ask_when_it_waits_for_the_goods_already_is_refused(waiting: RefundRequest) -> None:
    with pytest.raises(DomainError) as refused:
        ask(waiting)
    assert (refused.value.code, GoodsReturn.objects.count()) == ("state_conflict", 1)


def test_ask_when_a_colleague_works_on_it_is_refused(in_review: RefundRequest) -> None:
    RefundRequest.objects.update(claimed_by=make_staff(in_review.merchant, "manager"))
    with pytest.raises(DomainError) as refused:
        ask(in_review)
    assert (refused.value.code, fresh(in_review).state) == ("claimed_by_another", "in_review")


def test_send_when_the_customer_names_the_parcel_gives_it_time_once(waiting: RefundRequest) -> None:
    customer, late = of_customer(waiting), waiting.created_at + timedelta(days=6)
    row = returns.send(request_id=waiting.pk, carrier="顺丰", parcel_no="sf 1234567890", by=customer, at=late)
    assert (row.state, row.carrier, row.parcel_no) == ("on_its_way", "顺丰", "SF1234567890")
    assert row.due_at == late + timedelta(days=7)
    again = returns.send(
        request_id=waiting.pk, carrier="中通", parcel_no="7712345678", by=customer, at=late + timedelta(days=3)
    )
    assert (again.parcel_no, again.due_at, again.sent_at) == ("7712345678", row.due_at, late)


@pytest.mark.parametrize(
    ("carrier", "number"), [("", "SF12345"), ("顺丰", ""), ("顺丰", "12"), ("顺丰", "订单一二三四五")]
)
def test_send_when_the_parcel_is_not_named_changes_nothing(waiting: RefundRequest, carrier: str, number: str) -> None:
    with pytest.raises(DomainError) as refused:
        returns.send(
            request_id=waiting.pk, carrier=carrier, parcel_no=number, by=of_customer(waiting), at=timezone.now()
        )
    assert (refused.value.code, GoodsReturn.objects.get().state) == ("parcel_invalid", "awaited")


def test_send_when_nothing_is_awaited_is_refused(in_review: RefundRequest) -> None:
    with pytest.raises(DomainError) as refused:
        returns.send(
            request_id=in_review.pk, carrier="顺丰", parcel_no="SF12345", by=of_customer(in_review), at=timezone.now()
        )
    assert refused.value.code == "no_such_return"


def test_receive_when_awaited_lets_the_clock_go_on_with_what_was_left(waiting: RefundRequest) -> None:
    later = waiting.created_at + timedelta(days=2)
    row = receive(waiting, at=later)
    there = fresh(waiting)
    assert (there.state, there.paused_at, row.state, row.way) == ("waiting_goods", None, "received", "in_store")
    assert there.due_at == waiting.due_at + timedelta(days=2)
    # Who does not look at them in time is found out like who does not decide in time.
    assert escalating.work(at=there.due_at) == 1


def test_clock_when_goods_are_awaited_stands(waiting: RefundRequest) -> None:
    assert escalating.work(at=waiting.due_at + timedelta(days=1)) == 0
    assert fresh(waiting).escalated_at is None


def test_clock_when_the_store_has_hours_goes_on_in_them(in_review: RefundRequest) -> None:
    in_review.store.hours = {"week": ["00:00-12:00"] * 7}
    in_review.store.save()
    RefundRequest.objects.filter(pk=in_review.pk).update(reason="goodwill")
    ask(in_review)
    paused = fresh(in_review)
    receive(in_review, at=paused.created_at + timedelta(days=3))
    assert fresh(in_review).due_at > paused.due_at


def test_receive_when_received_before_is_refused(waiting: RefundRequest) -> None:
    receive(waiting)
    version = fresh(waiting).version
    with pytest.raises(DomainError) as refused:
        receive(waiting)
    assert (refused.value.code, fresh(waiting).version) == ("goods_already_received", version)


def test_receive_when_the_refund_is_paid_is_noted_and_moves_nothing(in_review: RefundRequest) -> None:
    done = paid(submit(make_sale(in_review.merchant, 30_000), 1_000, reason="service_failure"))
    row = receive(done)
    assert (row.state, row.due_at, fresh(done).state) == ("received", None, done.state)
    assert AuditEvent.objects.filter(object_id=str(done.pk), action="refund.goods_noted").count() == 1
    with pytest.raises(DomainError) as refused:
        receive(done)
    assert refused.value.code == "goods_already_received"


def test_receive_when_more_pieces_than_were_sold_would_be_back_is_refused(shop: Any) -> None:
    sale = make_sale(shop, 30_000, quantity=3)
    receive(submit(sale, 5_000, reason="goodwill", lines=[("SKU-1", 2)], customer_consent=True))
    second = submit(sale, 5_000, reason="goodwill", lines=[("SKU-1", 2)], customer_consent=True)
    with pytest.raises(DomainError) as refused:
        receive(second)
    assert (refused.value.code, GoodsReturn.objects.count()) == ("exceeds_quantity", 1)
    receive(second, lines=[("SKU-1", Decimal(1))])


def test_receive_when_another_store_has_them_names_it(waiting: RefundRequest) -> None:
    other = waiting.merchant.stores.create(code="S002", name="二号店")
    with pytest.raises(DomainError) as refused:
        receive(waiting, store="S009")
    assert refused.value.code == "not_found"
    assert receive(waiting, store="S002").store == other


def _out_of_time(request: RefundRequest) -> datetime:
    """The time for its goods has just ended."""
    now = timezone.now()
    GoodsReturn.objects.filter(request=request).update(due_at=now)
    return now


def test_give_up_when_the_goods_do_not_come_goes_back_to_a_person_and_says_so(waiting: RefundRequest) -> None:
    late = _out_of_time(waiting)
    assert returns.give_up_late(at=late - timedelta(seconds=1)) == 0
    assert returns.give_up_late(at=late) == 1
    assert returns.give_up_late(at=late) == 0
    assert (fresh(waiting).state, waiting.goods_returns.get().state) == ("verifying", "not_come")
    assert confirming.work() == 1
    back = fresh(waiting)
    assert (back.state, back.paused_at, back.reserved_fen) == ("in_review", None, 20_000)
    (line,) = (rule for rule in back.verdict["rules"] if rule["code"] == "goods_as_described")
    assert (line["passed"], line["actual"]) == (False, "not_come")


def test_give_up_when_a_parcel_is_under_way_waits_for_it(waiting: RefundRequest) -> None:
    row = waiting.goods_returns.get()
    assert row.due_at is not None
    returns.send(request_id=waiting.pk, carrier="顺丰", parcel_no="SF12345", by=of_customer(waiting), at=row.due_at)
    assert returns.give_up_late(at=row.due_at) == 0
    assert returns.give_up_late(at=row.due_at + returns.IN_TRANSIT) == 1


def test_goods_that_come_late_are_noted_and_the_person_decides(waiting: RefundRequest) -> None:
    returns.give_up_late(at=_out_of_time(waiting))
    confirming.work()
    receive(waiting)
    inspect(waiting)
    assert (fresh(waiting).state, waiting.goods_returns.count()) == ("in_review", 2)


def test_call_off_when_the_goods_are_not_needed_goes_to_a_person(waiting: RefundRequest) -> None:
    returns.call_off(request_id=waiting.pk, by=who(waiting), at=timezone.now(), version=waiting.version)
    confirming.work()
    assert (fresh(waiting).state, waiting.goods_returns.get().state) == ("in_review", "called_off")


def test_call_off_when_one_asked_for_the_refund_oneself_is_refused(waiting: RefundRequest) -> None:
    mine = who(waiting)
    RefundRequest.objects.filter(pk=waiting.pk).update(staff_id=mine.staff_id)
    with pytest.raises(DomainError) as refused:
        returns.call_off(request_id=waiting.pk, by=mine, at=timezone.now(), version=waiting.version)
    assert (refused.value.code, waiting.goods_returns.get().state) == ("own_request", "awaited")


def test_cancel_when_goods_are_awaited_frees_the_amount_and_they_may_still_come(waiting: RefundRequest) -> None:
    ways_back.cancel(request_id=waiting.pk, by=who(waiting), at=timezone.now())
    assert (fresh(waiting).state, fresh(waiting).reserved_fen) == ("cancelled", 0)
    receive(waiting)
    inspect(waiting, (2, "as_described", "hand_back"))
    assert fresh(waiting).state == "cancelled"


def _at_once(*acts: Callable[[], object]) -> list[str]:
    """The codes of those that were refused, all begun together, each on a connection of its own."""
    start, refused = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        start.wait(timeout=60)
        try:
            act()
        except DomainError as error:
            refused.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return refused


@pytest.mark.django_db(transaction=True)
def test_receive_when_two_say_it_at_once_is_one(waiting: RefundRequest) -> None:
    one, two = who(waiting, "cashier"), who(waiting, "cashier")
    refused = _at_once(lambda: receive(waiting, by=one), lambda: receive(waiting, by=two))
    assert (refused, GoodsReturn.objects.count()) == (["goods_already_received"], 1)
    assert fresh(waiting).version == waiting.version + 1


@pytest.mark.django_db(transaction=True)
def test_receive_and_cancel_at_once_end_withdrawn_with_the_goods_there(waiting: RefundRequest) -> None:
    till, reviewer = who(waiting, "cashier"), who(waiting)
    refused = _at_once(
        lambda: receive(waiting, by=till),
        lambda: ways_back.cancel(request_id=waiting.pk, by=reviewer, at=timezone.now()),
    )
    assert (refused, fresh(waiting).state) == ([], "cancelled")
    assert waiting.goods_returns.get().state == "received"


@pytest.mark.django_db(transaction=True)
def test_give_up_and_receive_at_once_never_lose_the_goods(waiting: RefundRequest) -> None:
    till, row = who(waiting, "cashier"), waiting.goods_returns.get()
    assert row.due_at is not None
    late = row.due_at
    refused = _at_once(lambda: receive(waiting, by=till, at=late), lambda: returns.give_up_late(at=late))
    assert refused == []
    states = sorted(waiting.goods_returns.values_list("state", flat=True))
    assert states in (["received"], ["not_come", "received"])
    assert fresh(waiting).state == ("waiting_goods" if states == ["received"] else "verifying")
