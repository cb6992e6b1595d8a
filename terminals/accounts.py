"""Which of a merchant's channel accounts took a payment: the store's own before the merchant's, and the one of that time."""

from datetime import datetime

from django.db import connection
from django.db.models import Max, Q

from merchants import channels
from merchants.models import ChannelAccount, Store
from terminals.models import REPORTED_KINDS, Transaction


def account_of(*, store: Store, channel: str, paid_at: datetime) -> ChannelAccount | None:
    """The account that a sale of this store was paid into; None where the merchant has none at the channel.

    An account that was replaced keeps what was paid until then (``used_until``, or else its last sale), whenever that is
    reported; where no account's time fits, it is the one in use.
    """
    if channel == "cash":
        # No channel to go back through; the account of that name is the drawer that pays refunds by hand.
        return None
    found = _account_at(store, channel, paid_at)
    if found is None:
        # Whoever opens the first one takes in what is committed by then (``take_in``): it waits for us, or we for it.
        _lock(store.merchant_id, channel, "pg_advisory_xact_lock_shared")
        found = _account_at(store, channel, paid_at)
    return found


def _account_at(store: Store, channel: str, paid_at: datetime) -> ChannelAccount | None:
    accounts = list(
        ChannelAccount.objects.filter(Q(store=store) | Q(store=None), merchant_id=store.merchant_id, channel=channel)
        .defer("sealed_credentials")
        .order_by("pk")
    )
    ended = {account.pk: account.used_until or _last_sale_at(account) for account in accounts if not account.is_active}
    fitting = [
        account
        for account in accounts
        if (account.used_from is None or account.used_from <= paid_at) and _took(account, ended, paid_at)
    ]
    # The one whose time was over first: a new account without a first day would cover all that was paid before it as well.
    fitting.sort(key=lambda account: (account.store_id is None, account.is_active, ended.get(account.pk) or paid_at))
    in_use = sorted(
        (account for account in accounts if account.is_active), key=lambda account: account.store_id is None
    )
    return next(iter([*fitting, *in_use]), None)


def take_in(account: ChannelAccount) -> int:
    """Put down to a new account the sales that were reported while there was none for them: shops begin with their tills. Returns
    how many. In the transaction that opens it: no sale is reported beside it without its account.
    """
    _lock(account.merchant_id, account.channel, "pg_advisory_xact_lock")
    sales = Transaction.objects.filter(
        merchant_id=account.merchant_id, channel=account.channel, channel_account=None, kind__in=REPORTED_KINDS
    )
    return (sales if account.store_id is None else sales.filter(store_id=account.store_id)).update(
        channel_account=account
    )


def replacement_of(account: ChannelAccount) -> ChannelAccount | None:
    """The account in use that has the merchant number of one that is not: the same money at the channel, under new keys."""
    return None if account.is_active else next((one for one in same_number(account) if one.is_active), None)


def same_number(account: ChannelAccount) -> list[ChannelAccount]:
    """The merchant's other accounts of the same merchant number at the channel, those in use first."""
    found = channels.channel(account.channel)
    if found is None or not found.number:
        return []
    names = found.number

    def number(one: ChannelAccount) -> list[str]:
        return [one.credentials.get(name, "") for name in names]

    own = number(account)
    others = ChannelAccount.objects.filter(merchant_id=account.merchant_id, channel=account.channel)
    others = others.exclude(pk=account.pk).order_by("-is_active", "pk")
    return [one for one in others if number(one) == own] if own[0] else []


def _lock(merchant_id: int, channel: str, how: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {how}(hashtextextended(%s, 0))", [f"accounts/{merchant_id}/{channel}"])


def _took(account: ChannelAccount, ended: dict[int, datetime | None], paid_at: datetime) -> bool:
    if account.is_active:
        return True
    until = ended[account.pk]
    return until is not None and paid_at <= until


def _last_sale_at(account: ChannelAccount) -> datetime | None:
    last: datetime | None = Transaction.objects.filter(channel_account=account).aggregate(last=Max("paid_at"))["last"]
    return last
