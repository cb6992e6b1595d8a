"""Channel accounts: opened, told their contract, tested, ended; nothing of it moves money or shows a secret."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid, NotFound
from merchants.models import ChannelAccount, Merchant
from merchants.principals import Principal, of_staff
from payment_channels.contract import NoticeRejected, RawNotice
from refunds.payouts import accounts, adapters, credentials, notices
from refunds.payouts.accounts import AccountInUse, JustTested, NotInUse
from simulators.kit.testing import RunningSimulator
from terminals.accounts import account_of
from tests.factories import make_account, make_merchant, make_staff, wechat_credentials, works_in

pytestmark = pytest.mark.django_db


def _open(wechat: RunningSimulator, by: Principal, **more: Any) -> ChannelAccount:
    said: dict[str, Any] = {
        "channel": "wechat",
        "store_id": None,
        "replaces": False,
        "given": wechat_credentials(wechat.account),
        **more,
    }
    return accounts.open_account(**said, by=by, at=timezone.now())


def _trail() -> str:
    return repr(list(AuditEvent.objects.filter(object_type="channel_account").values_list("action", "data")))


def test_open_keeps_credentials_sealed_and_out_of_the_trail(wechat: RunningSimulator, owner: Principal) -> None:
    account = _open(wechat, owner)
    account.refresh_from_db()
    given = wechat_credentials(wechat.account)
    assert account.credentials == {name: value.strip() for name, value in given.items()}
    assert given["api_v3_key"] not in _trail()
    assert given["mchid"] in _trail()
    assert account.base_url == "https://api.mch.weixin.qq.com"


@pytest.mark.parametrize(
    ("more", "field", "why"),
    [
        ({"given": {}}, "api_v3_key", "credentials_invalid"),
        ({"given": {"api_v3_key": "short"}}, "api_v3_key", "credentials_invalid"),
        ({"channel": "cash"}, "channel", "unknown_channel"),
        ({"channel": "nothing"}, "channel", "unknown_channel"),
    ],
)
def test_open_when_something_is_wrong_names_it_and_opens_nothing(
    wechat: RunningSimulator, owner: Principal, more: dict[str, Any], field: str, why: str
) -> None:
    with pytest.raises(Invalid) as refused:
        _open(wechat, owner, **more)
    assert (refused.value.code, refused.value.errors[0].field) == (why, field)
    assert not ChannelAccount.objects.exists()
    assert _trail() == "[]"


def test_open_beside_another_one_needs_a_store_or_replaces_it(
    wechat: RunningSimulator, merchant: Merchant, owner: Principal
) -> None:
    first = make_account(merchant, wechat.account)
    with pytest.raises(AccountInUse):
        _open(wechat, owner)
    store = merchant.stores.get()
    own = _open(wechat, owner, store_id=store.pk)
    second = _open(wechat, owner, replaces=True)
    first.refresh_from_db()
    assert (first.is_active, first.used_until is None, own.is_active, second.is_active) == (False, False, True, True)
    assert own.base_url == first.base_url
    # What was paid before goes back through the one that took it.
    at = timezone.now()
    assert account_of(store=store, channel="wechat", paid_at=at - timedelta(days=1)) == first
    assert account_of(store=store, channel="wechat", paid_at=at + timedelta(seconds=1)) == own


def test_open_for_another_merchants_store_is_refused(wechat: RunningSimulator, owner: Principal) -> None:
    with pytest.raises(NotFound):
        _open(wechat, owner, store_id=make_merchant().stores.get().pk)
    assert not ChannelAccount.objects.exists()


def test_profile_that_cannot_be_read_changes_nothing_and_no_form_changes_where_files_come_from(
    merchant: Merchant, owner: Principal
) -> None:
    account = make_account(merchant, file_url="https://files.example")
    change: dict[str, Any] = {"account_id": account.pk, "by": owner, "at": timezone.now()}
    for entry in ({"void_cutoff": "25:00"}, {"max_partials": -1}, {"timeout_s": 0}, {"closed_number": "x"}):
        with pytest.raises(Invalid) as refused:
            accounts.change_profile(**change, given=entry)
        assert refused.value.errors[0].field == next(iter(entry))
    accounts.change_profile(**change, given={"max_partials": 3, "file_url": "http://127.0.0.1/"})
    account.refresh_from_db()
    assert account.profile_overrides == {"max_partials": 3, "file_url": "https://files.example"}
    assert account.profile.max_partials == 3
    event = AuditEvent.objects.get(action="channel_account.profile")
    assert event.data["changed"]["max_partials"] == {"before": None, "after": 3}


@pytest.mark.django_db(transaction=True)
def test_connection_is_tested_without_moving_money(wechat: RunningSimulator) -> None:
    merchant = make_merchant()
    owner = of_staff(make_staff(merchant, "owner"))
    account, now = make_account(merchant, wechat.account), timezone.now()
    assert accounts.try_connection(account_id=account.pk, by=owner, at=now) == (accounts.WORKS, "")
    with pytest.raises(JustTested):
        accounts.try_connection(account_id=account.pk, by=owner, at=now)
    account.refresh_from_db()
    wrong = {**account.credentials, "merchant_serial": "7F" * 20}
    account.set_credentials(wrong)
    account.revision += 1
    account.save()
    word, code = accounts.try_connection(account_id=account.pk, by=owner, at=now + timedelta(minutes=1))
    assert (word, bool(code)) == (accounts.REFUSED, True)
    ChannelAccount.objects.update(base_url="http://127.0.0.1:9", revision=9)
    word, _ = accounts.try_connection(account_id=account.pk, by=owner, at=now + timedelta(minutes=2))
    account.refresh_from_db()
    assert word == account.test_word == accounts.NO_ANSWER
    assert AuditEvent.objects.filter(action="channel_account.test").count() == 3


def test_notice_under_the_credentials_before_is_read_until_the_overlap_ends(
    wechat: RunningSimulator, merchant: Merchant, owner: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, now = make_account(merchant, wechat.account), timezone.now()
    change: dict[str, Any] = {"account_id": account.pk, "by": owner}
    with pytest.raises(Invalid, match="overlaps"):
        credentials.change(**change, given={"api_v3_key": "n" * 32}, at=now, overlap=timedelta(days=400))
    credentials.change(**change, given={"api_v3_key": "n" * 32}, at=now, overlap=timedelta(hours=24))
    before = adapters.adapter_before(account.pk, at=now)
    assert before is not None
    read: list[object] = []

    def with_old(notice: RawNotice) -> object:
        read.append(notice)
        raise NoticeRejected("tampered", "not ours either")

    monkeypatch.setattr(before, "read_notice", with_old)
    for hours, tried in ((1, 1), (25, 1)):
        reply = notices.receive(
            channel="wechat", account_code=account.code, headers={}, body=b"{}", at=now + timedelta(hours=hours)
        )
        assert (reply.status >= 400, len(read)) == (True, tried)
    assert adapters.adapter_before(account.pk, at=now + timedelta(hours=25)) is None


def test_close_is_done_once_by_those_of_the_whole_merchant(merchant: Merchant, owner: Principal) -> None:
    account = make_account(merchant)
    bound = make_staff(merchant, "manager")
    works_in(bound, merchant.stores.get())
    for by, refusal in (
        (of_staff(bound), Forbidden),
        (of_staff(make_staff(merchant, "finance")), Forbidden),
        (of_staff(make_staff(make_merchant(), "owner")), NotFound),
    ):
        with pytest.raises(refusal):
            accounts.close(account_id=account.pk, by=by, at=timezone.now())
    assert ChannelAccount.objects.get().is_active
    accounts.close(account_id=account.pk, by=owner, at=timezone.now())
    with pytest.raises(NotInUse):
        accounts.close(account_id=account.pk, by=owner, at=timezone.now())
