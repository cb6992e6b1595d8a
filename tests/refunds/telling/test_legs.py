"""Both destinations of a refund that goes back by two payments, in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone, translation

from refunds.models import Execution
from refunds.telling import legs, tracking
from tests.refunds.plans import WIDE, answer, ask, order_of_two

pytestmark = pytest.mark.django_db


def test_split_label_when_it_goes_back_by_two_names_both_with_their_amounts() -> None:
    first, _ = order_of_two()
    with translation.override("en"):
        label = legs.split_label(ask(first))
    assert "¥200.00, " in label
    assert label.endswith("¥100.00")


def test_split_label_when_it_goes_back_as_one_is_empty() -> None:
    first, _ = order_of_two()
    request = ask(first, 10_000, order_no="", transaction_id=first.pk)
    assert (legs.split_label(request), legs.slowest(request, at=timezone.now())) == ("", None)


def test_customers_page_when_it_goes_back_by_two_names_no_single_channel(client: Client) -> None:
    first, _ = order_of_two()
    request = ask(first)
    page = client.get(tracking.url_for(request.pk)).content.decode()
    assert legs.count(request) == 2
    assert "分 2 笔退回" in page
    assert "微信支付退款" not in page
    other, _ = order_of_two()
    alone = ask(other, 10_000, order_no="", transaction_id=other.pk)
    assert legs.count(alone) == 0
    assert "微信支付退款" in client.get(tracking.url_for(alone.pk)).content.decode()


def test_told_when_one_part_failed_says_so_of_that_part() -> None:
    first, _ = order_of_two()
    request = ask(first)
    answer(request, 1)
    with translation.override("en"):
        assert [one.state_label for one in legs.shown(answer(request, 2, "refused"))] == ["Paid", "Could not be paid"]


@pytest.mark.parametrize(("locale", "said"), [("en", "Once it is approved"), ("zh-hans", "审核通过后发出")])
def test_told_when_nobody_has_approved_it_no_part_waits_for_another(locale: str, said: str) -> None:
    first, _ = order_of_two(rules={**WIDE, "auto_approve_limit_fen": 10_000})
    request = ask(first)
    assert request.state == "in_review"
    with translation.override(locale):
        assert [one.state_label for one in legs.shown(request)] == [said, said]


def test_what_is_left_when_a_part_failed_names_what_is_paid_and_what_becomes_of_the_rest() -> None:
    first, _ = order_of_two()
    request = ask(first)
    answer(request, 1)
    request = answer(request, 2, "refused")
    with translation.override("en"):
        paid, rest = legs.what_is_left(request, now=timezone.now())
    assert paid.startswith("¥200.00 of ¥300.00 has gone back: ")
    assert rest.startswith("The other ¥100.00 (")
    assert not rest.endswith(": ")


def test_what_is_left_when_the_rest_is_overdue_says_so_with_a_new_day() -> None:
    first, _ = order_of_two()
    request = ask(first)
    answer(request, 2, "unknown")
    request = answer(request, 1)
    with translation.override("en"):
        _, soon = legs.what_is_left(request, now=timezone.now())
        _, late = legs.what_is_left(request, now=timezone.now() + timedelta(days=20))
    assert "being asked" in soon
    assert "takes longer than we said" in late


def test_what_is_left_when_a_part_waits_for_the_others_says_so() -> None:
    first, _ = order_of_two(channel="cash", channel_account=None, funding="cash")
    request = ask(first)
    Execution.objects.filter(request=request, sequence=2).delete()
    request = answer(request, 1)
    with translation.override("en"):
        Execution.objects.filter(request=request, sequence=2).delete()
        _, rest = legs.what_is_left(request, now=timezone.now())
    assert rest.endswith("It goes out after the others.")
