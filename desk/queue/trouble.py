"""What the desk says of channels in trouble: down, short of funds, refusing us, silent. Each line says that no money is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext, ngettext

from core.money import yuan_grouped
from core.plain_text import listed
from desk.keyset import Capped
from merchants import channels
from merchants.models import ChannelAccount
from refunds.models import Execution
from refunds.payouts import breaker
from refunds.rules.waiting import ALERT_ON_DAY
from refunds.states import ExecutionState
from terminals.models import Transaction

#: An outcome that is unknown for longer than this is worth a line (domain: unknown > 5 min).
_SILENT_AFTER = timedelta(minutes=5)
#: Nothing goes on by itself, or somebody must call.
_BAD = ("barred", "stuck")
#: So many held sales are named.
_NAMED = 5
#: For so long a refund that the customer's bank did not take has a line; banks have 15 days to say so.
_TOLD_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One banner: ``tone`` is a style, ``text`` the whole sentence."""

    channel: str
    tone: str
    text: str


def troubles(*, merchant_id: int, at: datetime) -> list[Trouble]:
    """What is wrong at the merchant's channels at this moment; usually nothing."""
    accounts = dict(ChannelAccount.objects.filter(merchant_id=merchant_id).values_list("pk", "channel"))
    down = breaker.down(accounts)
    found = [
        Trouble(
            accounts[account_id],
            "bad",
            gettext("%(channel)s does not answer. Refunds wait and go out by themselves once it does; none is lost.")
            % {"channel": channels.label(accounts[account_id])},
        )
        for account_id in sorted(down)
    ]
    waits = list(_waiting(merchant_id, at))
    if any(waiting["clock"] for waiting in waits):
        # One line whatever number of refunds and channels: it is our clock.
        channel = next(accounts.get(waiting["channel_account_id"], "") for waiting in waits if waiting["clock"])
        text = gettext(
            "The clock here and that of %(channel)s differ by minutes: signatures fail. Put our clock right; "
            "the refunds then go on by themselves."
        )
        found.append(Trouble(channel, "bad", text % {"channel": channels.label(channel)}))
    for waiting in waits:
        channel, n = accounts.get(waiting["channel_account_id"], ""), dict(waiting)
        if waiting["channel_account_id"] in down:
            n["silent"] = 0
        said = {
            "short": ngettext(
                "%(channel)s: the balance is short. %(n)s refund over ¥%(amount)s goes on after a top-up.",
                "%(channel)s: the balance is short. %(n)s refunds over ¥%(amount)s go on after a top-up.",
                n["short"],
            ),
            "barred": ngettext(
                "%(channel)s does not accept our keys or permissions. "
                "%(n)s refund over ¥%(amount)s goes on once they are put right.",
                "%(channel)s does not accept our keys or permissions. "
                "%(n)s refunds over ¥%(amount)s go on once they are put right.",
                n["barred"],
            ),
            "postponed": ngettext(
                "%(channel)s has taken nothing for more than 5 minutes: it asks us to come later. %(n)s refund over ¥%(amount)s "
                "goes out by itself; the reason stands beside it.",
                "%(channel)s has taken nothing for more than 5 minutes: it asks us to come later. %(n)s refunds over ¥%(amount)s "
                "go out by themselves; the reason stands beside them.",
                n["postponed"],
            ),
            "refused_by_bank": ngettext(
                "%(channel)s: the customer's bank did not take %(n)s refund. The money lies in their balance there.",
                "%(channel)s: customers' banks did not take %(n)s refunds. The money lies in their balances there.",
                n["refused_by_bank"],
            ),
            "stuck": ngettext(
                "%(channel)s has had %(n)s refund for 12 days without paying it. Call its support in time.",
                "%(channel)s has had %(n)s refunds for 12 days without paying them. Call its support in time.",
                n["stuck"],
            ),
            "silent": ngettext(
                "%(channel)s: the outcome of %(n)s refund is unknown for more than 5 minutes. It is asked about.",
                "%(channel)s: the outcome of %(n)s refunds is unknown for more than 5 minutes. They are asked about.",
                n["silent"],
            ),
        }
        for name, text in said.items():
            if n[name]:
                facts = {"n": n[name], "amount": yuan_grouped(n.get(f"{name}_fen") or 0)}
                tone = "bad" if name in _BAD else "warn"
                found.append(Trouble(channel, tone, text % {"channel": channels.label(channel), **facts}))
    return [*_held(merchant_id), *found]


def _held(merchant_id: int) -> list[Trouble]:
    """One line for all sales that finance holds: money may have left twice, so that it stands first."""
    held = list(
        Transaction.objects.filter(merchant_id=merchant_id, held_at__isnull=False)
        .order_by("held_at", "pk")
        .values_list("order_no", "channel")[: _NAMED + 1]
    )
    if not held:
        return []
    numbers = list(dict.fromkeys(order_no for order_no, _ in held))[:_NAMED]
    text = gettext(
        "%(channel)s contradicts itself about refunds or payments. These sales are held for finance, nothing more leaves for "
        "them: %(numbers)s."
    )
    more = ", …" if len(held) > _NAMED else ""
    channel = held[0][1]
    return [Trouble(channel, "bad", text % {"channel": channels.label(channel), "numbers": listed(numbers) + more})]


def delayed(number: Capped) -> list[Trouble]:
    """One line for so many refunds that will soon be deliberate delay, whoever keeps them waiting."""
    text = ngettext(
        "%(n)s refund is open or unpaid for 12 days or more. After 15 days the law calls it deliberate delay.",
        "%(n)s refunds are open or unpaid for 12 days or more. After 15 days the law calls it deliberate delay.",
        int(number),
    )
    return [Trouble("", "bad", text % {"n": number})] if number else []


def _waiting(merchant_id: int, at: datetime) -> Iterable[Mapping[str, Any]]:
    short = Q(state=ExecutionState.HELD, failure_retry="after_top_up")
    # While a payout of them is tried again it is being sent, and still what it was.
    clock = Q(due_at__isnull=False, failure_remedy="check_clock")
    barred = Q(state__in=(ExecutionState.HELD, ExecutionState.SENDING), failure_retry="after_mending") & ~clock
    long_ago = Q(first_sent_at__lt=at - _SILENT_AFTER)
    postponed = (
        Q(state__in=(ExecutionState.HELD, ExecutionState.SENDING), failure_retry__in=("later", "same_number"))
        & long_ago
    )
    # Since its last word that can be believed, which may be days after the refund was sent.
    unheard = Q(unheard_since__lt=at - _SILENT_AFTER) | (Q(unheard_since=None) & long_ago)
    silent = Q(state=ExecutionState.UNKNOWN) & unheard & ~clock
    stuck = Q(state=ExecutionState.PROCESSING, first_sent_at__lt=at - timedelta(days=ALERT_ON_DAY)) & ~Q(
        failure_code="by_hand"
    )
    refused_by_bank = Q(
        state=ExecutionState.SUCCEEDED,
        second_leg="failed",
        needs_attention=True,
        succeeded_at__gt=at - _TOLD_FOR,
    )
    return (
        Execution.objects.filter(merchant_id=merchant_id)
        .filter(Q(due_at__isnull=False) & (short | barred | postponed | silent | clock | stuck) | refused_by_bank)
        .values("channel_account_id")
        .annotate(
            short=Count("pk", filter=short),
            clock=Count("pk", filter=clock),
            stuck=Count("pk", filter=stuck),
            refused_by_bank=Count("pk", filter=refused_by_bank),
            barred=Count("pk", filter=barred),
            barred_fen=Sum("amount_fen", filter=barred),
            postponed=Count("pk", filter=postponed),
            postponed_fen=Sum("amount_fen", filter=postponed),
            silent=Count("pk", filter=silent),
            short_fen=Sum("amount_fen", filter=short),
        )
        .order_by("channel_account_id")
    )
