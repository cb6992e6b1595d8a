"""The pages of channel accounts: secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from merchants.models import ChannelAccount, Staff
from simulators.kit.testing import RunningSimulator, running_simulator
from tests.desk.conftest import Shop
from tests.factories import make_account, make_merchant, make_staff, wechat_credentials, works_in

SignIn = Callable[[Staff], Client]
_PATH = "/desk/settings/channel-accounts"


def _shows_a_secret(page: str, given: dict[str, str]) -> bool:
    key = given["merchant_private_key"].splitlines()[1]
    return given["api_v3_key"] in page or key in page


def test_account_is_opened_set_up_rotated_and_ended_and_shows_no_secret(
    wechat: RunningSimulator, shop: Shop, owner: Client
) -> None:
    given = wechat_credentials(wechat.account)
    refused = owner.post(f"{_PATH}/new/wechat", {**given, "store": "*", "merchant_private_key": "x", "mchid": "1900"})
    assert refused.status_code == 422
    assert 'value="1900"' in refused.content.decode()
    assert not _shows_a_secret(refused.content.decode(), given)
    page = owner.post(f"{_PATH}/new/wechat", {**given, "store": "*"}, follow=True).content.decode()
    account = ChannelAccount.objects.get()
    assert account.code in page
    path = f"{_PATH}/{account.code}"
    form = {"max_partials": "7", "voids": "true", "void_cutoff": "22:30", "arrival": "credit_card 1-3"}
    pages = [
        page,
        owner.get(path).content.decode(),
        owner.post(path, form, follow=True).content.decode(),
        owner.post(f"{path}/credentials", {"api_v3_key": "n" * 32, "overlap": "7d"}, follow=True).content.decode(),
        owner.post(f"{path}/close", {"typed": "x"}).content.decode(),
        owner.post(f"{path}/close", {"typed": account.code}, follow=True).content.decode(),
    ]
    assert not any(_shows_a_secret(page, given) or "n" * 32 in page for page in pages)
    account.refresh_from_db()
    assert account.profile_overrides == {
        "max_partials": 7,
        "voids": True,
        "void_cutoff": "22:30",
        "arrival": {"credit_card": [1, 3]},
    }
    assert account.credentials["api_v3_key"] == "n" * 32
    assert account.credentials_before_until > timezone.now()  # type: ignore[operator]
    assert not account.is_active


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("", {"max_partials": "many"}),
        ("", {"void_cutoff": "25:00"}),
        ("", {"arrival": "credit_card soon"}),
        ("/credentials", {"api_v3_key": "short", "overlap": "24h"}),
        ("/credentials", {"api_v3_key": "n" * 32, "overlap": "400d"}),
        ("/close", {"typed": ""}),
    ],
)
def test_form_that_is_refused_changes_nothing(
    wechat: RunningSimulator, shop: Shop, owner: Client, path: str, form: dict[str, str]
) -> None:
    account = make_account(shop.merchant, wechat.account)
    assert owner.post(f"{_PATH}/{account.code}{path}", form).status_code == 422
    after = ChannelAccount.objects.get()
    assert (after.revision, after.credentials, after.is_active) == (1, account.credentials, True)
    assert after.profile_overrides == account.profile_overrides


def test_test_of_an_account_that_cannot_be_used_says_so(shop: Shop, owner: Client) -> None:
    account = make_account(shop.merchant)
    page = owner.post(f"{_PATH}/{account.code}/test", follow=True).content.decode()
    assert "The channel refuses these credentials." in page
    assert owner.post(f"{_PATH}/{account.code}/test").status_code == 409


def test_accounts_are_of_ones_own_merchant_and_for_those_of_all_stores(
    shop: Shop, owner: Client, as_staff: SignIn
) -> None:
    theirs, ours = make_account(make_merchant()), make_account(shop.merchant)
    assert owner.get(f"{_PATH}/new/cash").status_code == 404
    assert owner.post(f"{_PATH}/new/wechat", {"store": "S999"}).status_code == 404
    for act in ("", "/credentials", "/test", "/close"):
        assert owner.post(f"{_PATH}/{theirs.code}{act}").status_code == 404
    bound = make_staff(shop.merchant, "manager")
    works_in(bound, shop.merchant.stores.get())
    for staff in (shop.cashier, shop.finance, bound):
        assert as_staff(staff).get(_PATH).status_code == 403
        assert as_staff(staff).post(f"{_PATH}/{ours.code}/close", {"typed": ours.code}).status_code == 403
    assert ChannelAccount.objects.filter(is_active=True, tested_at=None).count() == 2


@pytest.fixture(scope="module")
def alipay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with running_simulator("alipay", tmp_path_factory.mktemp("alipay")) as simulator:
        yield simulator


@pytest.mark.django_db(transaction=True)
def test_alipay_account_by_certificates_is_opened_in_the_browser_and_its_connection_works(
    alipay: RunningSimulator, shop: Shop, owner: Client, settings: Settings
) -> None:
    told = alipay.account
    settings.CHANNEL_URLS = {**settings.CHANNEL_URLS, "alipay": told["base_url"]}
    given = {
        "app_id": told["app_id"],
        "app_private_key": Path(told["app_private_key_path"]).read_text(),
        "app_certificate": Path(told["app_cert_path"]).read_text(),
        "alipay_certificate": Path(told["alipay_cert_path"]).read_text(),
    }
    form = owner.get(f"{_PATH}/new/alipay").content.decode()
    assert all(f'name="{name}"' in form for name in (*given, "alipay_root_certificate"))
    refused = owner.post(f"{_PATH}/new/alipay", {**given, "store": "*"})
    assert refused.status_code == 422
    assert not ChannelAccount.objects.exists()
    given["alipay_root_certificate"] = Path(told["alipay_root_cert_path"]).read_text()

    page = owner.post(f"{_PATH}/new/alipay", {**given, "store": "*"}, follow=True).content.decode()

    account = ChannelAccount.objects.get()
    assert account.code in page
    assert given["app_private_key"].splitlines()[1] not in page
    owner.post(f"{_PATH}/{account.code}/test", follow=True)
    account.refresh_from_db()
    assert (account.test_word, account.test_code) == ("works", "")
    # Another root is not the application's: the channel says no.
    other = {"alipay_root_certificate": given["app_certificate"], "overlap": "0"}
    owner.post(f"{_PATH}/{account.code}/credentials", other, follow=True)
    ChannelAccount.objects.update(tested_at=None)
    owner.post(f"{_PATH}/{account.code}/test", follow=True)
    account.refresh_from_db()
    assert account.test_word != "works"
