"""The day in progress: what a reviewer finds in the queue when the demo has just started.

Ages are minutes before now. A simple reason is to be decided within 30 minutes, so an age of 42 is twelve minutes overdue.
What waits is above the limit for approval by rule. What is approved has been so for seconds: the running worker carries it to
the stand-in, and the faults ordered for it make its trouble real: an unknown outcome, a closed card, a balance that is too low.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.calendar import SHANGHAI
from merchants.models import MerchantKind
from refunds.states import Reason, Route
from samples.demo import catalogue
from samples.demo.merchants import Shop
from samples.demo.plan import DAY, Draw
from samples.demo.story import Ending, PlannedSale, Story
from terminals.reporting import SaleLine

_CLAIMED, _WAITING, _INFO = Ending.CLAIMED, Ending.WAITING, Ending.NEEDS_INFO
_APPROVED, _REJECTED, _CANCELLED, _PAID = Ending.APPROVED, Ending.REJECTED, Ending.CANCELLED, Ending.PAID
_BY_HAND, _HANDED = Ending.BY_HAND, Ending.PAID_BY_HAND


@dataclass(frozen=True, slots=True)
class Cue:
    """One request of the day: how far it is, its age in minutes, why, which article, which pictures came with it."""

    ending: Ending
    age: float
    reason: str
    sku: str
    pictures: Sequence[str] = ()
    trouble: str = ""
    route: str = Route.ORIGINAL


#: What goes wrong at the stand-in -> the faults that make it so, for one sale and for as long as they stand.
TROUBLE: Mapping[str, tuple[dict[str, Any], ...]] = {
    "unknown": (
        {"operation": "refund", "fault": "error_after_commit", "times": 1},
        # Throttled, and not an error: a channel that only errs is taken to be down, and everybody else would wait.
        {"operation": "query", "fault": "rate_limited", "times": -1},
        {"operation": "notice", "fault": "lost", "times": -1},
    ),
    "processing": ({"operation": "refund", "fault": "forever", "times": 1},),
    "held": ({"operation": "refund", "fault": "not_enough", "times": -1},),
    "refused": ({"operation": "refund", "fault": "account_abnormal", "times": -1},),
    "abnormal": ({"operation": "refund", "fault": "abnormal", "times": 1},),
}

_SHOP_DAY: tuple[Cue, ...] = (
    Cue(_CLAIMED, 42, Reason.QUALITY, "69414108", ("earphones", "chat")),
    Cue(_WAITING, 36.2, Reason.WRONG_AMOUNT, "69413520", ("receipt",)),
    Cue(_WAITING, 24.1, Reason.QUALITY, "69412003", ("damage", "receipt", "chat", "box")),
    Cue(_CLAIMED, 21, Reason.NO_REASON, "69415012", ("box",)),
    Cue(_WAITING, 19.5, Reason.NOT_AS_DESCRIBED, "69415077", ("box", "receipt")),
    Cue(_WAITING, 17, Reason.QUALITY, "69413544", ("damage",)),
    Cue(_WAITING, 14.4, Reason.QUALITY, "69414230", ()),
    Cue(_WAITING, 13, Reason.CUSTOMER_CANCELLED, "69417089", ("receipt",)),
    Cue(_CLAIMED, 11.2, Reason.QUALITY, "69416118", ("box", "damage", "receipt")),
    Cue(_WAITING, 9, Reason.NO_REASON, "69413544", ("box",)),
    Cue(_WAITING, 6.3, Reason.QUALITY, "69414355", ("damage", "chat")),
    Cue(_WAITING, 4.5, Reason.NOT_AS_DESCRIBED, "69415190", ("box",)),
    Cue(_WAITING, 2.2, Reason.QUALITY, "69413520", ("damage",)),
    Cue(_WAITING, 1.1, Reason.NO_REASON, "69414230", ("box", "receipt")),
    Cue(_WAITING, 1_402, Reason.DUPLICATE_CHARGE, "69417555", ("receipt", "bank")),
    Cue(_WAITING, 1_250, Reason.DUPLICATE_CHARGE, "69415190", ("bank",)),
    Cue(_WAITING, 330, Reason.DUPLICATE_CHARGE, "69416118", ("receipt", "bank")),
    Cue(_CLAIMED, 180, Reason.GOODWILL, "69414108", ("chat",)),
    Cue(_WAITING, 95, Reason.DUPLICATE_CHARGE, "69414108", ("bank",)),
    Cue(_WAITING, 48, Reason.GOODWILL, "69412003", ("chat",)),
    Cue(_INFO, 385, Reason.QUALITY, "69414230", ()),
    Cue(_INFO, 220, Reason.NOT_AS_DESCRIBED, "69416118", ()),
    Cue(_INFO, 130, Reason.QUALITY, "69415077", ("box",)),
    Cue(_INFO, 64, Reason.WRONG_AMOUNT, "69414108", ()),
    Cue(_REJECTED, 540, Reason.NO_REASON, "69413544", ("damage",)),
    Cue(_REJECTED, 410, Reason.QUALITY, "69413520", ()),
    Cue(_REJECTED, 260, Reason.NOT_AS_DESCRIBED, "69414355", ("box",)),
    Cue(_REJECTED, 90, Reason.NO_REASON, "69415012", ()),
    Cue(_CANCELLED, 300, Reason.NO_REASON, "69414230", ()),
    Cue(_CANCELLED, 75, Reason.QUALITY, "69412003", ()),
    Cue(_APPROVED, 27, Reason.QUALITY, "69414355", ("damage",), "unknown"),
    Cue(_APPROVED, 25, Reason.QUALITY, "69413544", ("damage", "receipt"), "refused"),
    Cue(_APPROVED, 23, Reason.NOT_AS_DESCRIBED, "69414108", ("earphones",), "held"),
    Cue(_APPROVED, 22, Reason.QUALITY, "69412003", ("damage",), "processing"),
    Cue(_APPROVED, 20, Reason.NO_REASON, "69415077", ("box",), "abnormal"),
    Cue(_APPROVED, 18, Reason.QUALITY, "69413520", ("damage",)),
    Cue(_APPROVED, 12, Reason.CUSTOMER_CANCELLED, "69414230", ()),
    Cue(_BY_HAND, 205, Reason.QUALITY, "69413544", ("damage",), route=Route.BANK_TRANSFER),
    Cue(_BY_HAND, 118, Reason.NO_REASON, "69415077", ("box",), route=Route.STORE_CREDIT),
    Cue(_BY_HAND, 41, Reason.QUALITY, "69412003", ("receipt",), route=Route.CASH),
    Cue(_HANDED, 310, Reason.QUALITY, "69413520", ("damage",), route=Route.BANK_TRANSFER),
    Cue(_HANDED, 160, Reason.NOT_AS_DESCRIBED, "69412003", ("receipt",), route=Route.CASH),
)

_TABLE_DAY: tuple[Cue, ...] = (
    Cue(_WAITING, 33, Reason.QUALITY, "XH-110", ("dish", "receipt")),
    Cue(_CLAIMED, 25, Reason.SERVICE_FAILURE, "XH-112", ("receipt",)),
    Cue(_WAITING, 22.5, Reason.QUALITY, "XH-104", ("dish",)),
    Cue(_WAITING, 15, Reason.WRONG_AMOUNT, "XH-110", ("receipt",)),
    Cue(_WAITING, 10.4, Reason.NOT_AS_DESCRIBED, "XH-111", ("dish", "chat")),
    Cue(_WAITING, 5, Reason.QUALITY, "XH-104", ()),
    Cue(_WAITING, 1_290, Reason.DUPLICATE_CHARGE, "XH-111", ("bank", "receipt")),
    Cue(_WAITING, 140, Reason.GOODWILL, "XH-110", ("chat",)),
    Cue(_CLAIMED, 60, Reason.DUPLICATE_CHARGE, "XH-110", ("bank",)),
    Cue(_INFO, 205, Reason.QUALITY, "XH-111", ()),
    Cue(_INFO, 50, Reason.CUSTOMER_CANCELLED, "XH-112", ()),
    Cue(_REJECTED, 350, Reason.QUALITY, "XH-110", ()),
    Cue(_REJECTED, 110, Reason.NOT_AS_DESCRIBED, "XH-104", ("dish",)),
    Cue(_CANCELLED, 170, Reason.CUSTOMER_CANCELLED, "XH-111", ()),
    Cue(_APPROVED, 27, Reason.QUALITY, "XH-104", ("dish",), "unknown"),
    Cue(_APPROVED, 24, Reason.DUPLICATE_CHARGE, "XH-110", ("bank",), "refused"),
    Cue(_APPROVED, 16, Reason.QUALITY, "XH-110", ("dish",)),
    Cue(_BY_HAND, 52, Reason.QUALITY, "XH-104", ("dish",), route=Route.CASH),
    Cue(_HANDED, 190, Reason.QUALITY, "XH-110", ("dish",), route=Route.BANK_TRANSFER),
)

#: How many requests of the day are over and paid already.
_PAID_TODAY = {MerchantKind.RETAIL: 34, MerchantKind.RESTAURANT: 16}
_PAID_REASONS = (
    *(Reason.QUALITY, Reason.WRONG_AMOUNT, Reason.QUALITY, Reason.CUSTOMER_CANCELLED, Reason.NOT_AS_DESCRIBED),
    *(Reason.WRONG_AMOUNT, Reason.OPERATOR_ERROR),
)


#: What the customer says where the money does not go back the way it came.
WHY_ANOTHER_WAY: Mapping[str, str] = {
    Route.BANK_TRANSFER: "付款的银行卡已经注销，请转到我本人的另一张卡。",
    Route.STORE_CREDIT: "不用退钱，换成门店储值下次用就行。",
}


def today(draw: Draw, *, now: datetime) -> tuple[list[PlannedSale], list[Story]]:
    """The requests of the day with the sales that they are about, each unordered."""
    cues = _SHOP_DAY if draw.outline.kind is MerchantKind.RETAIL else _TABLE_DAY
    sales: list[PlannedSale] = []
    stories = [_story(draw, cue, now, sales) for cue in cues]
    for _ in range(_PAID_TODAY[draw.outline.kind]):
        age = _age_of_a_paid_one(draw, now)
        reason = draw.random.choice(_PAID_REASONS)
        cheap = [article for article in draw.articles if article.price_fen < 35_000]
        sku = draw.random.choices(cheap, [article.weight for article in cheap])[0].sku
        stories.append(_story(draw, Cue(_PAID, age, reason, sku), now, sales))
    if draw.outline.kind is MerchantKind.RETAIL and {"wechat", "alipay"} <= set(draw.channels):
        shop, paid_at = draw.shop(), now - timedelta(hours=3)
        payments = _two_payments(draw, shop, paid_at)
        sales += payments
        stories.append(_both_back(draw, payments[0], now))
        for place, order_no in enumerate(TO_TRY):
            paid_at = now - timedelta(minutes=4 + 2 * place)
            sales += [
                replace(one, order_no=order_no)
                for one in _two_payments(draw, draw.outline.shops[0], paid_at, phone="13800006021")
            ]
    return sales, stories


#: Orders of two payments of which nothing was asked for yet, for whoever wants to try it: among the newest, by a number to type.
TO_TRY = ("ZH-1", "ZH-2", "ZH-3")


#: 200.00 by WeChat Pay and 100.00 by Alipay.
_OF_TWO = (
    SaleLine("69418013", "落地电风扇", 1, 20_000, 20_000),
    SaleLine("69418044", "折叠熨衣板", 1, 10_000, 10_000),
)


def _two_payments(draw: Draw, shop: Shop, paid_at: datetime, *, phone: str = "") -> list[PlannedSale]:
    """An order paid by two payments."""
    first = replace(
        draw.sale(shop=shop, paid_at=paid_at, lines=_OF_TWO[:1], channel="wechat"), amount_fen=20_000, funding="balance"
    )
    first = replace(first, phone=phone or first.phone)
    second = replace(
        draw.sale(shop=shop, paid_at=paid_at + timedelta(seconds=40), lines=_OF_TWO[1:], channel="alipay"),
        order_no=first.order_no,
        terminal=first.terminal,
        cashier=first.cashier,
        amount_fen=10_000,
        funding="debit_card",
        card_last4="6021",
        phone=first.phone,
    )
    return [first, second]


def _both_back(draw: Draw, first: PlannedSale, now: datetime) -> Story:
    """Both articles of such an order back: approved a moment ago, and carried to both channels."""
    story = draw.story(
        sale=first, at=now - timedelta(minutes=26), reason=Reason.NOT_AS_DESCRIBED, ending=_APPROVED, sku=_OF_TWO[0].sku
    )
    return replace(
        story,
        amount_fen=30_000,
        lines=[(line.sku, 1) for line in _OF_TWO],
        description="风扇异响，熨衣板支脚断裂，两件都退。",
        by_cashier=False,
        decided_after=timedelta(minutes=26) - timedelta(seconds=20),
        of_order=True,
    )


def _age_of_a_paid_one(draw: Draw, now: datetime) -> float:
    """Minutes ago, within ten hours and while the shops were open, if they were."""
    longest = DAY.total_seconds() / 60 - 5
    for _ in range(40):
        age = draw.random.uniform(22, longest)
        if 10 <= (now - timedelta(minutes=age)).astimezone(SHANGHAI).hour < 22:
            break
    return age


def _story(draw: Draw, cue: Cue, now: datetime, sales: list[PlannedSale]) -> Story:
    at = now - timedelta(minutes=cue.age)
    article = next(article for article in draw.articles if article.sku == cue.sku)
    hours = draw.random.uniform(0.2, 0.5) if cue.reason == Reason.DUPLICATE_CHARGE else draw.random.uniform(1, 60)
    shop = draw.shop()
    # What goes to the stand-in's faults must be a sale of the stand-in that knows them.
    channel = "wechat" if cue.ending is Ending.APPROVED else "cash" if cue.route == Route.CASH else ""
    terminal = draw.random.choice(shop.terminals)
    sale = draw.sale(
        shop=shop, paid_at=at - timedelta(hours=hours), lines=draw.basket(article), terminal=terminal, channel=channel
    )
    if cue.route != Route.ORIGINAL:
        # Paid in cash, or with a card that is closed by now: never on credit, which goes back to the credit.
        funding = "cash" if cue.route == Route.CASH else "debit_card"
        tail = "" if cue.route == Route.CASH else sale.card_last4 or "6021"
        sale = replace(sale, funding=funding, card_last4=tail)
    sales.append(sale)
    if cue.reason == Reason.DUPLICATE_CHARGE:
        sale = draw.twin(sale)
        sales.append(sale)
    story = draw.story(sale=sale, at=at, reason=cue.reason, ending=cue.ending, sku=cue.sku)
    left = timedelta(minutes=cue.age)
    if cue.ending is Ending.APPROVED:
        decided_after = left - timedelta(seconds=draw.random.uniform(1, 30))
    else:
        decided_after = min(story.decided_after, left * 0.8)
    story = replace(
        story,
        amount_fen=_amount(story, article.price_fen),
        pictures=tuple(cue.pictures),
        by_cashier=False,
        decided_after=decided_after,
        route=cue.route,
        description=WHY_ANOTHER_WAY.get(cue.route, story.description),
        faults=tuple({**fault, "order_no": sale.order_no} for fault in TROUBLE.get(cue.trouble, ())),
    )
    if cue.ending is Ending.NEEDS_INFO:
        return replace(story, message=draw.random.choice(catalogue.MISSING))
    if cue.ending is Ending.REJECTED:
        code = draw.random.choice(list(catalogue.REFUSALS))
        return replace(story, code=code, message=catalogue.REFUSALS[code])
    return story


def _amount(story: Story, price_fen: int) -> int:
    """A wrong amount or a goodwill payment of the day is about the article named; a failed service gives back a fifth."""
    if story.reason in (Reason.WRONG_AMOUNT, Reason.GOODWILL, Reason.OPERATOR_ERROR):
        return price_fen
    if story.reason == Reason.SERVICE_FAILURE:
        return story.sale.amount_fen // 50 * 10
    return story.amount_fen
