"""The one table of channels: code -> how to build its adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from payment_channels.alipay.adapter import build as build_alipay
from payment_channels.contract import RefundChannel
from payment_channels.manual import ROUTES
from payment_channels.manual import build as build_manual
from payment_channels.unionpay.adapter import build as build_unionpay
from payment_channels.wechat.adapter import build as build_wechat

#: Builds an adapter from a channel account: credentials as stored, profile as stored, base URL.
Builder = Callable[[Mapping[str, str], Mapping[str, object], str], RefundChannel]

CHANNELS: dict[str, Builder] = {
    "wechat": build_wechat,
    "alipay": build_alipay,
    "unionpay": build_unionpay,
    **dict.fromkeys(ROUTES, build_manual),
}
