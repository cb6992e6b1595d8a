"""The one table of channels. A fourth channel is a folder beside its siblings and an entry here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from payment_channels import manual
from payment_channels.alipay.adapter import PROFILE as ALIPAY
from payment_channels.alipay.adapter import build as build_alipay
from payment_channels.contract import RefundChannel
from payment_channels.profile import Profile
from payment_channels.remedies import gettext_noop
from payment_channels.unionpay.adapter import PROFILE as UNIONPAY
from payment_channels.unionpay.adapter import build as build_unionpay
from payment_channels.wechat.adapter import PROFILE as WECHAT
from payment_channels.wechat.adapter import build as build_wechat

#: Builds an adapter from a channel account: credentials as stored, profile, base URL.
Builder = Callable[[Mapping[str, str], Profile, str], RefundChannel]


_USUAL = Profile()


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What there is to know of a channel without an account at it.

    ``label`` is its English name, which pages translate; ``letter`` stands in its mark. ``statements`` and ``fund_flow`` say
    what it lists of a day, ``other_account`` that it sends a refund elsewhere that it cannot deliver, ``by_hand`` that a person
    pays. ``number`` names the credentials that say whose money it is, whichever keys sign.
    ``credentials`` are the names of what an account signs with, those that are no secret in ``open_credentials``.
    """

    label: str
    letter: str
    build: Builder
    profile: Profile = _USUAL
    balance_label: str = ""
    statements: bool = False
    fund_flow: bool = False
    other_account: bool = False
    by_hand: bool = False
    number: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()
    open_credentials: tuple[str, ...] = ()


CHANNELS: Mapping[str, Channel] = {
    "wechat": Channel(
        label=gettext_noop("WeChat Pay"),
        letter="微",
        balance_label=gettext_noop("WeChat balance"),
        build=build_wechat,
        profile=WECHAT,
        statements=True,
        fund_flow=True,
        other_account=True,
        number=("mchid", "sub_mchid"),
        open_credentials=("mchid", "sub_mchid", "merchant_serial", "public_key_id"),
        credentials=("merchant_private_key", "api_v3_key", "public_key"),
    ),
    "alipay": Channel(
        label=gettext_noop("Alipay"),
        letter="支",
        balance_label=gettext_noop("Alipay balance"),
        build=build_alipay,
        profile=ALIPAY,
        statements=True,
        number=("app_id", "app_auth_token"),
        open_credentials=("app_id",),
        credentials=(
            *("app_private_key", "alipay_public_key", "app_auth_token"),
            *("app_certificate", "alipay_certificate", "alipay_root_certificate"),
        ),
    ),
    "unionpay": Channel(
        label=gettext_noop("UnionPay"),
        letter="银",
        build=build_unionpay,
        profile=UNIONPAY,
        statements=True,
        number=("mer_id",),
        open_credentials=("mer_id", "access_type", "acq_ins_code", "signer"),
        credentials=(
            *("sign_certificate", "sign_private_key", "sign_pfx", "sign_pfx_password"),
            *("root_certificate", "middle_certificate"),
        ),
    ),
    "bank_transfer": Channel(label=gettext_noop("Bank transfer"), letter="转", build=manual.build, by_hand=True),
    "cash": Channel(label=gettext_noop("Cash"), letter="现", build=manual.build, by_hand=True),
    "store_credit": Channel(label=gettext_noop("Store credit"), letter="储", build=manual.build, by_hand=True),
}
