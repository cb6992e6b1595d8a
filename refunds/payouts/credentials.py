"""Changing a channel account's credentials: only what can be used is taken, who did it stays known, and what waited goes on.

The audit trail keeps fingerprints: keyed hashes, so that two people can tell whether they speak of the same key, and nobody
can try passwords against them.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from core.audit.actors import Actor
from core.audit.record import record_of
from core.errors import Invalid
from core.personal_data import search_hash
from merchants.models import ChannelAccount
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from payment_channels.registry import CHANNELS
from refunds.payouts import adapters, wake

#: Names of an account, no secrets: the trail shows them as they are.
_OPEN = frozenset(name for channel in CHANNELS.values() for name in channel.open_credentials)
#: How long notices under the credentials before are still read, by name.
OVERLAPS: dict[str, timedelta] = {"0": timedelta(0), "24h": timedelta(hours=24), "7d": timedelta(days=7)}


@transaction.atomic
def change(
    *,
    account_id: int,
    given: Mapping[str, object],
    by: Principal,
    at: datetime,
    overlap: timedelta = timedelta(0),
) -> list[str]:
    """Put ``given`` over the account's credentials; null takes one away. Returns the names of those that changed. What is sent
    is signed with the new ones at once; notices under the old ones are read for ``overlap``, one of ``OVERLAPS``.

    Raises ``Forbidden``, and ``Invalid`` where the result is no set of credentials of this channel: nothing is changed then.
    """
    account = ChannelAccount.objects.select_for_update().get(pk=account_id)
    check_may(Act.CHANGE_CREDENTIALS, by=by, subject=Subject(merchant_id=account.merchant_id, store_id=None))
    before = account.credentials
    after: dict[str, str] = dict(before)
    for name, value in given.items():
        if value is None:
            after.pop(name, None)
        elif isinstance(value, str):
            after[name] = value
        else:
            raise Invalid(f"{name} must be text or null", code="credentials_invalid")
    if after == before:
        return []
    adapters.check(account=account, credentials=after)
    if overlap not in OVERLAPS.values():
        raise Invalid("choose one of the overlaps", code="unknown_overlap")
    account.set_credentials(after)
    account.sealed_credentials_before = json.dumps(before) if overlap and before else ""
    account.credentials_before_until = at + overlap if overlap and before else None
    account.revision += 1
    account.save(
        update_fields=["sealed_credentials", "sealed_credentials_before", "credentials_before_until", "revision"]
    )
    changed = record_change(account=account, before=before, by=by.actor, at=at)
    wake([account.pk], at=at)
    return changed


def record_change(*, account: ChannelAccount, before: Mapping[str, str], by: Actor, at: datetime) -> list[str]:
    """Write down that an account's credentials are no longer ``before``. Returns the names of those that changed."""
    after = account.credentials
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    record_of(
        account,
        by=by,
        action="channel_account.credentials",
        at=at,
        data={
            "account": account.code,
            "channel": account.channel,
            "revision": account.revision,
            "changed": {
                name: {"before": _shown(name, before.get(name)), "after": _shown(name, after.get(name))}
                for name in changed
            },
        },
    )
    return changed


def _shown(name: str, value: str | None) -> str:
    if not value:
        return ""
    return value if name in _OPEN else f"keyed:{search_hash(f'credential.{name}', value).hex()}"
