"""Nobody gets past the exposure that a policy has, and the sequence that is shown gets there, through the real intake."""

from __future__ import annotations

import itertools
import os
import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from core.errors import DomainError
from merchants import principals
from merchants.models import KeyScope, Merchant, Role, Staff
from merchants.policies.rules import read_rules
from merchants.principals import Principal, of_staff
from refunds.intake import submitting
from refunds.intake.claims import Customer, Draft
from refunds.models import RefundRequest
from refunds.rules.exposure import Exposure, Who, exposure, exposures
from refunds.states import Reason
from samples.demo import rules as sample
from terminals.models import Transaction
from tests.factories import make_merchant, make_sale

pytestmark = pytest.mark.django_db

#: ``make adversary`` asks for more of both, from another seed.
SEED = int(os.environ.get("ADVERSARY_SEED", "1"))
SEQUENCES = int(os.environ.get("ADVERSARY_SEQUENCES", "3"))
REQUESTS = int(os.environ.get("ADVERSARY_REQUESTS", "20"))

_MORE: dict[str, Any] = {
    "auto_key_day_count": 12,
    "auto_key_day_fen": 70_000,
    "near_limit_count": 3,
    "same_destination_count": 3,
    "auto_customer_day_limit_fen": 40_000,
    "auto_order_limit_fen": 15_000,
}
_UNWATCHED: dict[str, Any] = {**sample.RETAIL, "near_limit_count": None, "same_destination_count": None}
POLICIES: dict[str, dict[str, Any]] = {
    "restaurant": {**sample.RESTAURANT, "auto_key_day_count": 20},
    "retail": {**sample.RETAIL, "auto_key_day_fen": 90_000},
    "watched": {**sample.RETAIL, **_MORE},
    "store": {**_UNWATCHED, "auto_store_day_fen": 33_300, "auto_cashier_day_fen": 25_000},
    "30 days": {**_UNWATCHED, "auto_customer_30_days_fen": 12_000, "auto_customer_day_limit_fen": 50_000},
    # A sale that is older than the watch is too old for a fault, and for nothing else.
    "late": {**_UNWATCHED, "fault_hours": 1, "soon_after_sale_minutes": 90, "auto_cashier_day_count": 3},
    "exceptions": {
        **sample.RETAIL,
        "auto_order_limit_fen": 40_000,
        "exceptions": [{"stores": ["S001"], "reasons": ["wrong_amount"], "auto_approve_limit_fen": 30_000}],
        "auto_key_day_count": 4,
    },
}
_PHONE = "13800138000"


class _Actor:
    """A cashier, a key or a customer of one merchant, and what they have been paid out today without anybody looking."""

    def __init__(self, rules: dict[str, Any], who: Who) -> None:
        self.who, self.merchant = who, make_merchant(rules=rules)
        # A customer may go to any cashier, each time to another.
        now, many = timezone.now(), REQUESTS if who is Who.CUSTOMER else 1
        cashier = {"merchant": self.merchant, "role": Role.CASHIER, "all_stores": True, "created_at": now}
        names = [f"{self.merchant.code}-{number}" for number in range(many)]
        staff = Staff.objects.bulk_create(Staff(username=name, name=name, **cashier) for name in names)
        self._askers = itertools.cycle([_key(self.merchant)] if who is Who.KEY else map(of_staff, staff))
        self.bound = exposure(read_rules(rules), who, store="S001")
        self._last: Transaction | None = None
        self._number = 0

    def sale(self, amount_fen: int) -> Transaction:
        self._number += 1
        paid_at, last = timezone.now() - timedelta(hours=2), self._last
        where = (
            {"store": last.store, "terminal": last.terminal, "channel_account": last.channel_account} if last else {}
        )
        self._last = make_sale(self.merchant, amount_fen, cashier=f"till{self._number}", paid_at=paid_at, **where)
        return self._last

    def ask(self, sale: Transaction, amount_fen: int, reason: str, *, cashier: str = "", phone: str = "") -> None:
        draft = Draft(
            amount_fen=amount_fen,
            reason=reason,
            transaction_id=sale.pk,
            cashier=cashier,
            customer=Customer(phone=_PHONE if self.who is Who.CUSTOMER else phone),
            customer_consent=True,
            is_another=True,
        )
        try:
            with transaction.atomic():
                submitting.submit(draft=draft, by=next(self._askers), at=timezone.now())
        except DomainError:
            return

    @property
    def paid_fen(self) -> int:
        rows = RefundRequest.objects.filter(merchant=self.merchant, by_rule=True)
        paid: int = rows.aggregate(sum=Sum("approved_fen", default=0))["sum"]
        return paid


def _key(merchant: Merchant) -> Principal:
    return principals.of_key(
        key_id=merchant.pk,
        name="till",
        merchant_id=merchant.pk,
        stores=None,
        scopes=frozenset(KeyScope.values),
        made_by=None,
    )


_FINITE = [
    (name, who)
    for name, rules in POLICIES.items()
    for who in (Who.CASHIER, Who.KEY, Who.CUSTOMER)
    if exposure(read_rules(rules), who, store="S001").amount_fen is not None
]


@pytest.mark.parametrize(("name", "who"), _FINITE)
def test_steps_when_played_reach_what_they_say(name: str, who: Who) -> None:
    actor = _Actor(POLICIES[name], who)
    sales: dict[int, Transaction] = {}
    of_order: dict[int, int] = {}
    for step in actor.bound.steps:
        of_order[step.order] = of_order.get(step.order, 0) + step.request.paid_fen
    for step in actor.bound.steps:
        sale = sales.setdefault(step.order, actor.sale(of_order[step.order]))
        actor.ask(sale, step.request.amount_fen, step.request.reason)

    assert actor.bound.amount_fen is not None
    assert actor.bound.amount_fen * 95 <= actor.paid_fen * 100
    assert actor.paid_fen <= actor.bound.amount_fen


@pytest.mark.parametrize("number", range(SEQUENCES))
def test_exposure_when_an_adversary_tries_anything_is_never_passed(number: int) -> None:
    dice = random.Random(f"{SEED} {number}")
    name, who = dice.choice(_FINITE)
    actor = _Actor(POLICIES[name], who)
    assert actor.bound.amount_fen is not None
    sales: list[Transaction] = []
    limits, left = _amounts(actor.bound), actor.bound.amount_fen
    for _ in range(dice.randrange(1, REQUESTS + 1)):
        amount = max(1, dice.choice([*limits, left, left + 1, dice.randrange(1, 50_000)]))
        if not sales or dice.random() < 0.7:
            sales.append(actor.sale(amount * dice.choice([1, 1, 2, 4])))
        actor.ask(
            dice.choice(sales[-3:]),
            amount,
            dice.choice([Reason.QUALITY, Reason.PRICE_ADJUSTMENT, Reason.WRONG_AMOUNT, Reason.SERVICE_FAILURE]),
            cashier=f"C{dice.randrange(9)}",
            phone=dice.choice(["", "", f"1390000{dice.randrange(10_000):04d}"]),
        )
        left = actor.bound.amount_fen - actor.paid_fen
        assert left >= 0


def _amounts(bound: Exposure) -> list[int]:
    sizes = {step.request.amount_fen for step in bound.steps}
    return sorted({size + more for size in sizes for more in (-1, 0, 1)})


def test_exposures_when_a_key_has_no_limit_say_so_and_how_much_each_may_be() -> None:
    rules = {**_UNWATCHED, "auto_key_day_count": None, "auto_key_day_fen": None, "four_eyes_above_fen": None}
    found = {one.who: one for one in exposures(read_rules(rules))}

    assert (found[Who.KEY].amount_fen, found[Who.KEY].each_fen) == (None, 10_000)
    assert (found[Who.CASHIER].amount_fen, found[Who.CASHIER].count) == (100_000, 10)
    assert [found[who].each_fen for who in (Who.REVIEWER, Who.MANAGER, Who.OWNER)] == [100_000, 1_000_000, None]


def test_exposures_when_two_people_must_look_above_a_limit_leave_a_pair_no_more_than_that() -> None:
    rules = read_rules({**sample.RETAIL, "four_eyes_above_fen": 200_000})

    assert [one.each_fen for one in exposures(rules)][3:] == [100_000, 200_000, 200_000]
    never_one = exposures(read_rules({**sample.RETAIL, "four_eyes_above_fen": 0}))
    assert [one.amount_fen for one in never_one][3:] == [never_one[0].amount_fen] * 3


def test_exposures_when_a_limit_rises_never_fall() -> None:
    before = exposures(read_rules(_UNWATCHED))
    for change in ({"auto_approve_limit_fen": 15_000, "auto_order_limit_fen": 15_000}, {"auto_cashier_day_count": 20}):
        after = exposures(read_rules({**_UNWATCHED, **change}))
        assert all(_or_endless(new) >= _or_endless(old) for old, new in zip(before, after, strict=True))
        assert after[0].amount_fen is not None
        assert after[0].amount_fen > 100_000


def _or_endless(one: Exposure) -> float:
    return float("inf") if one.amount_fen is None else one.amount_fen


def test_exposures_when_nothing_is_approved_without_a_person_are_nothing() -> None:
    found = exposures(read_rules({**sample.RETAIL, "auto_approve_limit_fen": 0}))
    assert [one.amount_fen for one in found][:3] == [0, 0, 0]
