"""From a channel account to its adapter: built once a process and account revision, since loading keys costs 54 ms."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from core.errors import Invalid
from merchants.models import ChannelAccount
from payment_channels.contract import CredentialsInvalid, ProfileInvalid, RefundChannel
from payment_channels.registry import CHANNELS

_lock = threading.Lock()
_kept: dict[int, tuple[int, RefundChannel]] = {}


def check(*, account: ChannelAccount, credentials: Mapping[str, str]) -> None:
    """Whether an adapter can be built of these. Raises ``Invalid`` that names the field, never its value."""
    try:
        CHANNELS[account.channel].build(credentials, account.profile, account.base_url)
    except (CredentialsInvalid, ProfileInvalid) as error:
        raise Invalid(str(error), code="credentials_invalid") from error


def adapter_for(account_id: int, revision: int) -> RefundChannel:
    """The adapter of an account at this revision. Raises ``CredentialsInvalid``, ``ProfileInvalid``."""
    kept = _kept.get(account_id)
    if kept is not None and kept[0] == revision:
        return kept[1]
    with _lock:
        kept = _kept.get(account_id)
        if kept is None or kept[0] != revision:
            account = ChannelAccount.objects.get(pk=account_id)
            adapter = CHANNELS[account.channel].build(account.credentials, account.profile, account.base_url)
            kept = _kept[account_id] = (account.revision, adapter)
    return kept[1]
