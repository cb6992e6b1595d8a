"""How long a channel account's refunds really take to arrive, from what its last ninety days showed.

Where the payer's bank says when it had the money, that is what is promised next: from the day by which one in twenty was there to
the day by which nineteen were. Where nobody says, the days that the channel itself took go before what is usual. Too few refunds
show nothing: then what is usual is promised, and ``Arrival.basis`` says which it was.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Final

from django.db.models import Case, CharField, Count, F, Func, Q, Value, When
from django.db.models.functions import TruncDate

from core.calendar import SHANGHAI
from merchants.models import ChannelAccount
from payment_channels.contract import PaidTo, SecondLeg
from payment_channels.profile import Days
from refunds.models import Execution
from refunds.models.execution import Method
from refunds.rules.arrival import AT_ONCE, BANK, paid_through, usual_days, working_days_between
from refunds.states import ExecutionState

_LOOKS_BACK: Final = timedelta(days=90)
#: Fewer refunds of one kind, or of one kind and weekday, are no history.
FEWEST: Final = 20
#: Of twenty refunds so many may be there later than was promised.
_LATE_OF_TWENTY: Final = 1

#: Paid by a person, or found paid: nobody knows since when.
_NOT_OURS: Final = ("person", "portal", "trade", "bill")

#: Working days from the day of the payout on, and how often.
_Spread = Counter[int]


def learn(*, at: datetime) -> int:
    """Look at all accounts, and keep with each what it showed. Returns at how many that has changed."""
    banks, channels = _spreads(at)
    changed = 0
    for account in ChannelAccount.objects.defer("sealed_credentials", "sealed_credentials_before"):
        seen = _told_by_the_channel(account, channels[account.pk]) | _told_by_banks(banks[account.pk])
        measured = {"arrival_seen": {name: list(days) for name, days in sorted(seen.items())}} if seen else {}
        if measured != account.measured:
            changed += ChannelAccount.objects.filter(pk=account.pk).update(measured=measured)
    return changed


def _spreads(at: datetime) -> tuple[Mapping[int, Mapping[str, _Spread]], Mapping[int, Mapping[str, _Spread]]]:
    """By account and funding, the payer's bank where it was named, and the weekday: until the bank had it, and until the channel
    had paid.
    """
    paid = Execution.objects.filter(
        state=ExecutionState.SUCCEEDED,
        method=Method.REFUND,
        succeeded_at__gte=at - _LOOKS_BACK,
        first_sent_at__isnull=False,
        # One that went out again was held, by a short balance for days perhaps: that is no time of the channel's.
        sends__lte=1,
    ).exclude(
        Q(second_leg=SecondLeg.FAILED)
        | Q(paid_to__in=(PaidTo.BALANCE, PaidTo.OTHER_BALANCE, PaidTo.MERCHANT))
        | Q(proof_source__in=_NOT_OURS)
    )
    known = Q(arrives_at__isnull=False) & ~Q(second_leg=SecondLeg.PENDING)
    rows = (
        paid.values_list("channel_account_id", "transaction__funding")
        .annotate(
            sent=TruncDate("first_sent_at", tzinfo=SHANGHAI),
            there=TruncDate(Case(When(known, then=F("arrives_at")), default=F("succeeded_at")), tzinfo=SHANGHAI),
            told_by=Case(When(known, then=Value("bank")), default=Value("channel"), output_field=CharField()),
            bank=Func(F("received_account"), Value(BANK), function="SUBSTRING", output_field=CharField()),
            count=Count("pk"),
        )
        .order_by()
    )
    banks: defaultdict[int, defaultdict[str, _Spread]] = defaultdict(lambda: defaultdict(Counter))
    channels: defaultdict[int, defaultdict[str, _Spread]] = defaultdict(lambda: defaultdict(Counter))
    for account_id, funding, sent, there, told_by, bank, count in rows:
        if funding in AT_ONCE:
            continue
        days = working_days_between(_noon(sent), _noon(there))
        for paid_from in {funding, paid_through(funding, bank or "")}:
            for name in (paid_from, f"{paid_from}/{sent.isoweekday()}"):
                (banks if told_by == "bank" else channels)[account_id][name][days] += count
    return banks, channels


def _told_by_banks(spreads: Mapping[str, _Spread]) -> dict[str, Days]:
    return {name: _within(spread) for name, spread in spreads.items() if spread.total() >= FEWEST}


def _told_by_the_channel(account: ChannelAccount, spreads: Mapping[str, _Spread]) -> dict[str, Days]:
    """What is usual, later by the days that the channel itself took, where it took any."""
    seen = {}
    for name, spread in spreads.items():
        if spread.total() >= FEWEST and any(taken := _within(spread)):
            usual = usual_days(funding=name.partition("/")[0], profile=account.usable_profile)
            seen[name] = (usual[0] + taken[0], usual[1] + taken[1])
    return seen


def _within(spread: _Spread) -> Days:
    days = sorted(spread.elements())
    left_out = len(days) * _LATE_OF_TWENTY // 20
    return days[left_out], days[-1 - left_out]


def _noon(day: datetime) -> datetime:
    return datetime.combine(day, time(12), SHANGHAI)
