"""Contracts with channels over REST: no secret is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from merchants.models import ChannelAccount, Merchant
from simulators.alipay.keys import AlipayKeys
from tests.api.conftest import Session, session_for
from tests.factories import make_account, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(merchant: Merchant) -> Session:
    return session_for(make_staff(merchant, "owner"))


def test_account_shows_names_and_never_secrets(merchant: Merchant, owner: Session) -> None:
    account = make_account(merchant)
    shown = owner.get(f"channel-accounts/{account.code}")
    secrets = {
        account.credentials[name] for name in ("api_v3_key", "merchant_private_key") if account.credentials.get(name)
    }
    assert not any(secret in shown.content.decode() for secret in secrets)
    assert shown.json()["names"].get("mchid") == account.credentials.get("mchid")
    wrong = owner.post(f"channel-accounts/{account.code}/credentials", {"credentials": {"merchant_private_key": "x"}})
    assert wrong.status_code == 422, wrong.content
    assert ChannelAccount.objects.get().credentials == account.credentials


def test_alipay_account_by_certificates_is_opened_by_rest_and_one_that_does_not_fit_names_the_field(
    merchant: Merchant, owner: Session, tmp_path: Path
) -> None:
    keys = AlipayKeys(tmp_path)
    given = {
        "app_id": keys.app_id,
        "app_private_key": keys.app_private_key_path.read_text(),
        "app_certificate": keys.own_cert_path.read_text(),
        "alipay_certificate": keys.own_cert_path.read_text(),
        "alipay_root_certificate": keys.root_cert_path.read_text(),
    }
    body = {"channel": "alipay", "store": None, "credentials": given}

    refused = owner.post("channel-accounts", body, key="k1")

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "app_certificate")
    given["app_certificate"] = keys.app_cert_path.read_text()
    opened = owner.post("channel-accounts", body, key="k2")
    assert opened.status_code == 201, opened.content
    assert opened.json()["names"] == {"app_id": keys.app_id}
    assert ChannelAccount.objects.get().credentials["app_certificate"] == given["app_certificate"].strip()
