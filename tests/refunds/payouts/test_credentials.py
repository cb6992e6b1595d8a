"""Changing a channel account's keys: who may, what is refused, what stays known of it, and that what waited goes on."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import CommandError, call_command
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid, NotFound
from merchants.models import ChannelAccount, Staff
from merchants.principals import of_staff
from payment_channels.contract import Refused, Retry
from refunds import payouts
from refunds.models import Execution
from refunds.payouts import Answer, credentials
from simulators.kit.keys import private_pem
from simulators.kit.testing import RunningSimulator
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(wechat: RunningSimulator) -> ChannelAccount:
    return make_account(make_merchant(), wechat.account)


@pytest.fixture(scope="module")
def new_key() -> str:
    return private_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)).decode()


def _owner(account: ChannelAccount) -> Staff:
    return Staff.objects.get(merchant=account.merchant, role="owner")


def _change(account: ChannelAccount, given: dict[str, Any], by: Staff | None = None) -> list[str]:
    return credentials.change(account_id=account.pk, given=given, by=of_staff(by or _owner(account)), at=timezone.now())


def _events(account: ChannelAccount) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action="channel_account.credentials", object_id=str(account.pk)))


def test_change_is_kept_and_leaves_fingerprints_but_no_secret(account: ChannelAccount, new_key: str) -> None:
    old = account.credentials
    owner = _owner(account)

    changed = _change(account, {"merchant_private_key": new_key, "merchant_serial": "5B0C"}, owner)

    account.refresh_from_db()
    assert changed == ["merchant_private_key", "merchant_serial"]
    assert account.credentials == old | {"merchant_private_key": new_key, "merchant_serial": "5B0C"}
    assert account.revision == 2
    (event,) = _events(account)
    assert (event.actor_kind, event.actor_id, event.actor_name) == ("staff", str(owner.pk), owner.name)
    assert event.data["changed"]["merchant_serial"] == {"before": old["merchant_serial"], "after": "5B0C"}
    prints = event.data["changed"]["merchant_private_key"]
    assert prints["before"] != prints["after"]
    assert all(shown.startswith("keyed:") for shown in prints.values())
    written = json.dumps(event.data)
    for secret in (new_key, old["merchant_private_key"], old["api_v3_key"]):
        assert (secret[40:70] or secret) not in written
        assert secret not in written


def test_same_credentials_again_change_nothing(account: ChannelAccount) -> None:
    assert _change(account, account.credentials) == []
    account.refresh_from_db()
    assert account.revision == 1
    assert _events(account) == []


@pytest.mark.parametrize(
    "given",
    [
        {"merchant_private_key": "not a key"},
        {"api_v3_key": "too short"},
        {"merchant_private_key": None},
        {"mchid": 5},
        {"mchid": ""},
    ],
)
def test_what_cannot_be_credentials_is_refused_and_changes_nothing(
    account: ChannelAccount, given: dict[str, Any]
) -> None:
    before = account.credentials
    with pytest.raises(Invalid) as refused:
        _change(account, given)
    (name,) = given
    assert name in refused.value.message
    account.refresh_from_db()
    assert (account.credentials, account.revision) == (before, 1)
    assert _events(account) == []


@pytest.mark.parametrize("role", ["cashier", "reviewer", "finance", "another merchant's owner", "an owner who left"])
def test_others_may_not(account: ChannelAccount, role: str) -> None:
    if role == "another merchant's owner":
        by = Staff.objects.get(merchant=make_merchant(), role="owner")
    elif role == "an owner who left":
        by = _owner(account)
        by.is_active = False
    else:
        by = make_staff(account.merchant, role)
    with pytest.raises((Forbidden, NotFound)):
        _change(account, {"merchant_serial": "5B0C"}, by)
    account.refresh_from_db()
    assert account.revision == 1


def test_what_waited_for_the_keys_is_due_at_once(account: ChannelAccount) -> None:
    make_request(make_sale(account.merchant, channel_account=account), 1_200)
    at = timezone.now() - timedelta(seconds=5)
    (claimed,) = payouts.claim(limit=1, at=at + timedelta(seconds=5))
    refused = Refused(code="SIGN_ERROR", message="", retry=Retry.AFTER_MENDING, remedy="check_keys")
    payouts.settle(
        [Answer(claimed.execution_id, claimed.request_id, claimed.account_id, refused, "answer", turn=claimed.turn)],
        at=timezone.now(),
    )
    assert payouts.claim(limit=1, at=timezone.now()) == []

    _change(account, {"merchant_serial": "5B0C"})

    (again,) = payouts.claim(limit=1, at=timezone.now())
    assert again.account_revision == 2
    assert again.order.refund_no == Execution.objects.get().refund_no


def test_command_takes_a_file_and_never_repeats_it(account: ChannelAccount, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "new.json"
    by = _owner(account).username
    file.write_text('{"merchant_serial": "5B0C"}')
    call_command("set_credentials", account.code, str(file), by=by)
    assert capsys.readouterr().out == "changed: merchant_serial\n"

    for content in ('{"api_v3_key": "hush-hush"}', '{"api_v3_key": "hush-hush"', '["hush-hush"]'):
        file.write_text(content)
        with pytest.raises(CommandError) as refused:
            call_command("set_credentials", account.code, str(file), by=by)
        assert "hush" not in str(refused.value)
    with pytest.raises(CommandError):
        call_command("set_credentials", account.code, str(file), by="nobody")
    with pytest.raises(CommandError):
        call_command("set_credentials", "no-account", str(file), by=by)
