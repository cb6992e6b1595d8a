"""Payment channels as everybody may know them: their names, what they can do, what their usual contract says.

Only ``refunds.payouts`` and ``reconciliation`` talk to channels; all others ask here for a name or a limit.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payment_channels.contract import ProfileInvalid
from payment_channels.profile import Profile
from payment_channels.registry import CHANNELS, Channel

#: What is paid with and no adapter refunds: (letter, name).
_NO_ADAPTER: Mapping[str, tuple[str, Promise | str]] = {"ecny": ("数", _("e-CNY")), "card": ("卡", _("Bank card"))}


def known() -> frozenset[str]:
    """The channels that refunds go through, routes by hand included."""
    return frozenset(CHANNELS)


def with_statements() -> tuple[str, ...]:
    """The channels whose statements are read."""
    return tuple(code for code, channel in CHANNELS.items() if channel.statements)


def with_fund_flow() -> tuple[str, ...]:
    """The channels that list their fund flow beside the statement."""
    return tuple(code for code, channel in CHANNELS.items() if channel.fund_flow)


def channel(code: str) -> Channel | None:
    """What the registry says of a channel; None for one that only a sale knows."""
    return CHANNELS.get(code)


def label(code: str) -> str:
    """``wechat`` -> WeChat Pay, in the reader's language; an unknown code as it is."""
    if code in CHANNELS:
        return gettext(CHANNELS[code].label)
    return str(_NO_ADAPTER[code][1]) if code in _NO_ADAPTER else code


def letter(code: str) -> str:
    """The sign in the channel's mark."""
    if code in CHANNELS:
        return CHANNELS[code].letter
    return _NO_ADAPTER[code][0] if code in _NO_ADAPTER else code[:1].upper() or "?"


def balance_label(code: str) -> str:
    """The wallet that a payment from the balance goes back to; empty where the channel has none."""
    if code == "ecny":
        return gettext("e-CNY wallet")
    found = CHANNELS.get(code)
    return gettext(found.balance_label) if found and found.balance_label else ""


def profile(code: str, overrides: Mapping[str, Any]) -> Profile:
    """The channel's usual contract with what an account's own says. Raises ``ProfileInvalid``."""
    found = CHANNELS.get(code)
    return (found.profile if found else Profile()).over(overrides)


def usable_profile(code: str, overrides: Mapping[str, Any]) -> Profile:
    """The same, with the channel's usual contract where an account's own cannot be read."""
    try:
        return profile(code, overrides)
    except ProfileInvalid:
        return profile(code, {})


@lru_cache(maxsize=1024)
def usable_profile_of_text(code: str, overrides: str) -> Profile:
    """The same, where the account's own comes as the database's text: made once, for statements that read it each time."""
    return usable_profile(code, json.loads(overrides))


def profile_sql(name: str, *, account: str = "a") -> str:
    """SQL for a number or flag of the profile of a channel account in scope, over the channels' usual contracts.

    For statements over many accounts at once; the defaults are those of the registry all the same.
    """
    usual = {code: getattr(entry.profile, name) for code, entry in CHANNELS.items()}
    kind = "boolean" if isinstance(getattr(Profile(), name), bool) else "numeric"
    rest = getattr(Profile(), name)
    cases = "".join(f" WHEN '{code}' THEN {value}" for code, value in usual.items() if value != rest)
    default = f"CASE {account}.channel{cases} ELSE {rest} END" if cases else f"{rest}"
    return f"coalesce(({account}.profile_overrides->>'{name}')::{kind}, {default})"
