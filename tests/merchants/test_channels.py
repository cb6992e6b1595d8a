"""Channels as everybody may know them."""

from __future__ import annotations

import pytest
from django.utils import translation

from merchants import channels
from payment_channels.contract import ProfileInvalid


def test_an_account_says_only_what_its_contract_says_otherwise() -> None:
    usual = channels.profile("wechat", {})
    own = channels.profile("wechat", {"window_days": 180})
    assert (own.window_days, own.partial_spacing_s) == (180, usual.partial_spacing_s)


@pytest.mark.parametrize(
    "nonsense", [{"arrival": None}, {"arrival": {"debit_card": 3}}, {"arrival": {"debit_card": [1]}}, {"voids": "yes"}]
)
def test_pages_keep_the_usual_contract_where_an_accounts_own_cannot_be_read(nonsense: dict[str, object]) -> None:
    with pytest.raises(ProfileInvalid):
        channels.profile("alipay", nonsense)
    assert channels.usable_profile("alipay", nonsense) == channels.profile("alipay", {})


def test_every_channel_has_its_name_in_the_readers_language() -> None:
    with translation.override("zh-hans"):
        assert [channels.label(code) for code in ("wechat", "cash", "ecny", "barter")] == [
            "微信支付",
            "现金",
            "数字人民币",
            "barter",
        ]
