"""Nobody gets past the exposure that a policy has, and the sequence that is shown gets there, through the real intake."""

from __future__ import annotations

import contextlib
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
from refunds.payouts import ways_back
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
_STORE = "S001"
_GROUPS = ("", "fresh", "wine")


def _random_policy(dice: random.Random) -> dict[str, Any]:
    """One that no author of the analysis has thought of."""
    small, large = [0, 700, 5_000, 9_999], [12_000, 33_300, 90_000]
    change: dict[str, Any] = {
        name: dice.choice(values)
        for name, values in (
            ("auto_approve_limit_fen", [3_000, 10_000, 25_000]),
            ("auto_order_limit_fen", [*small[1:], *large, None]),
            ("auto_customer_day_limit_fen", [*small, *large, None]),
            ("auto_customer_30_days_fen", [*small[1:], *large]),
            ("auto_customer_30_days_count", [1, 3, 8]),
            ("auto_cashier_day_count", [1, 4, 12]),
            ("auto_cashier_day_fen", [*small[1:], *large]),
            ("auto_store_day_fen", [*small[1:], *large]),
            ("auto_key_day_count", [1, 5]),
            ("auto_key_day_fen", [*small[1:], *large]),
            ("near_limit_count", [1, 2, 4, None]),
            ("same_destination_count", [1, 2, 4, None]),
            ("fault_hours", [1, 24, None]),
            ("soon_after_sale_minutes", [5, 90, None]),
            ("watch_splitting", [True, False]),
        )
        if dice.random() < 0.6
    }
    change = {name: value for name, value in change.items() if value is not None or name.startswith(("near", "same"))}
    reasons = {
        code: rule
        | {
            "instant": dice.random() < 0.7,
            "extent": dice.choice(["any", "any", "full", "partial"]),
            **_shares(dice),
        }
        for code, rule in sample.RETAIL["reasons"].items()
    }
    exceptions = [
        {**whom, "auto_approve_limit_fen": dice.choice([*small, *large]), "reasons": dice.sample([*Reason.values], 3)}
        for whom in ({"stores": [_STORE]}, {"groups": ["fresh"]}, {"groups": ["wine"], "stores": [_STORE]})
        if dice.random() < 0.5
    ]
    return {**sample.RETAIL, **change, "reasons": reasons, "exceptions": exceptions}


def _shares(dice: random.Random) -> dict[str, int]:
    most = dice.choice([30, 33, 50, 80, 85, 100, 100, 100, 100])
    return {"max_share_percent": most, "min_share_percent": dice.choice([0, 0, most, min(30, most)])}


class _Actor:
    """A cashier, a key or a customer of one merchant, and what they have been paid out today without anybody looking."""

    def __init__(self, rules: dict[str, Any], who: Who) -> None:
        self.who, self.merchant = who, make_merchant(rules=rules)
        self.elsewhere = self.merchant.stores.create(code="S002", name="二号店")
        # A customer may go to any cashier, each time to another.
        now, many = timezone.now(), REQUESTS if who is Who.CUSTOMER else 1
        cashier = {"merchant": self.merchant, "role": Role.CASHIER, "all_stores": True, "created_at": now}
        names = [f"{self.merchant.code}-{number}" for number in range(many)]
        staff = Staff.objects.bulk_create(Staff(username=name, name=name, **cashier) for name in names)
        self._askers = itertools.cycle([_key(self.merchant)] if who is Who.KEY else map(of_staff, staff))
        self.bound = exposure(read_rules(rules), who, store=_STORE)
        self._last: Transaction | None = None
        self._number = 0

    def sale(self, amount_fen: int, *, group: str = "", **fields: Any) -> Transaction:
        self._number += 1
        fields = {"paid_at": timezone.now() - timedelta(hours=2), "cashier": f"till{self._number}", **fields}
        if (last := self._last) is not None:
            where = {"store": last.store, "terminal": last.terminal, "channel_account": last.channel_account}
            fields = {**where, **fields}
        sale = make_sale(self.merchant, amount_fen, **fields)
        if group:
            sale.lines.update(group=group)
        if "store" not in fields:
            self._last = sale
        return sale

    def odd_sale(self, amount_fen: int, dice: random.Random) -> Transaction:
        """Of any age, of articles of one or two groups, here or in the other store, perhaps charged twice."""
        ago = timedelta(minutes=dice.choice([1, 50, 100, 3_000, 12_000, 40_000]))
        fields: dict[str, Any] = {"paid_at": timezone.now() - ago}
        if dice.random() < 0.1:
            fields |= {"store": self.elsewhere, "terminal": None}
        first, second = dice.choice(_GROUPS), dice.choice(_GROUPS)
        sale = self.sale(amount_fen, group=first, **fields)
        if second != first and amount_fen > 1:
            line = sale.lines.get()
            line.amount_fen = line.unit_price_fen = amount_fen - 1
            line.save(update_fields=["amount_fen", "unit_price_fen"])
            line.pk, line.position, line.group, line.sku = None, 2, second, "SKU-2"
            line.amount_fen = line.unit_price_fen = 1
            line.save(force_insert=True)
        if dice.random() < 0.3:
            twin = {"store": sale.store, "terminal": sale.terminal, "paid_at": sale.paid_at + timedelta(minutes=1)}
            self.sale(amount_fen, group=first, order_no=sale.order_no, **twin)
        return sale

    def withdraw(self, dice: random.Random) -> None:
        """What was approved and has not left is called off, and its sale may be asked for again."""
        found = RefundRequest.objects.filter(merchant=self.merchant, state="approved").order_by("number")
        if (numbers := list(found.values_list("pk", flat=True))) and dice.random() < 0.1:
            who = next(self._askers)
            with contextlib.suppress(DomainError), transaction.atomic():
                ways_back.cancel(request_id=dice.choice(numbers), by=who, at=timezone.now())

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
        rows = RefundRequest.objects.filter(merchant=self.merchant, by_rule=True, store__code=_STORE)
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
    rules, who = _some_policy(dice)
    actor = _Actor(rules, who)
    assert actor.bound.amount_fen is not None
    sales: list[Transaction] = []
    limits, left = _amounts(actor.bound), actor.bound.amount_fen
    # Mostly what pays most, or else anything: whoever only ever tries at random seldom comes close.
    likely = {step.request.reason for step in actor.bound.steps} or {Reason.QUALITY}
    for _ in range(dice.randrange(1, REQUESTS + 1)):
        amount = max(1, dice.choice([*limits, left, left + 1, dice.randrange(1, 50_000)]))
        if not sales or dice.random() < 0.7:
            paid_fen = dice.choice([amount, amount, amount * 2, amount * 4, -(-amount * 100 // dice.choice(_PERCENT))])
            sales.append(actor.sale(paid_fen) if dice.random() < 0.5 else actor.odd_sale(paid_fen, dice))
        actor.ask(
            dice.choice(sales[-3:]),
            amount,
            dice.choice(sorted(likely)) if dice.random() < 0.5 else dice.choice(Reason.values),
            cashier=f"C{dice.randrange(9)}",
            phone=dice.choice(["", "", f"1390000{dice.randrange(10_000):04d}"]),
        )
        actor.withdraw(dice)
        left = actor.bound.amount_fen - actor.paid_fen
        assert left >= 0, rules


_PERCENT = (30, 33, 50, 80, 85)


def _some_policy(dice: random.Random) -> tuple[dict[str, Any], Who]:
    """One of those above, or one by dice under which somebody's day has an end."""
    while dice.random() < 0.6:
        rules, who = _random_policy(dice), dice.choice([Who.CASHIER, Who.KEY, Who.CUSTOMER])
        if exposure(read_rules(rules), who, store=_STORE).amount_fen:
            return rules, who
    name, who = dice.choice(_FINITE)
    return POLICIES[name], who


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


def _only(reason: str, **says: Any) -> dict[str, Any]:
    """The retail policy, in which nothing but this reason goes without a person."""
    reasons = {code: {**rule, "instant": False} for code, rule in sample.RETAIL["reasons"].items()}
    return {**_UNWATCHED, "reasons": {**reasons, reason: {**reasons[reason], "instant": True, **says}}}


@pytest.mark.parametrize(
    ("percent", "each_fen"), [(80, 10_000), (85, 9_996), (30, 9_999), (33, 9_999), (99, 9_999), (100, 10_000)]
)
def test_exposures_when_exactly_a_share_goes_back_are_of_the_largest_amount_that_is_one(
    percent: int, each_fen: int
) -> None:
    """A fifth is kept for restocking: of 99.99 nothing can be exactly four fifths of a sale, of 100.00 it can."""
    extent = "partial" if percent < 100 else "full"
    rules = _only("no_reason", extent=extent, max_share_percent=percent, min_share_percent=percent)
    found = exposure(read_rules(rules), Who.CASHIER)
    assert (found.each_fen, found.amount_fen, found.count) == (each_fen, each_fen * 10, 10)


def test_steps_when_the_days_rest_is_a_share_are_of_sales_that_it_is_a_share_of() -> None:
    rules = _only("service_failure", extent="partial", max_share_percent=30, min_share_percent=0)
    actor = _Actor({**rules, "auto_cashier_day_fen": 13_334}, Who.CASHIER)
    for step in actor.bound.steps:
        actor.ask(actor.sale(step.request.paid_fen), step.request.amount_fen, step.request.reason)
    assert (actor.bound.amount_fen, actor.paid_fen) == (13_334, 13_334)


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
