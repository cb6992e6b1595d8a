"""An account at a channel: sealed credentials, and what its contract says."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from merchants.models import ChannelAccount
from payment_channels.contract import ProfileInvalid
from tests.factories import make_account, make_merchant

pytestmark = pytest.mark.django_db


def test_credentials_are_sealed_and_come_back_whole() -> None:
    account = make_account(make_merchant())
    account.set_credentials({"mchid": "1900000109"})
    account.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_credentials FROM merchants_channelaccount WHERE id = %s", [account.pk])
        assert b"1900000109" not in bytes(cursor.fetchone()[0])
    assert ChannelAccount.objects.get(pk=account.pk).credentials == {"mchid": "1900000109"}


def test_second_active_account_of_a_channel_is_refused_by_the_database() -> None:
    merchant = make_merchant()
    make_account(merchant)
    with pytest.raises(IntegrityError, match="one_active_account_per_channel"), transaction.atomic():
        make_account(merchant)
    assert merchant.channel_accounts.count() == 1


def test_profile_that_cannot_be_read_is_refused_where_money_moves_and_the_usual_one_on_pages() -> None:
    account = make_account(make_merchant(), voids="yes")
    with pytest.raises(ProfileInvalid):
        _ = account.profile
    assert account.usable_profile.window_days == 365
