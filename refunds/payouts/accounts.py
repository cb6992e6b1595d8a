"""Channel accounts: opened, told what their contract says, tested without moving money, put out of use."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from core.audit.record import record_of
from core.errors import Conflict, NotFound, wrong
from merchants import channels
from merchants.models import ChannelAccount, Merchant, Store
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from payment_channels.contract import CredentialsInvalid, Done, ProfileInvalid, RefundReference, Refused
from payment_channels.registry import CHANNELS
from refunds.payouts import adapters, credentials, wake
from terminals.accounts import take_in

#: What a test comes to: the channel knows us; it does not; nothing can be told.
WORKS, REFUSED, NO_ANSWER = "works", "refused", "no_answer"
_OF_KEYS = frozenset({"check_keys", "check_their_key", "check_permission", "check_account"})
#: An account is not tested again before.
_PAUSE = timedelta(seconds=5)
#: No entries of the contract: where money is asked for says whoever runs the installation, what refunds took was measured.
FIXED_ENTRIES = frozenset({"file_url", "arrival_seen"})


class AccountInUse(Conflict):
    """Another account takes the payments of this channel and store."""

    code = "account_in_use"


class NotInUse(Conflict):
    """The account was put out of use before."""

    code = "account_not_in_use"


class JustTested(Conflict):
    """The channel was asked a moment ago."""

    code = "tested_just_now"


@transaction.atomic
def open_account(
    *,
    channel: str,
    store_id: int | None,
    given: Mapping[str, str],
    replaces: bool,
    by: Principal,
    at: datetime,
) -> ChannelAccount:
    """An account that takes payments from now on: of one store, or of all that have none of their own.

    ``replaces`` puts the one before out of use in the same commit: what was paid into it goes back through it, and its notices
    are heard. Sales that were reported while there was none are the new one's. Raises ``Forbidden``, ``NotFound``,
    ``AccountInUse``, and ``Invalid`` that names what the credentials lack.
    """
    check_may(Act.CHANGE_CREDENTIALS, by=by)
    check_may(Act.CHANGE_CREDENTIALS, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))
    found = CHANNELS.get(channel)
    if found is None or found.by_hand:
        raise wrong("channel", code="unknown_channel")
    store = None if store_id is None else Store.objects.filter(pk=store_id, merchant_id=by.acting_for).first()
    if store_id is not None and store is None:
        raise NotFound("there is no such store")
    merchant = Merchant.objects.get(pk=by.acting_for)
    theirs = ChannelAccount.objects.filter(merchant=merchant, channel=channel)
    if replaces:
        for before in theirs.select_for_update().filter(store=store, is_active=True):
            _end(before, by, at)
    account = ChannelAccount(
        merchant=merchant,
        store=store,
        channel=channel,
        code=f"{channel}-{merchant.code.lower()[:12]}-{secrets.token_hex(3)}",
        base_url=theirs.order_by("-pk").values_list("base_url", flat=True).first() or settings.CHANNEL_URLS[channel],
        used_from=at if theirs.exists() else None,
    )
    kept = {name: value.strip() for name, value in given.items() if value.strip()}
    adapters.check(account=account, credentials=kept)
    account.set_credentials(kept)
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError as error:
        raise AccountInUse("another account takes these payments") from error
    told = {
        "account": account.code,
        "channel": channel,
        "store": store.code if store else "",
        "sales": take_in(account),
    }
    record_of(account, by=by.actor, action="channel_account.open", at=at, data=told)
    credentials.record_change(account=account, before={}, by=by.actor, at=at)
    return account


@transaction.atomic
def change_profile(*, account_id: int, given: Mapping[str, Any], by: Principal, at: datetime) -> ChannelAccount:
    """What the account's contract says otherwise than the channel's usual one; what is left out is as usual. Raises
    ``Forbidden``, ``NotFound``, and ``Invalid`` that names the entry.
    """
    account = _locked(account_id, by)
    before = account.profile_overrides
    after = {name: value for name, value in given.items() if name not in FIXED_ENTRIES}
    after |= {name: before[name] for name in FIXED_ENTRIES & before.keys()}
    try:
        channels.profile(account.channel, after)
    except ProfileInvalid as error:
        name = str(error).partition(" ")[0]
        raise wrong(name, code="profile_invalid") from error
    if after == before:
        return account
    account.profile_overrides = after
    account.revision += 1
    account.save(update_fields=["profile_overrides", "revision"])
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    record_of(
        account,
        by=by.actor,
        action="channel_account.profile",
        at=at,
        data={
            "account": account.code,
            "changed": {name: {"before": before.get(name), "after": after.get(name)} for name in changed},
        },
    )
    wake([account.pk], at=at)
    return account


@transaction.atomic
def close(*, account_id: int, by: Principal, at: datetime) -> ChannelAccount:
    """It takes no new payments; what was paid into it goes back through it. Raises ``NotInUse``."""
    account = _locked(account_id, by)
    if not account.is_active:
        raise NotInUse("the account was put out of use before")
    _end(account, by, at)
    return account


def try_connection(*, account_id: int, by: Principal, at: datetime) -> tuple[str, str]:
    """Ask the channel about a refund that never was: no money moves. Call it outside of any transaction.

    Returns what came of it (``WORKS``, ``REFUSED`` or ``NO_ANSWER``) and the channel's or our own code. Raises ``Forbidden``,
    ``NotFound`` and ``JustTested``.
    """
    account = _begin_test(account_id, by, at)
    word, code = _asked(account, at)
    ChannelAccount.objects.filter(pk=account.pk).update(test_word=word, test_code=code[:60])
    record_of(
        account,
        by=by.actor,
        action="channel_account.test",
        at=at,
        data={"account": account.code, "word": word, "code": code[:60]},
    )
    return word, code


def _asked(account: ChannelAccount, at: datetime) -> tuple[str, str]:
    number = f"RDTEST{at:%Y%m%d%H%M%S}"
    try:
        adapter = adapters.adapter_for(account.pk, account.revision)
    except (CredentialsInvalid, ProfileInvalid):
        return REFUSED, "account_unusable"
    said = adapter.query_refund(
        RefundReference(refund_no=number, channel_transaction_no=number, order_no=number, amount_fen=1, sent_at=at)
    )
    if isinstance(said, Done) or said.code == "not_found":
        return WORKS, ""
    if said.remedy in _OF_KEYS or said.code == "bad_signature":
        return REFUSED, said.code
    # A refusal for another reason came signed, from a channel that knows us.
    return (WORKS if isinstance(said, Refused) else NO_ANSWER), said.code


@transaction.atomic
def _begin_test(account_id: int, by: Principal, at: datetime) -> ChannelAccount:
    account = _locked(account_id, by)
    if account.tested_at is not None and at < account.tested_at + _PAUSE:
        raise JustTested("the channel was asked a moment ago")
    account.tested_at, account.test_word, account.test_code = at, "", ""
    account.save(update_fields=["tested_at", "test_word", "test_code"])
    return account


def _end(account: ChannelAccount, by: Principal, at: datetime) -> None:
    account.is_active, account.used_until = False, at
    account.save(update_fields=["is_active", "used_until"])
    record_of(account, by=by.actor, action="channel_account.close", at=at, data={"account": account.code})


def _locked(account_id: int, by: Principal) -> ChannelAccount:
    check_may(Act.CHANGE_CREDENTIALS, by=by)
    found = ChannelAccount.objects.select_for_update().filter(pk=account_id, merchant_id=by.acting_for).first()
    if found is None or CHANNELS[found.channel].by_hand:
        raise NotFound("there is no such channel account")
    check_may(Act.CHANGE_CREDENTIALS, by=by, subject=Subject(merchant_id=found.merchant_id, store_id=None))
    return found
