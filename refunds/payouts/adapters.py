"""From a channel account to its adapter: built once a process and account revision, since loading keys costs 54 ms."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import datetime

from cryptography.exceptions import InvalidTag

from core.errors import FieldError, Invalid
from merchants.models import ChannelAccount
from payment_channels.contract import CredentialsInvalid, ProfileInvalid, RefundChannel
from payment_channels.registry import CHANNELS

_lock = threading.Lock()
_kept: dict[int, tuple[int, RefundChannel]] = {}
#: Those of the credentials before, as long as notices under them are read.
_kept_before: dict[int, tuple[int, RefundChannel]] = {}


def check(*, account: ChannelAccount, credentials: Mapping[str, str]) -> None:
    """Whether an adapter can be built of these. Raises ``Invalid`` that names the field, never its value."""
    try:
        CHANNELS[account.channel].build(credentials, account.profile, account.base_url)
    except (CredentialsInvalid, ProfileInvalid) as error:
        name = str(error).partition(" ")[0]
        raise Invalid(
            str(error), code="credentials_invalid", errors=[FieldError(name, "credentials_invalid", str(error))]
        ) from error


def adapter_for(account_id: int, revision: int) -> RefundChannel:
    """The adapter of an account at this revision. Raises ``CredentialsInvalid``, ``ProfileInvalid``."""
    kept = _kept.get(account_id)
    if kept is not None and kept[0] == revision:
        return kept[1]
    with _lock:
        kept = _kept.get(account_id)
        if kept is None or kept[0] != revision:
            try:
                account = ChannelAccount.objects.get(pk=account_id)
            except InvalidTag as error:
                raise CredentialsInvalid("credentials do not open with the keys of this installation") from error
            adapter = CHANNELS[account.channel].build(account.credentials, account.profile, account.base_url)
            kept = _kept[account_id] = (account.revision, adapter)
    return kept[1]


def adapter_before(account_id: int, *, at: datetime) -> RefundChannel | None:
    """The adapter of the credentials that were rotated out and still count for notices; None: there are none."""
    account = ChannelAccount.objects.filter(pk=account_id, credentials_before_until__gt=at).first()
    if account is None:
        return None
    kept = _kept_before.get(account_id)
    if kept is None or kept[0] != account.revision:
        before = json.loads(account.sealed_credentials_before)
        adapter = CHANNELS[account.channel].build(before, account.profile, account.base_url)
        kept = _kept_before[account_id] = (account.revision, adapter)
    return kept[1]
