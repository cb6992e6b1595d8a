from __future__ import annotations

from datetime import datetime

import pytest

from core.calendar import SHANGHAI
from merchants.policies.rules import read_rules
from refunds.states import Reason
from samples.demo import day, plan
from samples.demo.merchants import OUTLINES, RETAIL, Outline
from samples.demo.plan import BAD_SHOP, BAD_TERMINAL, Draw
from samples.demo.story import Ending

NOW = datetime(2026, 11, 22, 14, 40, tzinfo=SHANGHAI)
#: The last two digits by which a stand-in is ordered to behave.
MAGIC = (1, 2, 3, 4)


def draw_for(outline: Outline) -> Draw:
    return Draw.of(outline, ["alipay", "unionpay", "wechat"])


@pytest.mark.parametrize("outline", OUTLINES, ids=lambda outline: outline.code)
def test_rules_can_be_read(outline: Outline) -> None:
    rules = read_rules(outline.rules)

    assert "reviewer" in rules.tier_for(26_800).roles
    assert rules.auto_approve_limit_fen < 26_800


@pytest.mark.parametrize("outline", OUTLINES, ids=lambda outline: outline.code)
def test_plan_is_the_same_for_the_same_moment(outline: Outline) -> None:
    first, second = (plan.history(draw_for(outline), now=NOW) for _ in range(2))

    assert [sale.order_no for sale in first[0]] == [sale.order_no for sale in second[0]]
    assert [(story.at, story.amount_fen) for story in first[1]] == [(story.at, story.amount_fen) for story in second[1]]


@pytest.mark.parametrize("outline", OUTLINES, ids=lambda outline: outline.code)
def test_plan_asks_for_no_more_than_was_paid_and_never_by_magic(outline: Outline) -> None:
    draw = draw_for(outline)
    sales, stories = plan.history(draw, now=NOW)
    sales_today, stories_today = day.today(draw, now=NOW)

    numbers = [sale.channel_transaction_no for sale in [*sales, *sales_today]]
    assert len(set(numbers)) == len(numbers)
    assert all(sale.paid_at < NOW for sale in [*sales, *sales_today])
    about = [story.sale.order_no for story in [*stories, *stories_today]]
    assert len(set(about)) == len(about)
    for story in [*stories, *stories_today]:
        # Of an order: of all its payments.
        order = [sale for sale in [*sales, *sales_today] if sale.order_no == story.sale.order_no]
        assert 0 < story.amount_fen <= sum(sale.amount_fen for sale in (order if story.of_order else [story.sale]))
        assert story.amount_fen % 100 not in MAGIC
        assert story.sale.paid_at < story.at < NOW


@pytest.mark.parametrize("outline", OUTLINES, ids=lambda outline: outline.code)
def test_what_waits_today_needs_a_person(outline: Outline) -> None:
    _, stories = day.today(draw_for(outline), now=NOW)

    endings = {story.ending for story in stories}
    assert endings == set(Ending) - {Ending.FAILED}
    limit = outline.rules["auto_approve_limit_fen"]
    assert all(
        story.amount_fen > limit
        for story in stories
        if story.ending in (Ending.WAITING, Ending.CLAIMED, Ending.APPROVED)
    )
    assert all(story.sale.channel == "wechat" for story in stories if story.faults)


def test_orders_of_two_payments_to_try_are_among_the_newest_and_nothing_was_asked_of_them() -> None:
    sales, stories = day.today(draw_for(RETAIL), now=NOW)

    newest = sorted(sales, key=lambda sale: sale.paid_at)[-2 * len(day.TO_TRY) :]
    assert {sale.order_no for sale in newest} == set(day.TO_TRY)
    for number in day.TO_TRY:
        assert [(sale.channel, sale.amount_fen) for sale in newest if sale.order_no == number] == [
            ("wechat", 20_000),
            ("alipay", 10_000),
        ]
    assert not any(story.sale.order_no in day.TO_TRY for story in stories)


def test_one_till_charges_twice_far_more_often_than_the_others() -> None:
    sales, stories = plan.history(draw_for(RETAIL), now=NOW)

    twice = [story.sale for story in stories if story.reason == Reason.DUPLICATE_CHARGE]
    there = [sale for sale in twice if (sale.store, sale.terminal) == (BAD_SHOP, BAD_TERMINAL)]
    share = len(sales) / len([sale for sale in sales if sale.terminal == BAD_TERMINAL])
    assert len(there) > 3 * len(twice) / share
    assert len(stories) > 150


def test_a_channel_that_is_not_there_sells_nothing() -> None:
    sales, _ = plan.history(Draw.of(RETAIL, ["wechat"]), now=NOW)

    assert {sale.channel for sale in sales} == {"wechat"}
