"""The contract as a form: every entry has a field, and what is typed is what is stored."""

from __future__ import annotations

from dataclasses import fields

import pytest
from django.http import QueryDict

from desk.channel_accounts.profile import LABELS, form_fields, typed_profile
from merchants.models import ChannelAccount
from payment_channels.profile import Profile
from refunds.payouts.accounts import FIXED_ENTRIES


@pytest.mark.parametrize("channel", ["wechat", "alipay", "unionpay"])
def test_form_sent_untouched_says_what_is_stored(channel: str) -> None:
    stored = {
        "voids": False,
        "max_partials": 3,
        "first_query_s": 2.0,
        "timeout_s": 4.5,
        "void_cutoff": "22:00",
        "closed_number": "same_number",
        "bill_basis": "accepted",
        "arrival": {"balance": [0, 1]},
        "funding": "UNSETTLED",
    }
    account = ChannelAccount(channel=channel, profile_overrides=stored)
    data = QueryDict(mutable=True)
    for field in form_fields(account):
        data.setlist(field.name, list(field.values))
    assert typed_profile(data, account) == stored
    assert account.profile.max_partials == 3


def test_every_entry_has_a_field_but_those_that_no_form_changes() -> None:
    assert {entry.name for entry in fields(Profile)} == set(LABELS) | FIXED_ENTRIES
