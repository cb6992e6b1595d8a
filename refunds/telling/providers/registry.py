"""The providers that there are."""

from collections.abc import Mapping
from typing import Final

from refunds.telling.providers import aliyun, tencent, wechat
from refunds.telling.providers.contract import Provider

PROVIDERS: Final[Mapping[str, Provider]] = {
    module.PROVIDER.kind: module.PROVIDER for module in (tencent, aliyun, wechat)
}
