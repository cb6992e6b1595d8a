"""From an account to its adapter: built once a revision."""

from __future__ import annotations

import pytest
from django.db import connection

from core.errors import Invalid
from core.personal_data import seal
from merchants.models import ChannelAccount
from payment_channels.contract import CredentialsInvalid
from refunds.payouts import adapters
from tests.factories import make_account, make_merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The adapters that were built, in order; none is kept from another test."""
    made: list[object] = []

    class Channel:
        def build(self, *_: object) -> object:
            made.append(object())
            return made[-1]

    monkeypatch.setattr(adapters, "CHANNELS", {"wechat": Channel()})
    monkeypatch.setattr(adapters, "_kept", {})
    return made


def test_adapter_when_the_account_is_as_it_was_is_the_same(built: list[object]) -> None:
    account = make_account(make_merchant())
    first = adapters.adapter_for(account.pk, account.revision)
    assert adapters.adapter_for(account.pk, account.revision) is first
    assert len(built) == 1


def test_adapter_when_the_account_has_another_revision_is_built_anew(built: list[object]) -> None:
    account = make_account(make_merchant())
    first = adapters.adapter_for(account.pk, account.revision)
    ChannelAccount.objects.filter(pk=account.pk).update(revision=account.revision + 1)
    assert adapters.adapter_for(account.pk, account.revision + 1) is not first


@pytest.mark.parametrize("sealed", [False, True])
def test_adapter_when_credentials_are_missing_or_do_not_open_is_not_built_and_not_kept(sealed: bool) -> None:
    account = make_account(make_merchant())
    if sealed:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE merchants_channelaccount SET sealed_credentials = %s WHERE id = %s",
                [seal("{}", purpose="another field"), account.pk],
            )
    for _ in range(2):
        with pytest.raises(CredentialsInvalid):
            adapters.adapter_for(account.pk, account.revision)


def test_check_when_credentials_cannot_be_used_names_the_field_and_not_its_value() -> None:
    account = make_account(make_merchant())
    with pytest.raises(Invalid) as refused:
        adapters.check(account=account, credentials={"mchid": "1900000109", "api_v3_key": "a-secret"})
    assert refused.value.code == "credentials_invalid"
    assert "a-secret" not in refused.value.message
