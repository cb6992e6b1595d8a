"""One seeded run: refunds over all channels while everything breaks; then the books are compared with what the channels paid."""

from __future__ import annotations

import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from uuid import UUID

from django.db import close_old_connections
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Conflict
from invariants import against_channels, inspection
from merchants.models import Merchant, Staff
from merchants.principals import of_staff
from refunds.facts import judgements
from refunds.models import Execution, RefundRequest
from refunds.payouts import ways_back
from refunds.review import deciding
from tests.chaos.disturbances import City, disturb
from tests.factories import make_merchant, make_staff
from tests.faults.client import Till, Wish
from tests.faults.conftest import leaked, till_of
from tests.faults.house import LEASE_S
from tests.faults.work import open_accounts, paid_sales

#: How long everything may take to end once nothing goes wrong any more.
END_S = 120.0
ENDED = ("refunded", "failed", "rejected", "cancelled")


@dataclass
class Result:
    """What became of a run. ``broken`` is empty when all is well."""

    seed: int
    seconds: float = 0.0
    healed_s: float = 0.0
    done: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def run(*, city: City, seed: int, refunds: int) -> Result:
    """Post ``refunds`` wishes while things go wrong, let everything end, compare."""
    dice, result, started = Random(seed), Result(seed), time.monotonic()
    merchant = _merchant(city)
    staff = make_staff(merchant, "manager")
    till = till_of(city.house, merchant)
    posting = till.post_all(_wishes(city, merchant, refunds, dice), clients=6, pause_s=0.2)
    while posting.is_alive():
        result.done += disturb(city, dice)
        _people_work(staff, dice)
        time.sleep(dice.uniform(0.0, 0.5))
    city.heal()
    healed = time.monotonic()
    while not _ended(merchant) and time.monotonic() < healed + END_S:
        _people_work(staff, dice)
        _let_time_pass(merchant)
        time.sleep(LEASE_S + 0.5)
    result.healed_s = time.monotonic() - healed
    result.states = Counter(RefundRequest.objects.filter(merchant=merchant).values_list("state", flat=True))
    result.broken = _judge(city, merchant, till, refunds)
    result.seconds = time.monotonic() - started
    return result


def _merchant(city: City) -> Merchant:
    """A merchant of this run, with an account at every channel."""
    merchant = make_merchant()
    # The fault "query_lag" denies what was accepted for as long as faults last.
    open_accounts(merchant, next(iter(city.channels.values())).folder, first_query_s=0.5, query_lag_s=600)
    return merchant


def _wishes(city: City, merchant: Merchant, refunds: int, dice: Random) -> list[Wish]:
    """So many wishes in any order: some whole, some a second one of their sale, some that a person must look at."""
    names = sorted(city.channels)
    shares = Counter(names[number % len(names)] for number in range(refunds))
    wishes: list[Wish] = []
    for name, share in shares.items():
        seconds = share // 8
        firsts = [_wish(str(sale.pk), dice) for sale in paid_sales(merchant, city.channels[name], share - seconds)]
        partial = [wish for wish in firsts if wish.amount_fen < 5_000]
        wishes += firsts
        wishes += [Wish(wish.sale, wish.amount_fen + 1, wish.reason) for wish in dice.sample(partial, seconds)]
    # Some that must be refused: more than was paid, or of a sale that nobody knows.
    wishes += [Wish(wish.sale, dice.randint(10_001, 10**9), hopeless=True) for wish in wishes[::10]]
    wishes += [Wish(str(UUID(int=dice.getrandbits(128), version=4)), hopeless=True) for _ in range(refunds // 20)]
    dice.shuffle(wishes)
    return wishes


def _wish(sale: str, dice: Random) -> Wish:
    amount = 10_000 if dice.random() < 0.2 else dice.randint(100, 4_900)
    return Wish(sale, amount, "goodwill" if dice.random() < 0.1 else "quality")


def _people_work(staff: Staff, dice: Random) -> None:
    """A reviewer decides what waits; finance sends some of what failed out again."""
    close_old_connections()
    now = timezone.now()
    for request in RefundRequest.objects.filter(merchant=staff.merchant_id, state="in_review")[:20]:
        deciding.approve(request_id=request.pk, by=of_staff(staff), at=now, version=request.version)
    for payout in Execution.objects.filter(
        merchant=staff.merchant_id, state="failed", attempt_no=1, request__state="failed"
    ).exclude(failure_retry="never")[:5]:
        request = RefundRequest.objects.get(pk=payout.request_id)
        # The payout that took a refused void's place may be one that no retry helps; workers may be faster, too.
        with suppress(Conflict):
            if dice.random() < 0.3:
                ways_back.retry(request_id=request.pk, by=of_staff(staff), at=now, version=request.version)


def _ended(merchant: Merchant) -> bool:
    return not RefundRequest.objects.filter(merchant=merchant).exclude(state__in=ENDED).exists()


def _let_time_pass(merchant: Merchant) -> None:
    """The minutes until a channel is asked again are long over; what is in a worker's hands stays there."""
    waiting = Execution.objects.filter(merchant=merchant, state__in=["processing", "unknown", "held"])
    now = timezone.now()
    waiting.filter(last_asked_at__lt=now - timedelta(seconds=LEASE_S)).update(due_at=now)


def _refund_numbers(merchant: Merchant) -> list[str]:
    """Payouts of requests that did not end."""
    unfinished = Execution.objects.filter(merchant=merchant).exclude(request__state__in=ENDED)
    return list(unfinished.values_list("refund_no", flat=True)[:10])


def _with_story(line: str) -> str:
    """The line, with what our records say about the payout that it names."""
    found = re.search(r"\w+N\d+", line)
    payout = Execution.objects.filter(refund_no=found.group()).first() if found else None
    if payout is None:
        return line
    events = (
        AuditEvent.objects.filter(object_id=str(payout.request_id)).order_by("pk").values_list("at", "action", "data")
    )
    steps = [f"\n           {at:%H:%M:%S.%f} {action} {data}" for at, action, data in events]
    values = Execution.objects.filter(pk=payout.pk).values(
        "channel_account__channel",
        "method",
        "state",
        "sends",
        "queries",
        "first_sent_at",
        "last_asked_at",
        "failure_code",
    )
    return f"{line}\n           {values.get()}{''.join(steps)}"


def _judge(city: City, merchant: Merchant, till: Till, refunds: int) -> list[str]:
    """Everything that is not as it should be."""
    ledger = [row for channel in city.channels.values() for row in channel.ledger()]
    broken = [f"{breach.code}: {breach.what}" for breach in inspection.check()]
    broken += [f"{breach.code}: {breach.what}" for breach in against_channels.paid_per_ledger(ledger)]
    broken += [f"{number} did not end" for number in _refund_numbers(merchant)]
    # Books and ledgers are those of all runs: what an earlier one broke is not told again.
    broken = [line for line in broken if line not in city.told]
    city.told.update(broken)
    broken = [_with_story(line) for line in broken]
    judged = judgements.rejudged(judgements.kept(merchant=merchant.code))
    broken += [f"judged once more: {found or 'facts of another form'}" for found in judged if found != ""]
    if without := judgements.without_facts(merchant=merchant.code):
        broken.append(f"{without} requests have no facts")
    requests = RefundRequest.objects.filter(merchant=merchant)
    broken += till.disagreements()
    broken += leaked(city.house.folder)
    if not len(till.answers) == requests.count() == refunds:
        broken.append(f"{refunds} wishes, {len(till.answers)} answers, {requests.count()} requests")
    return broken
